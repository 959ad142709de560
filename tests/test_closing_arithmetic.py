"""The part of an amount before a boundary, held to a plain loop over its days."""

import unittest
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from ..billing_runs.closing.arithmetic import (
    Period,
    days_before,
    earned_amount,
    earned_by_calls,
    share_of,
)
from ..services.proration import part_amount

CENT = Decimal("0.01")
DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
CALLS = st.lists(
    st.tuples(st.decimals("0", "99.9999", places=4), st.booleans()), min_size=1, max_size=30
)
MONEY = st.decimals("-9999.99", "9999.99", places=2)


def loop(start, end, boundary):
    """How many days of a period lie before the boundary, one by one."""
    day, before = start, 0
    while day < end:
        before += day < boundary
        day += timedelta(days=1)
    return before


def rounded(value):
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(CENT, rounding=ROUND_HALF_UP)


class TestArithmetic(unittest.TestCase):
    def test_a_period_across_the_end_of_the_month(self):
        period = Period(date(2026, 4, 15), date(2026, 5, 15))
        self.assertEqual(days_before(period, date(2026, 5, 1)), 16)
        self.assertEqual(
            earned_amount(Decimal(30), period, date(2026, 5, 1), CENT), Decimal("16.00")
        )

    def test_the_boundary_belongs_to_the_next_month(self):
        april = Period(date(2026, 4, 1), date(2026, 5, 1))
        self.assertEqual(earned_amount(Decimal(9), april, date(2026, 5, 1), CENT), 9)
        self.assertEqual(earned_amount(Decimal(9), april, date(2026, 4, 1), CENT), 0)

    def test_nothing_of_nothing(self):
        self.assertEqual(share_of(Decimal(5), Decimal(0), Decimal(0), CENT), 0)

    @settings(max_examples=300, deadline=None)
    @given(start=DAYS, length=st.integers(1, 800), boundary=DAYS, amount=MONEY)
    def test_by_days_one_by_one(self, start, length, boundary, amount):
        period = Period(start, start + timedelta(days=length))
        before = loop(*period[:2], boundary)
        self.assertEqual(days_before(period, boundary), before)
        expected = rounded(Fraction(amount) * before / length)
        self.assertEqual(earned_amount(amount, period, boundary, CENT), expected)

    @settings(max_examples=300, deadline=None)
    @given(
        start=DAYS,
        length=st.integers(1, 400),
        cuts=st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400)),
        total=st.decimals("0", "9999.9999", places=4),
    )
    def test_a_part_of_a_period_is_what_rating_charges_for_these_days(
        self, start, length, cuts, total
    ):
        first, boundary, last = (start + timedelta(days=min(cut, length)) for cut in sorted(cuts))
        if first == last:
            return
        full = start, start + timedelta(days=length)
        amount = part_amount(total, first, last, *full, CENT)
        period = Period(first, last, *full, total)
        earned = earned_amount(amount, period, boundary, CENT)
        self.assertEqual(earned, part_amount(total, first, boundary, *full, CENT))
        rest = part_amount(total, boundary, last, *full, CENT)
        self.assertEqual(earned + rest, amount)

    # === CALLS === #

    def test_calls_before_the_boundary_earn_what_a_charge_of_these_alone_comes_to(self):
        before, whole = Decimal("0.1250"), Decimal("0.3749")
        self.assertEqual(earned_by_calls(Decimal("0.37"), before, whole, CENT), Decimal("0.13"))
        self.assertEqual(earned_by_calls(Decimal("0.37"), Decimal(0), whole, CENT), 0)
        self.assertEqual(earned_by_calls(Decimal("0.37"), whole, whole, CENT), Decimal("0.37"))

    def test_what_takes_a_charge_of_calls_back_earns_as_much_below_zero(self):
        before, whole = Decimal("0.1250"), Decimal("0.3749")
        self.assertEqual(earned_by_calls(Decimal("-0.37"), before, whole, CENT), Decimal("-0.13"))

    def test_calls_that_do_not_come_to_the_charge_say_nothing_of_it(self):
        whole = Decimal("0.3749")
        for amount in ("0.38", "-0.36", "0.00"):
            self.assertIsNone(earned_by_calls(Decimal(amount), Decimal(0), whole, CENT))

    @settings(max_examples=300, deadline=None)
    @given(calls=CALLS, back=st.booleans(), other=st.decimals("0.01", "9.99", places=2))
    def test_calls_one_by_one(self, calls, back, other):
        before = whole = Fraction(0)
        for amount, is_before in calls:
            whole += Fraction(amount)
            before += Fraction(amount) if is_before else 0
        sign = -1 if back else 1
        amount = sign * rounded(whole)
        sums = [Decimal(part.numerator) / Decimal(part.denominator) for part in (before, whole)]
        self.assertEqual(earned_by_calls(amount, *sums, CENT), sign * rounded(before))
        self.assertIsNone(earned_by_calls(amount + sign * other, *sums, CENT))
