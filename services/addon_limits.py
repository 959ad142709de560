"""How many of an add-on a tariff takes. Pure, without the ORM."""

from odoo.tools import float_compare


def is_within(quantity: float, minimum: float, maximum: float, digits: int) -> bool:
    """Return whether ``quantity`` lies within the limits, both included; a ``maximum`` of 0 is none."""
    low = float_compare(quantity, minimum, precision_digits=digits) < 0
    high = maximum and float_compare(quantity, maximum, precision_digits=digits) > 0
    return not low and not high
