"""From charges to invoice lines, as pure functions: no ORM."""

from collections.abc import Callable


def invoice_line_price(
    quantity: float,
    price_unit: float,
    discount: float,
    amount: float,
    rounded: Callable[[float], float],
) -> tuple[float, float, float]:
    """Return the quantity, price and discount that an invoice line shows for a charge.

    The line must come to the charge's amount to the cent. Where quantity × price
    less discount does not (a part period allocates the cents so that the parts
    add up), the line shows one unit at the amount.

    :param amount: the charge's amount, the truth
    :param rounded: the currency's rounding function
    :return: (quantity, price_unit, discount)
    """
    line = line_amount(quantity, price_unit, discount, rounded)
    if line == amount or rounded(line - amount) == 0:
        return quantity, price_unit, discount or 0.0
    return 1.0, amount, 0.0


def line_amount(
    quantity: float, price_unit: float, discount: float, rounded: Callable[[float], float]
) -> float:
    """Return what an invoice line comes to: quantity × price less discount, rounded once.

    :param rounded: the currency's rounding function
    """
    return rounded(quantity * price_unit * (1 - (discount or 0.0) / 100.0))


def net_by_tax(lines) -> dict[tuple[int, ...], float]:
    """Return ``{ids of the taxes: sum of the amounts}`` of a document's lines.

    :param lines: of ``document_prices.DocumentLine``
    """
    totals = {}
    for line in lines:
        taxes = tuple(line.taxes.ids)
        totals[taxes] = totals.get(taxes, 0.0) + line.amount
    return totals


def split_sign(net_by_tax: dict, is_zero: Callable[[float], bool]) -> int:
    """Return 1 for an invoice, -1 for a credit note, 0 when there is nothing to document.

    Charges that net to zero in every tax cancel out. Where only their sum is zero,
    taxes still differ: that is documented, as an invoice.

    :param net_by_tax: net amount by any key that stands for a set of taxes
    :param is_zero: the currency's test for zero
    """
    if all(is_zero(amount) for amount in net_by_tax.values()):
        return 0
    return -1 if sum(net_by_tax.values()) < 0 and not is_zero(sum(net_by_tax.values())) else 1
