"""Why a customer's bill changed, as pure functions: no ORM, Decimal money.

The difference between two bills is split so that the parts add up to it exactly:

- ``new``, ``lost``: recurring charges, add-ons and usage of services billed only now or only then;
- ``price``, ``quantity``: recurring charges and add-ons of services billed both times; days,
  periods and units count as quantity;
- ``usage``: of services billed both times;
- ``credits``: adjustments, down or up; ``one_off``: set-up, jobs, minimum charges and fees.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from ...services.proration import round_amount

PARTS = ("new", "lost", "price", "quantity", "usage", "credits", "one_off")
_ALONE = {"adjustment": "credits", "setup": "one_off", "job": "one_off", "minimum": "one_off"}
ZERO = Decimal(0)


class BilledLine(NamedTuple):
    """One line of a bill: ``price`` of a full period and unit after discount, ``amount`` before
    tax."""

    service: int | None
    addon_line: int | None
    kind: str
    product: int | None
    price: Decimal
    amount: Decimal


def bridge(
    before: Iterable[BilledLine], after: Iterable[BilledLine], rounding: Decimal
) -> dict[str, Decimal]:
    """Return ``{part: amount}`` for all ``PARTS``; they add up to the difference of the totals.

    :param before, after: iterables of :class:`BilledLine` of one customer and currency
    :param rounding: the currency's smallest coin
    """
    before, after = list(before), list(after)
    parts = dict.fromkeys(PARTS, ZERO)
    then = {line.service for line in before if line.kind not in _ALONE}
    now = {line.service for line in after if line.kind not in _ALONE}
    groups = {}
    for side, lines in enumerate((before, after)):
        for line in lines:
            if line.kind in _ALONE:
                parts[_ALONE[line.kind]] += line.amount if side else -line.amount
            elif side and line.service not in then:
                parts["new"] += line.amount
            elif not side and line.service not in now:
                parts["lost"] -= line.amount
            elif line.kind == "usage":
                parts["usage"] += line.amount if side else -line.amount
            else:
                groups.setdefault(_key(line), ([], []))[side].append(line)
    for old, new in groups.values():
        price, quantity = _price_and_quantity(old, new, rounding)
        parts["price"] += price
        parts["quantity"] += quantity
    return parts


def _key(line):
    """A tariff change gives the same service another product: its price changed."""
    return (line.service, line.kind, line.addon_line)


def _price_and_quantity(old, new, rounding):
    """Split the difference: what the new volume would have cost at the old average price is
    quantity, the rest is price."""
    old_amount = sum((line.amount for line in old), ZERO)
    new_amount = sum((line.amount for line in new), ZERO)
    old_volume, new_volume = _volume(old), _volume(new)
    if not old_volume or not new_volume:
        return ZERO, new_amount - old_amount
    at_old_price = round_amount(old_amount * new_volume / old_volume, rounding)
    return new_amount - at_old_price, at_old_price - old_amount


def _volume(lines):
    """Return how many full periods and units the amounts stand for."""
    return sum((line.amount / line.price for line in lines if line.price), ZERO)
