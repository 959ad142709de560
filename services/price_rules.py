"""What a price becomes by a rule, and what a price is worth a month.

Pure Decimal arithmetic without the ORM. A rule is a percentage, an amount, or an index that has
gone from one value to another; what comes of it is rounded as people expect of prices. Rounding
never turns a rule round: a price that a rule raises is not lowered by its rounding, and the other
way round; it then stays as it was.
"""

from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

from .proration import HUNDRED, PriceLine, line_total, round_amount

FIVE_CENTS = Decimal("0.05")
ONE_CENT = Decimal("0.01")
#: days of a mean year, by which weeks and days are brought to months
YEAR = Decimal("365.2425")


class PriceRule(NamedTuple):
    """How prices change. ``kind`` is percent, amount or index; an index goes from ``base`` to
    ``value``."""

    kind: str
    value: Decimal
    base: Decimal = Decimal(1)

    def apply(self, price: Decimal) -> Decimal:
        """Return what becomes of a price, not rounded."""
        if self.kind == "percent":
            return price * (1 + self.value / HUNDRED)
        if self.kind == "amount":
            return price + self.value
        return price * self.value / self.base


class PriceStep(NamedTuple):
    """One price before and after a change."""

    old: Decimal
    new: Decimal


def rounded_price(price: Decimal, rounding: str, coin: Decimal, digits: int) -> Decimal:
    """Round a price.

    :param rounding: none (to the digits of prices), cent, five (cents), or ninety_nine (the
        nearest price that ends in .99)
    :param coin: the smallest coin of the currency; where it has no cents, prices are whole coins
    :param digits: decimals of prices
    """
    if rounding == "ninety_nine" and coin <= ONE_CENT:
        below = price.quantize(Decimal(1), rounding=ROUND_FLOOR) - ONE_CENT
        above = below + 1
        nearest = below if price - below < above - price else above
        return nearest if nearest > 0 or price <= 0 else above
    step = Decimal(1).scaleb(-digits)
    if rounding == "five":
        step = max(coin, FIVE_CENTS)
    elif rounding != "none":
        step = coin
    return round_amount(price, step)


def new_price(
    price: Decimal, rule: PriceRule, rounding: str, coin: Decimal, digits: int
) -> Decimal:
    """Return what a price becomes by a rule, rounded."""
    exact = rule.apply(price)
    rounded = rounded_price(exact, rounding, coin, digits)
    if (exact - price) * (rounded - price) < 0:
        return price
    return rounded


def months_of(number: int, unit: str) -> Decimal:
    """Return how many months a billing interval lasts, in the mean."""
    days = {"day": 1, "week": 7}.get(unit)
    if days:
        return number * days * 12 / YEAR
    return Decimal(number * (12 if unit == "year" else 1))


def monthly_amount(
    price: Decimal, quantity: Decimal, discount: Decimal, months: Decimal, coin: Decimal
) -> Decimal:
    """Return what so many units at a price a period come to in a month, rounded."""
    return round_amount(line_total(price, quantity, discount) / months, coin)


def repriced(lines: list[PriceLine], prices: dict[int, PriceStep]) -> list[PriceLine]:
    """Return what is billed for a period at other prices.

    :param prices: ``{add-on line id, or 0 for the service itself: PriceStep}``; a line that costs
        something else than the old price keeps what it costs
    """
    changed = []
    for line in lines:
        key = line.addon_line_id if line.kind == "addon" else 0
        step = prices.get(key)
        same = step is not None and step.old == line.price
        changed.append(line._replace(price=step.new) if same else line)
    return changed
