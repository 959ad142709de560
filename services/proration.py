"""What a period, or a part of one, costs.

Pure Decimal arithmetic without the ORM. The part of a period from day a to day b costs
``round(price × cum(b)) − round(price × cum(a))`` where ``cum(x)`` is the share of the full
period's days before x. Whatever the cuts, the parts of a period therefore add up to its price
to the cent, and no remainder is lost. Each amount is rounded once, after quantity and discount.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from .periods import ONE_DAY, Period

HUNDRED = Decimal(100)
PRICE_UNIT_DIGITS = Decimal("1e-10")


class PriceLine(NamedTuple):
    """One thing a service is billed for: price a full period, in units; discount in percent."""

    kind: str
    product_id: int
    addon_line_id: int | None
    price: Decimal
    quantity: Decimal
    discount: Decimal

    @property
    def total(self) -> Decimal:
        """Price of a full period, not rounded."""
        return line_total(self.price, self.quantity, self.discount)


def to_decimal(value: float) -> Decimal:
    """Return the number a person typed, not its binary approximation."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def smallest_coin(currency) -> Decimal:
    """Return what amounts of a ``res.currency`` are multiples of."""
    return to_decimal(currency.rounding)


def line_total(price: Decimal, quantity: Decimal, discount: Decimal) -> Decimal:
    """Quantity × price less discount in percent, not rounded."""
    return price * quantity * (1 - discount / HUNDRED)


def recurring_line(product_id: int, price: float, quantity: float, discount: float) -> PriceLine:
    """Return what a service itself costs, as it was typed."""
    numbers = map(to_decimal, (price, quantity, discount))
    return PriceLine("recurring", product_id, None, *numbers)


def addon_line(
    product_id: int, addon_line_id: int | None, price: float, quantity: float, included: float
) -> PriceLine | None:
    """Return what so many of an add-on cost beyond those included; None where that is nothing."""
    billed = to_decimal(quantity) - to_decimal(included)
    if not price or billed <= 0:
        return None
    return PriceLine("addon", product_id, addon_line_id, to_decimal(price), billed, Decimal(0))


def setup_row(product_id: int, price: float, day: date, rounding: Decimal) -> dict:
    """Return the priced part of the charge for setting a service up, due once on ``day``."""
    line = PriceLine("setup", product_id, None, to_decimal(price), Decimal(1), Decimal(0))
    return charge_row(line, Period(day, day + ONE_DAY, day, day + ONE_DAY), rounding)


def one_unit(amount: Decimal) -> dict:
    """Return the priced part of a charge that is an amount alone: one unit, whose quantity carries
    the sign."""
    return {
        "quantity": Decimal(-1 if amount < 0 else 1),
        "discount": Decimal(0),
        "price_unit": abs(amount),
        "amount": amount,
    }


def round_amount(amount: Decimal, rounding: Decimal) -> Decimal:
    """Round half away from zero to a multiple of ``rounding``, a currency's smallest coin."""
    return (amount / rounding).quantize(Decimal(1), rounding=ROUND_HALF_UP) * rounding


def part_amount(
    total: Decimal, start: date, end: date, full_start: date, full_end: date, rounding: Decimal
) -> Decimal:
    """Rounded cost of ``[start, end)`` when the full period costs ``total``."""
    days = (full_end - full_start).days

    def cost_before(day: date) -> Decimal:
        return round_amount(total * (day - full_start).days / days, rounding)

    return cost_before(end) - cost_before(start)


def price_unit(line: PriceLine, period: Period, amount: Decimal) -> Decimal:
    """Price of one unit for the period, so that quantity × price less discount is ``amount``.

    A full period keeps the price as it was agreed; a part gets ten digits, enough for its
    product with the quantity to round to the very amount.
    """
    if (period.start, period.end) == (period.full_start, period.full_end):
        return line.price
    factor = line_total(Decimal(1), line.quantity, line.discount)
    if factor:
        price = amount / factor
    else:
        days = Decimal((period.end - period.start).days)
        price = line.price * (days / (period.full_end - period.full_start).days)
    return price.quantize(PRICE_UNIT_DIGITS, rounding=ROUND_HALF_UP)


def charge_row(line: PriceLine, period: Period, rounding: Decimal) -> dict:
    """Return the priced part of a charge for one line and period: column values, Decimals and dates."""
    amount = part_amount(line.total, *period, rounding)
    return {
        "kind": line.kind,
        "product_id": line.product_id,
        "addon_line_id": line.addon_line_id,
        "period_start": period.start,
        "period_end": period.end,
        "full_start": period.full_start,
        "full_end": period.full_end,
        "full_price": line.price,
        "quantity": line.quantity,
        "discount": line.discount,
        "price_unit": price_unit(line, period, amount),
        "amount": amount,
    }


def part_row(row: dict, start: date, end: date, rounding: Decimal) -> dict:
    """Return the row of a charge for the days ``[start, end)`` of the same full period instead."""
    names = ("kind", "product_id", "addon_line_id", "full_price", "quantity", "discount")
    line = PriceLine(*(row[name] for name in names))
    return row | charge_row(line, Period(start, end, row["full_start"], row["full_end"]), rounding)


def negated(line: PriceLine) -> PriceLine:
    """Return the same line as a credit: the quantity carries the sign, the price stays readable."""
    return line._replace(quantity=-line.quantity)
