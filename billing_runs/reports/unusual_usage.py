"""What of a service's usage is unusual against its own past, as pure functions: no ORM."""

from collections.abc import Sequence
from typing import NamedTuple

from .anomalies import is_anomaly, mean_and_deviation

#: fewer calls or minutes more or less are nothing to look at
LEAST_CALLS, LEAST_MINUTES = 10, 30.0


class Usage(NamedTuple):
    """Usage of one period: calls, billed minutes, what they cost, and of these calls to premium and
    satellite numbers."""

    calls: int = 0
    minutes: float = 0.0
    amount: float = 0.0
    special_calls: int = 0
    special_amount: float = 0.0


class Findings(NamedTuple):
    """What is unusual, and the means of the periods before."""

    calls: bool
    minutes: bool
    amount: bool
    special: bool
    means: Usage


def look_at(now: Usage, past: Sequence[Usage], least_amount: float, percent: float) -> Findings:
    """Return what is unusual about a period's usage.

    Calls, minutes and cost are compared as the amounts of bills are. Calls to premium or satellite
    numbers stand out where there were none before, and where they cost unusually much.

    :param past: usage of up to three periods before; without any, only special calls stand out
    :param least_amount: the least difference in cost that is looked at
    :param percent: the least difference in percent of the mean
    """

    def odd(name, least):
        known = [getattr(usage, name) for usage in past]
        return is_anomaly(getattr(now, name), known, least, percent)

    means = Usage(
        *(mean_and_deviation([float(getattr(u, name)) for u in past])[0] for name in Usage._fields)
    )
    return Findings(
        odd("calls", LEAST_CALLS),
        odd("minutes", LEAST_MINUTES),
        odd("amount", least_amount),
        bool(now.special_calls)
        and (not means.special_calls or odd("special_amount", least_amount)),
        means,
    )
