"""Taxes that are percentages on top of the price, in Odoo's own arithmetic: no ORM.

Step by step what ``account.tax`` does with documents in the company's currency, so that not a cent
and not a bit differs: amounts of lines are rounded one by one, and what the document's own sums
miss is spread over the lines. Floats, because Odoo's are.
"""

from collections.abc import Callable
from typing import NamedTuple

from odoo.tools import float_is_zero, float_round


class PricedLine(NamedTuple):
    """What a line's amounts depend on.

    ``taxes``: pairs of a key, the same for one tax on all lines, and its percentage.
    """

    price_unit: float
    quantity: float
    discount: float
    taxes: tuple


class Rounding(NamedTuple):
    """How amounts are rounded.

    ``spread``: Odoo's way to spread a difference, a list of amounts for a list of weights.
    """

    step: float
    digits: int
    per_line: bool
    spread: Callable


class LineAmounts(NamedTuple):
    """The amounts of a line: without and with tax, as booked, and of each tax amount and base."""

    excluded: float
    included: float
    booked: float
    taxes: list
    bases: list


def line_amounts(lines: list[PricedLine], rounding: Rounding) -> list[LineAmounts]:
    """Return the amounts of a document's lines."""
    step, per_line = rounding.step, rounding.per_line
    nets, excluded, included, taxes, bases, raw_taxes = [], [], [], [], [], []
    places = {}  # {tax: [(line, place on the line)]}
    for number, line in enumerate(lines):
        net = line.quantity * (line.price_unit * (1 - (line.discount / 100.0)))
        if per_line:
            net = float_round(net, precision_rounding=step)
        raw = [net * percent / 100.0 for _tax, percent in line.taxes]
        if per_line:
            raw = [float_round(amount, precision_rounding=step) for amount in raw]
        rounded = [float_round(amount, precision_rounding=step) for amount in raw]
        total = without = float_round(net, precision_rounding=step)
        for amount in rounded:
            total += amount
        nets.append(net)
        excluded.append(without)
        included.append(total)
        raw_taxes.append(raw)
        taxes.append(rounded)
        bases.append([without] * len(raw))
        for place, (tax, _percent) in enumerate(line.taxes):
            places.setdefault(tax, []).append((number, place))
    for found in places.values():
        _settle(taxes, found, [raw_taxes[number][place] for number, place in found], rounding)
        _settle(bases, found, [nets[number] for number, _place in found], rounding)
    booked = _booked(nets, excluded, rounding)
    return list(map(LineAmounts, excluded, included, booked, taxes, bases))


def _settle(amounts, places, raw, rounding):
    """Spread what the rounded amounts of one tax miss of its rounded sum over them."""
    missing = float_round(_sum(raw), precision_rounding=rounding.step) - _sum(
        amounts[number][place] for number, place in places
    )
    if not float_is_zero(missing, precision_rounding=rounding.step):
        for (number, place), share in zip(places, _spread(missing, raw, rounding), strict=True):
            amounts[number][place] += share


def _booked(nets, excluded, rounding):
    """Return the amounts as booked: they come to the rounded sum of what the lines cost."""
    total = _sum(nets)
    if not total:
        return [amount + 0.0 for amount in excluded]
    missing = float_round(total, precision_rounding=rounding.step) - _sum(excluded)
    shares = _spread(missing, nets, rounding)
    return [amount + share for amount, share in zip(excluded, shares, strict=True)]


def _spread(missing, weights, rounding):
    return rounding.spread(
        precision_digits=rounding.digits,
        delta_amount=missing,
        target_factors=[{"factor": weight} for weight in weights],
    )


def _sum(amounts):
    # Not sum(): from Python 3.12 on it adds floats more precisely than Odoo's loops do.
    total = 0.0
    for amount in amounts:
        total += amount
    return total
