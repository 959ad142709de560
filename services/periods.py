"""Billing periods: which days a charge covers and when it is due.

Pure date arithmetic without the ORM. All ranges are half-open ``[start, end)``.

A schedule lays boundaries over the calendar, without end in both directions:

* ``anniversary``: the anchor day plus n intervals. Every boundary is computed from the
  anchor itself, never from the boundary before, so a service billed monthly from the 31st
  is billed on the last day of shorter months and returns to the 31st.
* ``calendar``: the same boundaries for every service. Months start on ``anchor_day``
  (31 = the last day), years on that day of January, weeks on that weekday (1 = Monday).
  Longer intervals are counted from January 2000, so quarters start in January, April,
  July and October.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

ONE_DAY = timedelta(days=1)
CALENDAR_DAY = date(2000, 1, 1)
CALENDAR_MONDAY = date(2000, 1, 3)


class Schedule(NamedTuple):
    """How often something is billed. ``unit`` is day, week, month or year; ``alignment`` is
    anniversary (of ``anchor``) or calendar (on ``anchor_day``)."""

    number: int
    unit: str
    alignment: str
    anchor: date
    anchor_day: int


class Period(NamedTuple):
    """The days ``[start, end)`` to charge, a part or the whole of ``[full_start, full_end)``."""

    start: date
    end: date
    full_start: date
    full_end: date


def _add_months(year: int, month: int, day: int, months: int) -> date:
    """Day ``day`` of the month ``months`` after year/month, or its last day when it is shorter."""
    years, month0 = divmod(month - 1 + months, 12)
    year, month = year + years, month0 + 1
    return date(year, month, min(day, monthrange(year, month)[1]))


def _step(schedule: Schedule) -> int:
    """Length of the interval, in days for days and weeks, in months for months and years."""
    return schedule.number * {"day": 1, "week": 7, "month": 1, "year": 12}[schedule.unit]


def boundary(schedule: Schedule, index: int) -> date:
    """First day of interval number ``index`` of the schedule; indexes may be negative."""
    count = index * _step(schedule)
    calendar = schedule.alignment == "calendar"
    if schedule.unit == "day":
        return (CALENDAR_DAY if calendar else schedule.anchor) + timedelta(days=count)
    if schedule.unit == "week":
        first = CALENDAR_MONDAY + timedelta(days=schedule.anchor_day - 1)
        return (first if calendar else schedule.anchor) + timedelta(days=count)
    if calendar:
        return _add_months(2000, 1, schedule.anchor_day, count)
    anchor = schedule.anchor
    return _add_months(anchor.year, anchor.month, anchor.day, count)


def interval_index(schedule: Schedule, day: date) -> int:
    """Number of the interval that contains ``day``."""
    origin = boundary(schedule, 0)
    if schedule.unit in ("day", "week"):
        return (day - origin).days // _step(schedule)
    months = (day.year - origin.year) * 12 + day.month - origin.month
    index = months // _step(schedule)
    # Inside the boundary's own month the days decide, and only there.
    return index if boundary(schedule, index) <= day else index - 1


def boundary_on_or_after(schedule: Schedule, day: date) -> date:
    """First boundary that is not before ``day``."""
    index = interval_index(schedule, day)
    start = boundary(schedule, index)
    return start if start == day else boundary(schedule, index + 1)


def iter_periods(
    schedule: Schedule, start: date, end: date | None, proration: str = "daily"
) -> Iterator[Period]:
    """Cut ``[start, end)`` at the schedule's boundaries; without end when ``end`` is None.

    With proration ``daily`` the first and the last period may be parts of a full one. With
    ``none`` a started period is billed whole: it counts as a full period of its own, and the
    last one runs on to its boundary although the service ends before.
    """
    index = interval_index(schedule, start)
    full_end = boundary(schedule, index)
    while end is None or start < end:
        full_start, full_end = full_end, boundary(schedule, index + 1)
        if proration == "none":
            yield Period(start, full_end, start, full_end)
            start = full_end
        else:
            stop = full_end if end is None else min(full_end, end)
            yield Period(start, stop, full_start, full_end)
            start = stop
        index += 1


def days_left(
    start: date, end: date, taken: Iterable[tuple[date, date]]
) -> Iterator[tuple[date, date]]:
    """Yield the parts of ``[start, end)`` that none of the ranges ``taken`` covers, in order."""
    for first, stop in sorted(taken):
        if start < min(first, end):
            yield start, min(first, end)
        start = max(start, stop)
    if start < end:
        yield start, end


def due_day(period: Period, end: date | None, timing: str) -> date:
    """Return the earliest cutoff that takes the period: its first day in advance, its last in arrears.

    A period that the end of the service cuts counts with its cut end.
    """
    if timing == "advance":
        return period.start
    return (period.end if end is None else min(period.end, end)) - ONE_DAY


def due_periods(
    schedule: Schedule,
    rated_up_to: date,
    end: date | None,
    cutoff: date,
    timing: str,
    proration: str = "daily",
) -> Iterator[Period]:
    """Yield the periods from ``rated_up_to`` (the first unrated day) that ``cutoff`` takes.

    ``end`` is the first day that is no longer billed (None: open); ``cutoff`` is the last included
    day. Timing ``advance`` takes periods that start on or before the cutoff, ``arrears`` those
    whose last day is not after it. Missed periods come one by one, a cutoff in the future
    bills ahead.
    """
    for period in iter_periods(schedule, rated_up_to, end, proration):
        if due_day(period, end, timing) > cutoff:
            return
        yield period


def next_due_day(
    schedule: Schedule, rated_up_to: date, end: date | None, timing: str, proration: str = "daily"
) -> date | None:
    """Return the earliest cutoff that takes anything, None when nothing is left to bill."""
    for period in iter_periods(schedule, rated_up_to, end, proration):
        return due_day(period, end, timing)
    return None
