"""What a day of a prepaid service costs, and how long money lasts. Pure arithmetic, no ORM.

A prepaid service is charged by the day: the first n days of a full period of so many days cost
``round(gross × n / days)`` together, so that the days of a full period come to its gross price to
the cent, however they were taken. Where part periods are not prorated, a period is charged
whole on its first day.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from ...services.periods import ONE_DAY, Period, Schedule, boundary, interval_index
from ...services.proration import PriceLine, charge_row

PRICE_DIGITS = Decimal("1e-10")


def gross_line(line: PriceLine, gross: Decimal) -> PriceLine:
    """Return a price line whose full period comes to a gross amount.

    :param gross: with tax, rounded
    """
    factor = line._replace(price=Decimal(1)).total
    return line._replace(price=gross / factor if factor else Decimal(0))


def day_row(line: PriceLine, gross: Decimal, period: Period, rounding: Decimal) -> dict:
    """Return the priced part of the charge for some days of a period: column values.

    :param gross: what the line's full period costs, with tax, rounded
    """
    row = charge_row(gross_line(line, gross), period, rounding)
    return row | {
        "full_price": row["full_price"].quantize(PRICE_DIGITS),
        "price_unit": row["price_unit"].quantize(PRICE_DIGITS),
    }


def boundaries(schedule: Schedule, start: date, end: date) -> list[date]:
    """Return the first days of the periods that ``[start, end)`` touches, and the day after the
    last one."""
    index = interval_index(schedule, start)
    days = [boundary(schedule, index)]
    while days[-1] < end or len(days) < 2:
        index += 1
        days.append(boundary(schedule, index))
    return days


class Burn(NamedTuple):
    """What one line of a service will cost from a day on.

    ``coins`` is what a full period costs, in the currency's smallest coins; ``days`` are the periods'
    first days, from that of the period that holds ``start`` on. ``whole`` charges a period on its
    first day. Nothing is charged from ``end`` on.
    """

    coins: int
    days: tuple[date, ...]
    start: date
    end: date | None
    whole: bool

    def until(self, day: date) -> int:
        """Return what is charged from ``start`` through ``day``, in coins."""
        stop = day + ONE_DAY
        if self.end is not None and self.end < stop:
            stop = self.end
        if stop <= self.start:
            return 0
        if self.whole:
            # The period of the start is charged where it begins there or was never charged.
            return self.coins * sum(1 for first in self.days if self.start <= first < stop)
        return self._before(stop) - self._before(self.start)

    def _before(self, day: date) -> int:
        """Return what the days before ``day`` cost since the first of the periods."""
        place = bisect_right(self.days, day) - 1
        first, after = self.days[place], self.days[place + 1]
        length, used = (after - first).days, (day - first).days
        return self.coins * place + rounded_share(self.coins, used, length)


def rounded_share(coins: int, used: int, length: int) -> int:
    """Return ``coins × used / length``, rounded half up."""
    return (2 * coins * used + length) // (2 * length)


def depletion_day(
    available: int, burns: Iterable[Burn], first: date, horizon: int, daily: float = 0.0
) -> date | None:
    """Return the first day that money does not pay any more, None where it lasts beyond the horizon.

    :param available: coins that may be spent
    :param first: the first day that is not charged yet
    :param horizon: so many days are looked at
    :param daily: what is used besides, in coins a day
    """
    burns = list(burns)

    def spent(days: int) -> float:
        day = first + timedelta(days=days - 1)
        return sum(burn.until(day) for burn in burns) + daily * days

    return _first_day_over(spent, available, first, horizon)


def _first_day_over(
    spent: Callable[[int], float], available: int, first: date, horizon: int
) -> date | None:
    total = spent(horizon)
    if total <= available:
        return None
    low, high = 0, horizon
    # What is spent is nearly even: a guess by proportion comes close, halving does the rest.
    guess = int(horizon * max(available, 0) / total)
    for days in (guess - 1, guess + 2):
        if low < days < high:
            if spent(days) > available:
                high = days
            else:
                low = days
    while high - low > 1:
        middle = (low + high) // 2
        if spent(middle) > available:
            high = middle
        else:
            low = middle
    return first + timedelta(days=high - 1)
