"""What an accounting software is told of a customer, an invoice or a credit note: plain data.

Amounts are decimals in the document's currency. A document's lines are without tax, each with its part
of the tax, so that their sums are the invoice's own totals, however the other side would round.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

#: digits after the point that unit prices may have on the other side
UNIT_PLACES = 4
ONE = Decimal(1)


@dataclass(frozen=True)
class Customer:
    """A customer, as the other side keeps it. ``reference`` is the one that both know it by."""

    reference: str
    name: str
    code: str = ""
    email: str = ""
    vat: str = ""
    company_number: str = ""
    phone: str = ""
    street: str = ""
    street2: str = ""
    city: str = ""
    region: str = ""
    zip: str = ""
    country: str = ""


@dataclass(frozen=True)
class Line:
    """One line: what it comes to without tax, and its part of the tax."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    tax: Decimal
    account: str
    tax_type: str
    tracking: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Document:
    """An invoice (``invoice``) or a credit note (``credit``); a credit note's amounts are positive."""

    kind: str
    number: str
    customer: str
    date: date
    due_date: date | None
    currency: str
    #: how much of the document's currency one of the company's is; None in the company's own
    rate: Decimal | None
    lines: tuple[Line, ...]
    reference: str = ""

    @property
    def untaxed(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal())

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), Decimal())

    @property
    def total(self) -> Decimal:
        return self.untaxed + self.tax


@dataclass(frozen=True)
class Row:
    """A line of an invoice before its tax is known: ``tax_key`` says which total it has a part of."""

    description: str
    quantity: Decimal
    amount: Decimal
    account: str
    tax_type: str
    tax_key: object = None
    tracking: tuple[tuple[str, str], ...] = ()


def quantum(places: int) -> Decimal:
    """Return the smallest amount of a currency with so many places."""
    return ONE.scaleb(-places)


def spread(total: Decimal, weights: list[Decimal], places: int) -> list[Decimal]:
    """Return parts of an amount by weights, whose sum is the amount to the last digit.

    What rounding leaves over goes to the parts that lost most by it.

    >>> spread(Decimal("0.10"), [Decimal(1)] * 3, 2)
    [Decimal('0.04'), Decimal('0.03'), Decimal('0.03')]
    """
    if not weights:
        return []
    whole = sum(weights)
    if not whole:
        # Lines that cancel out: nothing says whose the tax is.
        return [total, *(Decimal().quantize(quantum(places)) for _weight in weights[1:])]
    unit = quantum(places)
    exact = [total * weight / whole for weight in weights]
    parts = [part.quantize(unit, ROUND_HALF_UP) for part in exact]
    left = int((total - sum(parts)) / unit)
    step = unit if left > 0 else -unit
    sign = 1 if left > 0 else -1
    order = sorted(range(len(parts)), key=lambda i: (sign * (parts[i] - exact[i]), sign * i))
    for i in range(abs(left)):
        parts[order[i % len(order)]] += step
    return parts


def unit_price(quantity: Decimal, amount: Decimal, places: int) -> tuple[Decimal, Decimal]:
    """Return quantity and unit price whose product, rounded, is the amount: the given quantity where a
    unit price of four digits allows it, else one of the amount itself.

    >>> unit_price(Decimal(3), Decimal("10.00"), 2)
    (Decimal('3'), Decimal('3.3333'))
    >>> unit_price(Decimal(1000000), Decimal("10.00"), 2)
    (Decimal('1'), Decimal('10.00'))
    """
    if quantity:
        price = (amount / quantity).quantize(quantum(UNIT_PLACES), ROUND_HALF_UP)
        if (price * quantity).quantize(quantum(places), ROUND_HALF_UP) == amount:
            return quantity, price
    return ONE, amount


def split(row: Row, shares: Iterable[tuple[Decimal, tuple]], places: int) -> list[Row]:
    """Return a row as one for each share of it that is tracked in another way.

    :param shares: pairs of a percentage and its tracking; what is missing to 100 is not tracked
    """
    shares = [(share, tracking) for share, tracking in shares if share]
    left = Decimal(100) - sum((share for share, _tracking in shares), Decimal())
    if left > 0:
        shares.append((left, ()))
    if len(shares) == 1:
        return [replace(row, tracking=shares[0][1])]
    parts = spread(row.amount, [share for share, _tracking in shares], places)
    return [
        replace(row, quantity=ONE, amount=part, tracking=tracking)
        for part, (_share, tracking) in zip(parts, shares, strict=True)
    ]


def lines(
    rows: list[Row], taxes: Mapping[object, Decimal], places: int, summed: bool = False
) -> tuple[Line, ...]:
    """Return a document's lines: rows with their parts of the document's own tax totals.

    :param taxes: what each tax comes to on the whole document
    :param summed: one line for all of an account, a tax and a tracking
    """
    parts = [Decimal().quantize(quantum(places))] * len(rows)
    for key, total in taxes.items():
        mine = [index for index, row in enumerate(rows) if row.tax_key == key]
        for index, part in zip(
            mine, spread(total, [rows[index].amount for index in mine], places), strict=True
        ):
            parts[index] = part
    made = []
    for row, part in zip(rows, parts, strict=True):
        quantity, price = unit_price(row.quantity, row.amount, places)
        made.append(
            Line(
                description=row.description,
                quantity=quantity,
                unit_price=price,
                amount=row.amount,
                tax=part,
                account=row.account,
                tax_type=row.tax_type,
                tracking=row.tracking,
            )
        )
    return tuple(_summed(made)) if summed else tuple(made)


def _summed(made):
    groups = {}
    for line in made:
        groups.setdefault((line.account, line.tax_type, line.tracking), []).append(line)
    for group in groups.values():
        amount = sum((line.amount for line in group), Decimal())
        yield replace(
            group[0],
            description="\n".join(dict.fromkeys(line.description for line in group))[:4000],
            quantity=ONE,
            unit_price=amount,
            amount=amount,
            tax=sum((line.tax for line in group), Decimal()),
        )


def other_names(customers: Iterable[Customer], taken: Iterable[str] = ()) -> list[Customer]:
    """Return customers whose names differ, where the other side wants each name once only: the second
    of a name has its code or reference behind it.

    :param taken: names that the other side has already
    """
    taken = {folded(name) for name in taken}
    result = []
    for customer in customers:
        name = customer.name
        if folded(name) in taken:
            suffix = f" ({customer.code or customer.reference})"
            name = name[: 255 - len(suffix)] + suffix
            if folded(name) in taken:
                name = f"{customer.name[:200]} ({customer.reference})"
        taken.add(folded(name))
        result.append(replace(customer, name=name))
    return result


def folded(text: str) -> str:
    """Return a text as it is compared: without regard to case and spaces.

    >>> folded("  Alder  LTD ")
    'alder ltd'
    """
    return " ".join((text or "").casefold().split())
