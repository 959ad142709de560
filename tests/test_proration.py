"""What parts of periods cost: they add up, they round once, they agree with counting days."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..services.periods import Period
from ..services.proration import (
    PriceLine,
    addon_line,
    charge_row,
    negated,
    one_unit,
    part_amount,
    recurring_line,
    round_amount,
    setup_row,
    to_decimal,
)
from . import naive_billing

EXAMPLES = settings(derandomize=True, max_examples=60, deadline=None, database=None)
CENT = Decimal("0.01")
PRICES = st.decimals(0, 2000, places=4)
QUANTITIES = st.decimals("0.01", 50, places=2)
DISCOUNTS = st.decimals(0, 100, places=2)


@st.composite
def cut_periods(draw):
    """A full period and days on which it is cut, in order, with both its ends."""
    start = draw(st.dates(date(2020, 1, 1), date(2028, 1, 1)))
    length = draw(st.integers(1, 400))
    cuts = draw(st.lists(st.integers(0, length), max_size=6))
    days = [start + timedelta(days=offset) for offset in sorted({0, length, *cuts})]
    return days


class TestRounding(BaseCase):
    def test_halves_are_rounded_away_from_zero(self):
        self.assertEqual(round_amount(Decimal("0.125"), CENT), Decimal("0.13"))
        self.assertEqual(round_amount(Decimal("-0.125"), CENT), Decimal("-0.13"))

    def test_the_smallest_coin_can_be_five_cents_or_whole_units(self):
        self.assertEqual(round_amount(Decimal("1.075"), Decimal("0.05")), Decimal("1.10"))
        self.assertEqual(round_amount(Decimal("10.5"), Decimal("1.0")), Decimal("11"))

    def test_a_typed_price_is_not_blurred_by_its_binary_form(self):
        self.assertEqual(round_amount(to_decimal(1.005), CENT), Decimal("1.01"))


class TestLines(BaseCase):
    def test_a_line_keeps_the_numbers_as_they_were_typed(self):
        line = recurring_line(1, 0.1, 3.0, 12.5)
        self.assertEqual(line.total, Decimal("0.2625"))

    def test_an_add_on_costs_what_lies_beyond_the_included_units(self):
        line = addon_line(1, 7, 0.1, 5.0, 2.0)
        self.assertEqual((line.addon_line_id, line.quantity), (7, Decimal(3)))
        self.assertIsNone(addon_line(1, 7, 0.1, 2.0, 2.0))
        self.assertIsNone(addon_line(1, 7, 0.0, 5.0, 2.0))

    def test_a_set_up_is_charged_whole_on_its_day(self):
        row = setup_row(1, 49.9, date(2026, 1, 31), CENT)
        self.assertEqual(row["amount"], Decimal("49.90"))
        self.assertEqual(
            (row["period_start"], row["period_end"]), (row["full_start"], row["full_end"])
        )
        self.assertEqual(row["period_end"], date(2026, 2, 1))

    def test_an_amount_alone_is_one_unit_whose_quantity_carries_the_sign(self):
        for amount in (Decimal("2.50"), Decimal("-2.50")):
            figures = one_unit(amount)
            self.assertEqual(figures["quantity"] * figures["price_unit"], amount)
            self.assertGreater(figures["price_unit"], 0)


class TestParts(BaseCase):
    def test_a_third_of_ten_in_three_parts_is_ten(self):
        start = date(2026, 4, 1)
        days = [start + timedelta(days=10 * index) for index in range(4)]
        parts = [
            part_amount(Decimal(10), *pair, days[0], days[-1], CENT)
            for pair in zip(days, days[1:], strict=False)
        ]
        self.assertEqual(parts, [Decimal("3.33"), Decimal("3.34"), Decimal("3.33")])

    @EXAMPLES
    @given(cut_periods(), PRICES, QUANTITIES, DISCOUNTS, st.sampled_from(["0.01", "0.05", "1"]))
    def test_parts_add_up_to_the_whole_to_the_cent(self, days, price, quantity, discount, coin):
        line = PriceLine("recurring", 1, None, price, quantity, discount)
        coin = Decimal(coin)
        whole = part_amount(line.total, days[0], days[-1], days[0], days[-1], coin)
        parts = [
            part_amount(line.total, start, end, days[0], days[-1], coin)
            for start, end in zip(days, days[1:], strict=False)
        ]
        self.assertEqual(sum(parts), whole)
        self.assertEqual(whole, round_amount(line.total, coin))

    @EXAMPLES
    @given(cut_periods(), PRICES, QUANTITIES, DISCOUNTS)
    def test_a_part_agrees_with_adding_up_its_days(self, days, price, quantity, discount):
        line = PriceLine("recurring", 1, None, price, quantity, discount)
        for start, end in zip(days, days[1:], strict=False):
            self.assertEqual(
                part_amount(line.total, start, end, days[0], days[-1], CENT),
                naive_billing.cost(price, quantity, discount, start, end, days[0], days[-1]),
            )

    @EXAMPLES
    @given(cut_periods(), PRICES, QUANTITIES, DISCOUNTS)
    def test_quantity_times_unit_price_less_discount_rounds_to_the_amount(
        self, days, price, quantity, discount
    ):
        line = PriceLine("recurring", 1, None, price, quantity, discount)
        for start, end in zip(days, days[1:], strict=False):
            row = charge_row(line, Period(start, end, days[0], days[-1]), CENT)
            again = row["quantity"] * row["price_unit"] * (1 - row["discount"] / 100)
            self.assertEqual(round_amount(again, CENT), row["amount"])

    @EXAMPLES
    @given(cut_periods(), PRICES, QUANTITIES, DISCOUNTS)
    def test_a_credit_takes_back_exactly_what_the_same_days_cost(
        self, days, price, quantity, discount
    ):
        line = PriceLine("recurring", 1, None, price, quantity, discount)
        for start, end in zip(days, days[1:], strict=False):
            period = Period(start, end, days[0], days[-1])
            charge, credit = charge_row(line, period, CENT), charge_row(negated(line), period, CENT)
            self.assertEqual(charge["amount"] + credit["amount"], 0)
            self.assertEqual(charge["price_unit"], credit["price_unit"])

    def test_a_full_period_keeps_the_agreed_price(self):
        line = PriceLine("recurring", 1, None, Decimal("0.0125"), Decimal(3), Decimal(0))
        period = Period(date(2026, 1, 1), date(2026, 2, 1), date(2026, 1, 1), date(2026, 2, 1))
        row = charge_row(line, period, CENT)
        self.assertEqual((row["price_unit"], row["amount"]), (Decimal("0.0125"), Decimal("0.04")))
