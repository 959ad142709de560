"""How far a charge can be taken back, and how a credit made by hand falls on invoice lines.

Pure arithmetic without the ORM.
"""

from collections.abc import Callable, Hashable
from decimal import Decimal


def withheld(amount: Decimal, credited: Decimal, by_hand: Decimal, goodwill: Decimal) -> Decimal:
    """Return what must be kept of the credits of one charge, so that no more is given back than is owed.

    :param amount: what the charge comes to; 0 where it is not owed (waived)
    :param credited: what the ledger's own credits give back of it, as a positive amount
    :param by_hand: what somebody credited on its invoice, as a positive amount
    :param goodwill: what somebody credited by adjustments for its days, as a positive amount
    :return: the part of ``credited`` that is too much. What people gave is left to the customer.
    """
    return max(Decimal(0), min(credited, credited + by_hand + goodwill - amount))


def allocate_credit(
    lines: list[tuple[Hashable, Hashable, float]],
    credits: list[tuple[Hashable, Hashable, float]],
    rounded: Callable[[float], float],
) -> list[float]:
    """Say how much of each invoice line a credit note takes back.

    A line of the note goes to the line with the same text, else to the first of the same product
    with anything left; what is left over is shared out by what the lines still come to.

    :param lines: of the invoice: (text, product, subtotal)
    :param credits: of its credit notes: the same
    :return: one amount a line, of the sign of its subtotal and never more than it
    """
    left = [subtotal for _text, _product, subtotal in lines]
    taken = [0.0] * len(lines)

    def take(index: int, amount: float) -> float:
        """Take ``amount`` off a line of the same sign, as far as it goes. Returns the rest."""
        if amount * left[index] <= 0:
            return amount
        part = min(abs(amount), abs(left[index])) * (1 if amount > 0 else -1)
        left[index] -= part
        taken[index] += part
        return amount - part

    rest = 0.0
    for text, product, amount in credits:
        same_text = [i for i, line in enumerate(lines) if line[:2] == (text, product)]
        same_product = [i for i, line in enumerate(lines) if line[1] == product]
        for index in [*same_text, *same_product]:
            amount = take(index, amount)
        rest += amount
    total = sum(amount for amount in left if amount > 0)
    if rest > 0 and total > 0:
        share = min(1.0, rest / total)
        for index, amount in enumerate(list(left)):
            take(index, rounded(max(amount, 0.0) * share))
    return [rounded(amount) for amount in taken]
