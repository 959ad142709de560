"""Which part of an amount belongs to the days before a boundary, and which to those after it.

Pure Decimal arithmetic without the ORM. Days are half-open: ``boundary`` is the first day of the
next month. Both parts of an amount always add up to it.
"""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ...services.proration import part_amount, round_amount


class Period(NamedTuple):
    """The days that an amount covers, as a part or the whole of a full period that costs ``total``.
    Amounts that are no part of one leave these open."""

    start: date
    end: date
    full_start: date | None = None
    full_end: date | None = None
    total: Decimal | None = None


def days_before(period: Period, boundary: date) -> int:
    """Return how many days of a period lie before the boundary."""
    return (min(max(boundary, period.start), period.end) - period.start).days


def earned_amount(amount: Decimal, period: Period, boundary: date, coin: Decimal) -> Decimal:
    """Return the part of an amount that is earned by the days before the boundary.

    A part of a full period costs what rating would charge for it, so that what is charged later for
    these days is the same to the cent.
    """
    if boundary >= period.end:
        return amount
    if boundary <= period.start:
        return Decimal(0)
    if period.total is not None:
        full = part_amount(period.total, period.start, period.end, *period[2:4], coin)
        if full == amount:
            return part_amount(period.total, period.start, boundary, *period[2:4], coin)
    days = (period.end - period.start).days
    return round_amount(amount * days_before(period, boundary) / days, coin)


def earned_by_calls(
    amount: Decimal, before: Decimal, whole: Decimal, coin: Decimal
) -> Decimal | None:
    """Return the part of a charge of calls that those before the boundary make: what a charge of
    these alone would come to.

    :param before: what the calls before the boundary come to, not rounded
    :param whole: what all its calls come to, not rounded
    :return: None where the calls do not come to the charge: some are not there any more
    """
    if round_amount(whole, coin) != abs(amount):
        return None
    part = round_amount(before, coin)
    return -part if amount < 0 else part


def share_of(value: Decimal, part: Decimal, whole: Decimal, coin: Decimal) -> Decimal:
    """Return of a value what a part is of the whole, rounded; nothing of nothing."""
    return round_amount(value * part / whole, coin) if whole else Decimal(0)
