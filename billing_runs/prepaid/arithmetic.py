"""What a day of a prepaid service costs, and how long money lasts. Pure arithmetic, no ORM.

A prepaid service is charged by the day: the first n days of a full period of so many days cost
``round(gross × n / days)`` together, so that the days of a full period come to its gross price to
the cent, however they were taken. Where part periods are not prorated, a period is charged
whole on its first day.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from operator import add
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

    def curve(self, first: date, horizon: int) -> list[int]:
        """Return what is charged from ``start`` through each of so many days from ``first`` on.

        The same as ``until`` says day by day, many times as fast.
        """
        days = [day.toordinal() for day in self.days]
        today, coins, start = first.toordinal(), self.coins, self.start.toordinal()
        before = 0 if self.whole else self._before(self.start)
        # Nothing is charged before the first period, which holds ``start`` or an earlier day.
        values = [0] * min(max(days[0] - today, 0), horizon)
        begun = 0
        for place, (begin, end) in enumerate(pairwise(days)):
            stops = range(max(begin, today) + 1, min(end, today + horizon) + 1)
            begun += begin >= start
            if self.whole:
                values += [coins * begun] * len(stops)
            else:
                # What rounded_share() says, for many days.
                double, length, shift = 2 * coins, end - begin, coins * place - before
                values += [
                    (double * (day - begin) + length) // (2 * length) + shift for day in stops
                ]
        waits = min(max(start - today, 0), horizon)
        values[:waits] = [0] * waits
        if self.end is not None:
            place = self.end.toordinal() - today - 1
            last = values[place] if 0 <= place < horizon else self.until(first)
            values[max(place, 0) :] = [last] * len(values[max(place, 0) :])
        return values


def rounded_share(coins: int, used: int, length: int) -> int:
    """Return ``coins × used / length``, rounded half up."""
    return (2 * coins * used + length) // (2 * length)


class Outlook:
    """When money runs out that pays for services: what many wallets share is reckoned once.

    :param burns: ``{number: Burn}``
    :param first: the first day that is not charged yet
    :param horizon: so many days are looked at
    """

    def __init__(self, burns: Mapping[int, Burn], first: date, horizon: int):
        self.first = first
        self.horizon = horizon
        self._burns = burns
        self._curves: dict[tuple[int, ...], array] = {}

    def days(self, available: int, numbers: tuple[int, ...], daily: float = 0.0) -> int | None:
        """Return how many days money pays, None where it lasts beyond the horizon or nothing is to pay.

        :param available: coins that may be spent
        :param numbers: of the burns that it pays for
        :param daily: what is used besides, in coins a day
        """
        if not numbers and daily <= 0:
            return None
        curve = self._curve(numbers)
        if daily:
            days = range(1, self.horizon + 1)
            paid = bisect_right(days, available, key=lambda n: curve[n - 1] + daily * n)
        else:
            paid = bisect_right(curve, available)
        return paid if paid < self.horizon else None

    def _curve(self, numbers: tuple[int, ...]) -> array:
        if numbers not in self._curves:
            if len(numbers) == 1:
                curve = self._burns[numbers[0]].curve(self.first, self.horizon)
            else:
                curve = [0] * self.horizon
                for number, times in Counter(numbers).items():
                    one = self._curve((number,))
                    curve = list(map(add, curve, one if times == 1 else map(times.__mul__, one)))
            self._curves[numbers] = array("q", curve)
        return self._curves[numbers]
