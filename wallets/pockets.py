"""How a wallet's money is spent: paid money and granted money, pocket by pocket.

Pure Decimal arithmetic without the ORM. A wallet's balance is all of it; granted money is the part
that was given and may expire. Granted money is spent first, what expires soonest before the rest.
Paid money alone can be paid out or given to another wallet. What is granted to a wallet that owes
something pays that first: there is never a debt beside granted money.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal(0)


class Pockets(NamedTuple):
    """What a wallet holds: its balance, and the part of it that was granted."""

    balance: Decimal
    granted: Decimal

    @property
    def paid(self) -> Decimal:
        """What the customer paid and has not spent; below zero it is a debt."""
        return self.balance - self.granted


class Movement(NamedTuple):
    """A transaction as far as granted money goes: by how much it changed, and why.

    ``lot`` is the grant that an expiry or a voided grant takes from; ``voided`` the transaction
    that is taken back.
    """

    id: int
    kind: str
    granted: Decimal
    expiry: date | None
    lot: int | None
    voided: int | None


class Lot(NamedTuple):
    """What is left of a grant, and the last day on which it can be spent."""

    left: Decimal
    expiry: date | None


def move(pockets: Pockets, kind: str, amount: Decimal, granted: Decimal = ZERO) -> Pockets:
    """Return what a wallet holds after a transaction.

    :param kind: of the transaction
    :param amount: by how much the balance changes
    :param granted: by how much an expiry or a void changes granted money
    """
    balance = pockets.balance + amount
    if kind == "debit":
        wanted = pockets.granted + amount
    elif kind == "grant":
        wanted = pockets.granted + amount
    elif kind in ("expiry", "void"):
        wanted = pockets.granted + granted
    else:
        wanted = pockets.granted
    return Pockets(balance, min(max(wanted, ZERO), max(balance, ZERO)))


def lots_left(movements: Iterable[Movement]) -> dict[int, Lot]:
    """Return ``{grant: what is left of it}`` after the movements of a wallet, in their order."""
    left: dict[int, Decimal] = {}
    expiry: dict[int, date | None] = {}
    taken: dict[int, list[tuple[int, Decimal]]] = {}
    for movement in movements:
        if movement.kind == "grant":
            left[movement.id] = movement.granted
            expiry[movement.id] = movement.expiry
        elif movement.granted > 0:
            _give_back(left, taken.get(movement.voided or 0, []), movement.granted)
        elif movement.granted < 0:
            order = [movement.lot] if movement.lot in left else _by_expiry(left, expiry)
            taken[movement.id] = _take(left, order, -movement.granted)
    return {grant: Lot(amount, expiry[grant]) for grant, amount in left.items()}


def _by_expiry(left: dict, expiry: dict) -> list[int]:
    return sorted(left, key=lambda grant: (expiry[grant] or date.max, grant))


def _take(left: dict, order: Iterable[int], amount: Decimal) -> list[tuple[int, Decimal]]:
    taken = []
    for grant in order:
        part = min(left[grant], amount)
        if part > 0:
            left[grant] -= part
            amount -= part
            taken.append((grant, part))
    return taken


def _give_back(left: dict, taken: list[tuple[int, Decimal]], amount: Decimal) -> None:
    for grant, part in reversed(taken):
        part = min(part, amount)
        left[grant] += part
        amount -= part
