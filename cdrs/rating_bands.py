"""Time bands of the week, cut into stretches that belong to one band each.

Pure arithmetic without the ORM. Days are of fourteen types: the weekdays 0 (Monday) to 6, and the
same weekdays as public holidays, 7 to 13.
"""

from typing import NamedTuple

DAY_MINUTES = 24 * 60
HOLIDAY = 7


class Band(NamedTuple):
    """A band as it is set: weekdays, minutes of the day, and what it does on public holidays
    (``weekday``, ``all``, ``none``)."""

    id: int
    weekdays: frozenset
    minute_from: int
    minute_to: int
    holidays: str


class Segment(NamedTuple):
    """Minutes ``[minute_from, minute_to)`` of a type of day that belong to one band."""

    day_type: int
    minute_from: int
    minute_to: int
    band_id: int


def cut_bands(bands: list[Band]) -> list[Segment]:
    """Return the stretches of each type of day, without overlaps: the first band wins.

    A band that ends before it begins goes on after midnight, on the day after each of its days:
    whether that is a holiday is asked of the day on which it goes on.
    """
    found = []
    for day_type in range(2 * HOLIDAY):
        free = [(0, DAY_MINUTES)]
        for band in bands:
            for start, end in _stretches(band, day_type):
                rest = []
                for free_start, free_end in free:
                    low, high = max(start, free_start), min(end, free_end)
                    if low >= high:
                        rest.append((free_start, free_end))
                        continue
                    found.append(Segment(day_type, low, high, band.id))
                    rest += [(a, b) for a, b in ((free_start, low), (high, free_end)) if a < b]
                free = rest
    return sorted(found)


def _stretches(band: Band, day_type: int):
    """Yield the minutes of a type of day that a band claims."""
    if band.minute_from < band.minute_to:
        if _holds(band, day_type, day_type % HOLIDAY):
            yield band.minute_from, band.minute_to
        return
    if _holds(band, day_type, day_type % HOLIDAY):
        yield band.minute_from, DAY_MINUTES
    if _holds(band, day_type, (day_type - 1) % HOLIDAY):
        yield 0, band.minute_to


def _holds(band: Band, day_type: int, weekday: int) -> bool:
    if day_type >= HOLIDAY and band.holidays != "weekday":
        return band.holidays == "all"
    return weekday in band.weekdays
