"""What a price becomes by a rule, and how it is rounded: plain arithmetic."""

import unittest
from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from ..services.price_rules import (
    PriceRule,
    PriceStep,
    monthly_amount,
    months_of,
    new_price,
    repriced,
    rounded_price,
)
from ..services.proration import PriceLine

CENT = D("0.01")
PRICES = st.decimals(min_value="0.01", max_value="9999.99", places=2)
ROUNDINGS = st.sampled_from(["none", "cent", "five", "ninety_nine"])


def price(old, rule, rounding="cent", coin=CENT, digits=2):
    return str(new_price(D(old), rule, rounding, coin, digits))


class TestRules(unittest.TestCase):
    def test_a_percentage_an_amount_and_an_index(self):
        self.assertEqual(price("19.90", PriceRule("percent", D("4.5"))), "20.80")
        self.assertEqual(price("19.90", PriceRule("percent", D("-10"))), "17.91")
        self.assertEqual(price("19.90", PriceRule("amount", D("1.25"))), "21.15")
        self.assertEqual(price("19.90", PriceRule("index", D("121.4"), D("117.8"))), "20.51")

    def test_half_a_cent_is_rounded_up(self):
        self.assertEqual(price("10.10", PriceRule("percent", D("2.5"))), "10.35")

    def test_five_cents_and_prices_that_end_in_99(self):
        rule = PriceRule("percent", D(5))
        self.assertEqual(price("10.00", rule, "five"), "10.50")
        self.assertEqual(price("10.21", rule, "five"), "10.70")
        self.assertEqual(price("19.99", rule, "ninety_nine"), "20.99")
        self.assertEqual(price("18.99", rule, "ninety_nine"), "19.99")
        self.assertEqual(price("0.40", rule, "ninety_nine"), "0.99")

    def test_more_digits_are_kept_where_nothing_is_rounded(self):
        rule = PriceRule("percent", D(3))
        self.assertEqual(price("0.0123", rule, "none", digits=4), "0.0127")

    def test_a_currency_without_cents_has_whole_prices(self):
        rule = PriceRule("percent", D(5))
        for rounding in ("cent", "five", "ninety_nine"):
            self.assertEqual(price("990", rule, rounding, coin=D(1)), "1040")

    def test_rounding_never_turns_a_rise_into_a_fall(self):
        self.assertEqual(price("10.00", PriceRule("percent", D(1)), "ninety_nine"), "10.00")
        self.assertEqual(price("10.98", PriceRule("percent", D("-0.01")), "ninety_nine"), "10.98")

    def test_months_of_intervals(self):
        self.assertEqual(months_of(3, "month"), 3)
        self.assertEqual(months_of(1, "year"), 12)
        self.assertEqual(round(months_of(1, "week"), 5), D("0.22998"))
        self.assertEqual(monthly_amount(D(120), D(2), D(50), D(12), CENT), D("10.00"))

    def test_only_what_still_costs_the_old_price_is_changed(self):
        lines = [
            PriceLine("recurring", 1, None, D("10.0"), D(1), D(0)),
            PriceLine("addon", 2, 7, D(2), D(1), D(0)),
            PriceLine("addon", 2, None, D(2), D(1), D(0)),
        ]
        steps = {0: PriceStep(D(10), D(11)), 7: PriceStep(D(3), D(4))}
        self.assertEqual([line.price for line in repriced(lines, steps)], [11, 2, 2])


class TestEveryPrice(unittest.TestCase):
    @settings(max_examples=300, deadline=None)
    @given(old=PRICES, percent=st.decimals("-90", "300", places=2), rounding=ROUNDINGS)
    def test_a_new_price_is_on_the_grid_near_the_exact_one_and_on_its_side(
        self, old, percent, rounding
    ):
        rule = PriceRule("percent", percent)
        new = new_price(old, rule, rounding, CENT, 2)
        exact = old * (1 + percent / 100)
        reach = {"none": D("0.005"), "cent": D("0.005"), "five": D("0.025")}
        if new != old:
            self.assertLessEqual(abs(new - exact), reach.get(rounding, D("0.99")))
            self.assertGreaterEqual((new - old) * (exact - old), 0)
            if rounding == "ninety_nine":
                self.assertEqual(new % 1, D("0.99"))
            if rounding == "five":
                self.assertEqual(new % D("0.05"), 0)
        elif exact != old:
            rounded = rounded_price(exact, rounding, CENT, 2)
            self.assertLessEqual((rounded - old) * (exact - old), 0)
