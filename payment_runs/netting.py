"""What is collected of open items when credits are taken off first. No database, no ORM."""

from collections import defaultdict
from datetime import date
from typing import NamedTuple


class Item(NamedTuple):
    """An open receivable line, or one instalment: its amount in the currency's smallest units."""

    id: int
    customer: int
    due: date
    units: int


class Credit(NamedTuple):
    """An open credit note or payment of a customer."""

    id: int
    customer: int
    units: int


def to_units(amount: float, places: int) -> int:
    """Return an amount in the smallest units of a currency with so many decimal places."""
    return round(amount * 10**places)


def net(items: list[Item], credits: list[Credit]) -> tuple[dict, list[tuple]]:
    """Take customers' credits off their items, the oldest items and credits first.

    :return: ``({item id: units left}, [(item id, credit id, units)])``
    """
    open_credits = defaultdict(list)
    for credit in sorted(credits):
        open_credits[credit.customer].append([credit.id, credit.units])
    left, pairs = {}, []
    for item in sorted(items, key=lambda item: (item.customer, item.due, item.id)):
        units = item.units
        waiting = open_credits[item.customer]
        while units and waiting:
            credit = waiting[0]
            used = min(units, credit[1])
            if used:
                pairs.append((item.id, credit[0], used))
            units -= used
            credit[1] -= used
            if not credit[1]:
                waiting.pop(0)
        left[item.id] = units
    return left, pairs
