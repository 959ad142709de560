"""How long to wait so that the other side's limits of calls are kept. Times are seconds.

What was called is kept as plain JSON: ``minute``, the times of the calls of the last minute, and
``hours``, how many there were in each hour of the last day.
"""

import math

MINUTE, HOUR, DAY = 60.0, 3600, 86400


def note(usage: dict | None, now: float) -> dict:
    """Return what was called, with one call more."""
    usage = recent(usage, now)
    hour = str(int(now // HOUR))
    hours = usage["hours"]
    return {
        "minute": [*usage["minute"], round(now, 3)],
        "hours": {**hours, hour: hours.get(hour, 0) + 1},
    }


def recent(usage: dict | None, now: float) -> dict:
    """Return what was called, without what no limit asks about any more."""
    usage = usage or {}
    first = int((now - DAY) // HOUR)
    return {
        "minute": [time for time in usage.get("minute", ()) if now - MINUTE < time <= now],
        "hours": {
            hour: count for hour, count in usage.get("hours", {}).items() if int(hour) > first
        },
    }


def wait(usage: dict | None, now: float, per_minute: int, per_day: int) -> float:
    """Return how long to wait before the next call; 0 where it may be made now."""
    usage = recent(usage, now)
    calls = usage["minute"]
    if len(calls) >= per_minute:
        # A second more: the other side's clock began its minute when the call came there.
        return max(calls[len(calls) - per_minute] + MINUTE - now, 0.0) + 1.0
    hours = usage["hours"]
    if sum(hours.values()) >= per_day:
        return float(min(map(int, hours)) * HOUR + DAY + HOUR - now)
    return 0.0


def told(text: str | None, default: float = MINUTE) -> float:
    """Return the seconds that an answer asks to wait: a number, at least one, at most a day.

    >>> told("17"), told("0"), told(None), told("soon")
    (17.0, 1.0, 60.0, 60.0)
    """
    try:
        seconds = float(text)
    except (TypeError, ValueError):
        return default
    if not math.isfinite(seconds):
        return default
    return min(max(seconds, 1.0), float(DAY))
