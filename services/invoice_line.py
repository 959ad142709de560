"""What charges are told of the lines that they are put on."""

from typing import NamedTuple


class InvoiceLine(NamedTuple):
    """A line of an invoice, which may not be in its table yet."""

    id: int
    subtotal: float  # before tax
    move_id: int
