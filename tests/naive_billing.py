"""A second, slow opinion on periods and prices: every day is looked at one by one.

Written from the rules in words, without the arithmetic of ``services/periods.py`` and
``services/proration.py``, so that the two can be compared.
"""

from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

DAY = timedelta(days=1)


def is_boundary(schedule, day):
    """Whether a full period of the schedule starts on `day`."""
    calendar = schedule.alignment == "calendar"
    if schedule.unit == "day":
        origin = date(2000, 1, 1) if calendar else schedule.anchor
        return (day - origin).days % schedule.number == 0
    if schedule.unit == "week":
        if calendar:
            weeks = (day - date(2000, 1, 3)).days // 7  # counted from a Monday
            return day.isoweekday() == schedule.anchor_day and weeks % schedule.number == 0
        days = (day - schedule.anchor).days
        return days % 7 == 0 and (days // 7) % schedule.number == 0
    wanted = schedule.anchor_day if calendar else schedule.anchor.day
    if day.day != min(wanted, monthrange(day.year, day.month)[1]):
        return False
    if calendar:
        months = (day.year - 2000) * 12 + day.month - 1
    else:
        months = (day.year - schedule.anchor.year) * 12 + day.month - schedule.anchor.month
    if schedule.unit == "month":
        return months % schedule.number == 0
    return months % 12 == 0 and (months // 12) % schedule.number == 0


def full_period(schedule, day):
    """First day of the period of `day`, and of the next one, by walking."""
    start = day
    while not is_boundary(schedule, start):
        start -= DAY
    end = day + DAY
    while not is_boundary(schedule, end):
        end += DAY
    return start, end


def periods(schedule, start, end, cutoff, timing, proration="daily"):
    """(start, end, full start, full end) of everything due, by walking from day to day."""
    found = []
    while start < (end or date.max):
        full_start, full_end = full_period(schedule, start)
        stop = min(full_end, end or full_end)
        last_day = stop - DAY
        if (start if timing == "advance" else last_day) > cutoff:
            break
        if proration == "none":
            found.append((start, full_end, start, full_end))
            start = full_end
        else:
            found.append((start, stop, full_start, full_end))
            start = stop
    return found


def rounded(amount, cent="0.01"):
    """Round a fraction half away from zero to cents."""
    cent = Fraction(cent)
    units = abs(amount) / cent
    whole = units.numerator // units.denominator
    if units - whole >= Fraction(1, 2):
        whole += 1
    value = Decimal((whole * cent).numerator) / Decimal((whole * cent).denominator)
    return value if amount >= 0 else -value


def cost(price, quantity, discount, start, end, full_start, full_end, cent="0.01"):
    """Cost of the days [start, end): the rounded price up to each day, summed day by day."""
    total = Fraction(str(price)) * Fraction(str(quantity)) * (1 - Fraction(str(discount)) / 100)
    days = (full_end - full_start).days
    result = Decimal(0)
    day = start
    while day < end:
        before = (day - full_start).days
        result += rounded(total * (before + 1) / days, cent) - rounded(total * before / days, cent)
        day += DAY
    return result.quantize(Decimal(cent), rounding=ROUND_HALF_UP)
