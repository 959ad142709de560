"""Dates of a billing run as pure functions: no ORM, no clock of its own."""

import calendar
from collections.abc import Iterable
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

DAY_RULES = ("run_date", "month_day", "previous_month_day", "next_month_day")


def day_of_month(year: int, month: int, day: int) -> date:
    """Return the date ``day`` of a month; days past its end mean its last day."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def apply_day_rule(rule: str, day: int, reference: date) -> date:
    """Return the date that a cycle's day rule gives for a run's reference date.

    :param rule: one of ``DAY_RULES``
    :param day: day of the month, 31 = the last day; not used by ``run_date``
    :param reference: the date the run is for
    """
    if rule == "run_date":
        return reference
    shift = {"month_day": 0, "previous_month_day": -1, "next_month_day": 1}[rule]
    month = reference.replace(day=1) + relativedelta(months=shift)
    return day_of_month(month.year, month.month, day)


def apply_due_rule(rule: str, days: int, invoice_date: date) -> date:
    """Return the due date of an invoice that has no payment term.

    :param rule: ``days`` after the invoice date; ``month_end`` = the last day
        of the month in which invoice date + days falls; ``next_month_day`` = day
        ``days`` of the month after the invoice date (31 = the last day)
    """
    if rule == "days":
        return invoice_date + timedelta(days=days)
    if rule == "month_end":
        due = invoice_date + timedelta(days=days)
        return day_of_month(due.year, due.month, 31)
    month = invoice_date.replace(day=1) + relativedelta(months=1)
    return day_of_month(month.year, month.month, max(days, 1))


def shift_due_date(due_date: date, days: int, invoice_date: date) -> date:
    """Return a due date moved by so many days, but never to before the invoice date."""
    return max(due_date + timedelta(days=days), invoice_date) if days else due_date


def move_by_months(day: date, months: int, earlier: Iterable[date]) -> date:
    """Return a date moved by so many months, that keeps the day it first had.

    The last day of a month stays the last day, unless it was only cut to the month's length.

    :param earlier: the dates it was moved from before, latest first
    """
    moved = day + relativedelta(months=months)
    if not _is_month_end(day):
        return moved
    kept = next((other.day for other in earlier if not _is_month_end(other)), 31)
    return day_of_month(moved.year, moved.month, kept if kept >= day.day else 31)


def _is_month_end(day):
    return (day + timedelta(days=1)).day == 1


def next_occurrence(start: date, number: int, unit: str, months, after: date) -> date:
    """Return the first recurrence date later than ``after``.

    Occurrences are counted from ``start`` itself, so a cycle that starts on the
    31st runs on the last day of shorter months and returns to the 31st.

    :param start: first occurrence
    :param number: every how many units, at least 1
    :param unit: ``day``, ``week``, ``month`` or ``year``
    :param months: months (1..12) in which the cycle runs; empty = all of them
    :param after: the result lies after this day
    :return: a date, or None when no occurrence falls in those months within
        the next fifty years
    """
    months = set(months)
    horizon = after + relativedelta(years=50)
    index = _first_index(start, number, unit, after)
    while True:
        occurrence = start + _interval(unit, number * index)
        if occurrence > horizon:
            return None
        if occurrence > after and (not months or occurrence.month in months):
            return occurrence
        index += 1


def _interval(unit, count):
    return relativedelta(**{f"{unit}s": count})


def _first_index(start, number, unit, after):
    """Return an index not beyond the first occurrence after ``after``."""
    if after < start:
        return 0
    if unit in ("day", "week"):
        length = number * (7 if unit == "week" else 1)
        return (after - start).days // length
    passed = (after.year - start.year) * 12 + after.month - start.month
    length = number * (12 if unit == "year" else 1)
    return max(passed // length - 1, 0)
