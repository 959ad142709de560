"""Why a bill changed and what is unusual: the pure functions, without a database."""

import statistics
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.billing_operations.billing_runs.reports.anomalies import is_anomaly
from odoo.addons.billing_operations.billing_runs.reports.bridge import PARTS, BilledLine, bridge

EXAMPLES = settings(
    derandomize=True,
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
CENT = Decimal("0.01")
MONEY = st.integers(-100000, 100000).map(lambda cents: Decimal(cents) / 100)
LINES = st.lists(
    st.builds(
        BilledLine,
        service=st.sampled_from((None, 1, 2, 3)),
        addon_line=st.sampled_from((None, 7)),
        kind=st.sampled_from(
            ("recurring", "addon", "setup", "usage", "job", "minimum", "adjustment")
        ),
        product=st.sampled_from((None, 5)),
        price=st.integers(-500, 5000).map(lambda cents: Decimal(cents) / 100),
        amount=MONEY,
    ),
    max_size=8,
)


def line(amount, price=None, service=1, kind="recurring", addon_line=None):
    price = amount if price is None else price
    return BilledLine(service, addon_line, kind, 1, Decimal(str(price)), Decimal(str(amount)))


@tagged("post_install", "-at_install")
class TestBridge(BaseCase):
    def parts(self, before, after):
        """The parts that are not zero."""
        found = bridge(before, after, CENT)
        return {name: float(amount) for name, amount in found.items() if amount}

    @EXAMPLES
    @given(LINES, LINES)
    def test_the_parts_add_up_to_the_difference_whatever_the_lines(self, before, after):
        parts = bridge(before, after, CENT)
        self.assertEqual(set(parts), set(PARTS))
        difference = sum(item.amount for item in after) - sum(item.amount for item in before)
        self.assertEqual(sum(parts.values()), difference)
        for amount in parts.values():
            self.assertEqual(amount, amount.quantize(CENT))

    def test_a_service_billed_only_now_is_new_and_one_billed_only_then_is_lost(self):
        self.assertEqual(self.parts([line(10)], [line(25, service=2)]), {"new": 25, "lost": -10})
        self.assertEqual(self.parts([], [line(5, kind="usage")]), {"new": 5})

    def test_a_dearer_tariff_is_price_and_more_units_or_days_are_quantity(self):
        self.assertEqual(self.parts([line(10)], [line(12)]), {"price": 2})
        self.assertEqual(self.parts([line(20, 10)], [line(30, 10)]), {"quantity": 10})
        # Half a month at 10, then a whole one at 12: 5 of time, 2 of price.
        self.assertEqual(self.parts([line(5, 10)], [line(12, 12)]), {"quantity": 5, "price": 2})

    def test_an_addon_that_comes_to_a_known_service_is_quantity(self):
        disk = line(4, 2, kind="addon", addon_line=3)
        self.assertEqual(self.parts([line(10)], [line(10), disk]), {"quantity": 4})

    def test_usage_credits_and_what_is_billed_once_stand_alone(self):
        before = [line(10), line(3, kind="usage"), line(50, kind="setup")]
        after = [line(10), line(8, kind="usage"), line(-4, kind="adjustment", service=None)]
        self.assertEqual(self.parts(before, after), {"usage": 5, "credits": -4, "one_off": -50})


@tagged("post_install", "-at_install")
class TestAnomalies(BaseCase):
    @EXAMPLES
    @given(
        st.lists(st.integers(-1000, 1000), min_size=1, max_size=3),
        st.integers(-2000, 2000),
        st.integers(0, 300),
        st.integers(0, 100),
    )
    def test_an_amount_is_unusual_when_all_three_limits_are_passed(
        self, known, amount, minimum, percent
    ):
        difference = abs(amount - statistics.fmean(known))
        limits = (
            statistics.pstdev(known),
            minimum,
            abs(statistics.fmean(known)) * percent / 100,
        )
        if any(abs(difference - limit) < 1e-4 for limit in limits):
            return  # on the very edge binary fractions decide
        expected = all(difference > limit for limit in limits)
        self.assertEqual(is_anomaly(amount, known, minimum, percent), expected)

    def test_the_limits_themselves_count_but_the_deviation_must_be_exceeded(self):
        self.assertTrue(is_anomaly(200.0, [100.0], 100.0, 15.0))
        self.assertFalse(is_anomaly(199.99, [100.0], 100.0, 15.0))
        self.assertFalse(is_anomaly(1100.0, [1000.0], 100.0, 15.0))
        self.assertFalse(is_anomaly(300.0, [100.0, 300.0], 100.0, 15.0))

    def test_a_customer_without_a_past_is_no_anomaly(self):
        self.assertFalse(is_anomaly(1000.0, [], 100.0, 15.0))
