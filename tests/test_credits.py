"""What can be taken back of a charge, and where a credit made by hand falls: plain arithmetic."""

from decimal import Decimal
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from ..services.credits import allocate_credit, withheld

amounts = st.decimals(0, 1000, places=2)
cents = st.integers(-20_000, 20_000).map(lambda number: number / 100)
lines = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), cents), max_size=6)


def rounded(amount):
    return round(amount, 2)


class TestWithheld(TestCase):
    def test_nothing_is_withheld_while_the_credits_stay_within_the_charge(self):
        self.assertEqual(withheld(Decimal(30), Decimal(15), Decimal(10), Decimal(5)), 0)

    def test_of_a_charge_that_is_not_owed_every_credit_is_withheld(self):
        self.assertEqual(withheld(Decimal(0), Decimal(15), Decimal(0), Decimal(0)), 15)

    def test_what_people_gave_beyond_the_charge_stays_with_the_customer(self):
        self.assertEqual(withheld(Decimal(30), Decimal(10), Decimal(0), Decimal(50)), 10)

    @settings(derandomize=True)
    @given(amounts, amounts, amounts, amounts)
    def test_what_is_given_back_in_the_end_is_never_more_than_owed(
        self, amount, credit, hand, good
    ):
        kept = withheld(amount, credit, hand, good)
        self.assertTrue(0 <= kept <= credit)
        self.assertLessEqual(credit - kept + hand + good, max(amount, hand + good))
        if kept:
            self.assertTrue(kept == credit or credit - kept + hand + good == amount)


class TestAllocateCredit(TestCase):
    def test_a_line_of_the_note_goes_to_the_line_of_the_same_text(self):
        invoice = [("April", "host", 30.0), ("May", "host", 31.0), ("Disk", "disk", 4.0)]
        self.assertEqual(allocate_credit(invoice, [("May", "host", 10.0)], rounded), [0, 10, 0])

    def test_without_that_text_it_goes_to_the_product_and_then_to_all(self):
        invoice = [("April", "host", 30.0), ("Disk", "disk", 10.0)]
        self.assertEqual(allocate_credit(invoice, [("Sorry", "host", 5.0)], rounded), [5, 0])
        self.assertEqual(allocate_credit(invoice, [("Sorry", "gift", 8.0)], rounded), [6, 2])
        self.assertEqual(allocate_credit(invoice, [("Disk", "disk", 13.0)], rounded), [3, 10])

    def test_a_credit_line_that_is_taken_back_is_taken_from_the_credit_line(self):
        invoice = [("April", "host", 30.0), ("Credit", "host", -10.0)]
        self.assertEqual(allocate_credit(invoice, [("Credit", "host", -4.0)], rounded), [0, -4])

    @settings(derandomize=True)
    @given(lines, lines)
    def test_no_line_gives_back_more_than_it_came_to(self, invoice, credits):
        taken = allocate_credit(invoice, credits, rounded)
        self.assertEqual(len(taken), len(invoice))
        for (_text, _product, subtotal), amount in zip(invoice, taken, strict=True):
            self.assertLessEqual(abs(amount), abs(subtotal) + 1e-9)
            self.assertGreaterEqual(amount * subtotal, 0)
