"""When declined cards are tried again, and when cards expire. No database, no ORM."""

import re
from calendar import monthrange
from datetime import date, timedelta

#: a schedule longer than this is a mistake of typing
MOST_TRIES = 10
MOST_DAYS = 90


def parse_days(text: str | None) -> list[int]:
    """Return the days between the tries of a card: ``"3, 5, 7"`` is three more tries.

    :raise ValueError: it is no list of 1 to 90 days, or there are more than ten
    """
    parts = [part for part in re.split(r"[\s,;]+", (text or "").strip()) if part]
    if len(parts) > MOST_TRIES or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(text)
    days = [int(part) for part in parts]
    if any(not 1 <= number <= MOST_DAYS for number in days):
        raise ValueError(text)
    return days


def next_try(day: date, tries: int, days: list[int]) -> date | None:
    """Return the day of the next try after so many that were declined; None: there is no more."""
    return day + timedelta(days=days[tries - 1]) if 0 < tries <= len(days) else None


def parse_expiry(text: str | None) -> date:
    """Return the last day of a card from what is printed on it: ``04/2027`` or ``04/27``.

    :raise ValueError: it is no month and year
    """
    found = re.fullmatch(r"\s*(\d{1,2})\s*[/.\-]\s*(\d{2}|\d{4})\s*", text or "", re.ASCII)
    if not found:
        raise ValueError(text)
    month, year = int(found[1]), int(found[2])
    year += 2000 if year < 100 else 0
    if not 1 <= month <= 12 or not 2000 <= year <= 2099:
        raise ValueError(text)
    return date(year, month, monthrange(year, month)[1])


def expiry_text(day: date | None) -> str:
    """Return a card's last day as it is printed: ``04/2027``."""
    return f"{day:%m/%Y}" if day else ""
