"""On which days banks settle direct debits: the TARGET calendar. No database, no ORM."""

from datetime import date, timedelta

from dateutil.easter import easter

ONE_DAY = timedelta(days=1)
#: month and day of the holidays that do not move
FIXED = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})
#: days from Easter Sunday: Good Friday, Easter Monday
MOVING = frozenset({-2, 1})


def is_open(day: date) -> bool:
    """Return whether TARGET settles on a day."""
    if day.weekday() >= 5 or (day.month, day.day) in FIXED:
        return False
    return (day - easter(day.year)).days not in MOVING


def next_open(day: date) -> date:
    """Return the day itself where TARGET is open, else the next one on which it is."""
    while not is_open(day):
        day += ONE_DAY
    return day


def after_open_days(day: date, number: int) -> date:
    """Return the open day that comes so many open days after a day."""
    for _number in range(number):
        day = next_open(day + ONE_DAY)
    return day


def earliest_collection(
    today: date, notice_days: int, lead_days: int, with_calendar: bool = True
) -> date:
    """Return the first day on which something can be collected.

    :param notice_days: calendar days that customers are told before
    :param lead_days: open days that the bank needs the file before
    :param with_calendar: whether closed days are left out
    """
    noticed = today + timedelta(days=notice_days)
    if not with_calendar:
        return max(noticed, today + timedelta(days=lead_days))
    return max(next_open(noticed), after_open_days(today, lead_days))
