"""Which references a text of a bank names, and which of the open items they pay. No database, no
ORM."""

import re
from datetime import date
from typing import NamedTuple

#: how many words of a text may stand for one reference: "RF18 5390 0754 7034 ..." has up to seven
WORDS = 8
#: shorter ones are found in texts by chance
SHORTEST = 5
_WORD = re.compile(r"[A-Z0-9]+")


class Open(NamedTuple):
    """An open item that a text names: what is open of it in the currency's smallest units, below
    zero where it is owed to the customer."""

    id: int
    due: date
    units: int


def compact(text: str | None) -> str:
    """Return a reference without what banks leave out or put in between."""
    return "".join(_WORD.findall((text or "").upper()))


def named(text: str | None) -> set[str]:
    """Return all that may be a reference in a text, compact: some whole words in a row each."""
    words = _WORD.findall((text or "").upper())
    found = set()
    for first in range(len(words)):
        joined = ""
        for word in words[first : first + WORDS]:
            joined += word
            if len(joined) >= SHORTEST:
                found.add(joined)
    return found


def paid(units: int, items: list[Open]) -> tuple[str, list[Open]]:
    """Return what an amount pays of the items that its text names.

    :param int units: what came, below zero for what went
    :return: ``(kind, items)``: ``exact``; ``part`` where the amount is not enough for the last one;
        ``more`` where something is left over; ``none``
    """
    mine = sorted(
        (item for item in items if item.units * units > 0), key=lambda item: (item.due, item.id)
    )
    if not mine:
        return "none", []
    total = sum(item.units for item in mine)
    if total == units:
        return "exact", mine
    if abs(total) < abs(units):
        return "more", mine
    for item in mine:
        if item.units == units:
            return "exact", [item]
    taken, sum_units = [], 0
    for item in mine:
        taken.append(item)
        sum_units += item.units
        if sum_units == units:
            return "exact", taken
        if abs(sum_units) > abs(units):
            break
    return "part", taken
