"""From charges to invoice lines, tested without a database."""

import unittest
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.billing_operations.billing_runs.invoicing.lines import (
    invoice_line_price,
    line_amount,
    net_by_tax,
    split_sign,
)


def rounded(value):
    return float(Decimal(repr(value)).quantize(Decimal("0.01"), ROUND_HALF_UP))


def is_zero(value):
    return abs(value) < 0.005


class TestLinePrice(unittest.TestCase):
    def test_a_line_that_comes_to_the_amount_keeps_quantity_price_and_discount(self):
        self.assertEqual(invoice_line_price(3, 9.9, 10, 26.73, rounded), (3, 9.9, 10))

    def test_an_amount_is_rounded_once_after_quantity_and_discount(self):
        self.assertEqual(line_amount(3, 0.335, 0, rounded), 1.01)
        self.assertEqual(line_amount(3, 0.335, 10, rounded), 0.9)
        self.assertEqual(line_amount(-3, 0.335, None, rounded), -1.01)

    def test_a_line_that_would_miss_a_cent_shows_one_unit_at_the_amount(self):
        self.assertEqual(invoice_line_price(3, 3.333, 0, 10.01, rounded), (1.0, 10.01, 0.0))

    @given(
        quantity=st.integers(1, 50),
        cents=st.integers(-100000, 100000),
        discount=st.sampled_from([0, 5, 12.5, 100]),
        amount=st.integers(-500000, 500000),
    )
    def test_every_line_comes_to_its_charge_to_the_cent(self, quantity, cents, discount, amount):
        line = invoice_line_price(quantity, cents / 100, discount, amount / 100, rounded)
        total = Decimal(repr(line[0])) * Decimal(repr(line[1])) * (100 - Decimal(repr(line[2])))
        self.assertEqual(
            (total / 100).quantize(Decimal("0.01"), ROUND_HALF_UP), Decimal(amount) / 100
        )


class TestNetByTax(unittest.TestCase):
    def test_amounts_are_added_up_for_the_same_taxes(self):
        class Line:
            def __init__(self, amount, *ids):
                self.amount = amount
                self.taxes = self
                self.ids = list(ids)

        lines = [Line(5.0, 1), Line(-2.0, 1), Line(3.0), Line(1.0, 1, 2)]
        self.assertEqual(net_by_tax(lines), {(1,): 3.0, (): 3.0, (1, 2): 1.0})
        self.assertEqual(net_by_tax([]), {})


class TestSign(unittest.TestCase):
    def test_a_positive_net_makes_an_invoice(self):
        self.assertEqual(split_sign({(): 10.0, (1,): -3.0}, is_zero), 1)

    def test_a_negative_net_makes_a_credit_note(self):
        self.assertEqual(split_sign({(1,): -3.0}, is_zero), -1)

    def test_charges_that_cancel_out_make_no_document(self):
        self.assertEqual(split_sign({(1,): 0.0, (2,): 0.001}, is_zero), 0)

    def test_a_zero_sum_over_different_taxes_is_documented(self):
        self.assertEqual(split_sign({(1,): 5.0, (2,): -5.0}, is_zero), 1)
