"""What is told about a call's price leads to the price, step by step."""

from datetime import date, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..billing_runs.calls.csv_cells import safe_cell, write_csv
from ..billing_runs.calls.explaining import Facts, Rules, explain
from ..billing_runs.reports.unusual_usage import Usage, look_at
from ..cdrs import allowances
from ..cdrs import rating_reference as reference

DAY = date(2026, 3, 4)
MONEY = st.decimals(0, 5, places=6)
PRICES = st.builds(
    reference.Price,
    MONEY,
    MONEY,
    st.integers(0, 90),
    st.integers(1, 90),
    st.one_of(st.just(Decimal(0)), MONEY),
)
PLANS = st.fixed_dictionaries(
    {
        "rounding": st.sampled_from(["call", "bill"]),
        "rounding_digits": st.integers(0, 6),
        "unanswered": st.sampled_from(["free", "connect", "rate"]),
        "withheld": st.sampled_from(["rate", "free"]),
    }
)


def make_plan(price, plan):
    rate = reference.Rate(1, "", None, 1, date(2026, 1, 1), None, price)
    return reference.Plan(id=1, currency_id=1, bands=(), rates=(rate,), **plan)


def rate(price, plan, seconds, answered=True, withheld=False):
    """What the reference says of a call, and the plan's rules as explaining takes them."""
    plan = make_plan(price, plan)
    number = reference.Number("1", date(2026, 1, 1), None, 1, 1, 1, None)
    call = reference.Call(
        datetime(2026, 3, 4, 12), DAY, "out", "1", "44", withheld, answered, seconds, None
    )
    rated = reference.rate_call(call, [number], {1: plan}, "UTC", ())
    digits = plan.rounding_digits if plan.rounding == "call" else reference.BILL_DIGITS
    return rated, Rules(plan.unanswered, plan.withheld, digits)


def shown(explanation):
    return {step.kind: step.numbers for step in explanation.steps}


@tagged("post_install", "-at_install")
class TestExplaining(BaseCase):
    @settings(max_examples=150, deadline=None)
    @given(PRICES, PLANS, st.integers(0, 10_000), st.booleans(), st.booleans())
    def test_the_steps_lead_to_what_rating_says_to_the_last_digit(
        self, price, plan, seconds, answered, withheld
    ):
        rated, rules = rate(price, plan, seconds, answered, withheld)
        facts = Facts(seconds, answered, withheld, rated.billed_seconds, rated.amount)
        told = explain(facts, price, rules)
        self.assertEqual((told.amount, told.charged_amount), (rated.amount, None))
        self.assertTrue(told.agrees)
        steps = shown(told)
        if "time" in steps:
            time = steps["time"]
            self.assertEqual(time["initial"] + time["steps"] * time["step"], rated.billed_seconds)
            # The last number that is told is the amount.
            last = [step for step in told.steps if "amount" in step.numbers][-1]
            expected = steps["minimum"]["minimum"] if "minimum" in steps else None
            if told.steps[-1].kind == "minimum":
                self.assertEqual(expected, rated.amount)
            else:
                self.assertEqual(last.numbers["amount"], rated.amount)

    @settings(max_examples=150, deadline=None)
    @given(
        PRICES,
        PLANS,
        st.lists(st.integers(0, 4_000), min_size=1, max_size=8),
        st.integers(0, 5_000),
        st.dictionaries(st.integers(0, 100), MONEY, max_size=3),
    )
    def test_included_minutes_and_tiers_lead_to_what_is_charged(
        self, price, plan, durations, pool, tiers
    ):
        digits = plan["rounding_digits"] if plan["rounding"] == "call" else reference.BILL_DIGITS
        terms = allowances.Terms(
            digits,
            (allowances.Allowance(1, pool, frozenset(), False),) if pool else (),
            tuple(allowances.Tier(1, start * 60, cost) for start, cost in tiers.items()),
        )
        rules = Rules(
            plan["unanswered"], plan["withheld"], digits, tuple(t[1:] for t in terms.tiers)
        )
        month = date(2026, 3, 1)
        calls = []
        for number, seconds in enumerate(durations):
            rated, _rules = rate(price, plan, seconds)
            moment = datetime(2026, 3, 4, 12, number)
            calls.append(
                allowances.UsedCall(
                    *(number, moment, month, 1, 1, 1, 1),
                    *(rated.billed_seconds, rated.amount, None),
                )
            )
        before = 0
        for call, charged in zip(calls, allowances.charge_calls(calls, {1: terms}), strict=True):
            facts = Facts(
                *(durations[call.id], True, False, call.billed_seconds, call.amount),
                *(charged.included_seconds, before, charged.amount),
            )
            told = explain(facts, price, rules)
            self.assertEqual(told.charged_amount, charged.amount)
            self.assertTrue(told.agrees)
            parts = [s.numbers["seconds"] for s in told.steps if s.kind == "tier"]
            self.assertLessEqual(sum(parts), call.billed_seconds - charged.included_seconds)
            before += call.billed_seconds - charged.included_seconds

    def test_a_call_that_somebody_changed_does_not_agree(self):
        price = reference.Price(Decimal("0.05"), Decimal("0.6"), 30, 6, Decimal(0))
        rules = Rules("free", "rate", 4)
        right = Facts(31, True, False, 36, Decimal("0.4100"))
        self.assertTrue(explain(right, price, rules).agrees)
        for wrong in (
            right._replace(amount=Decimal("0.42")),
            right._replace(billed_seconds=42),
            right._replace(seconds=37),
            right._replace(charged_amount=Decimal("0.40")),
            right._replace(charged_amount=Decimal("0"), included_seconds=600),
        ):
            self.assertFalse(explain(wrong, price, rules).agrees, wrong)

    def test_each_step_tells_its_numbers(self):
        price = reference.Price(Decimal("0.05"), Decimal("0.6"), 30, 6, Decimal("0.5"))
        told = explain(
            Facts(31, True, False, 36, Decimal("0.5"), 12, 100, Decimal("0.3333")),
            price,
            Rules("free", "rate", 4, ((3_600, Decimal("0.1")),)),
        )
        steps = shown(told)
        self.assertEqual(
            [step.kind for step in told.steps],
            ["time", "price", "minimum", "included", "share", "rounded"],
        )
        self.assertEqual(steps["time"]["steps"], 1)
        self.assertEqual(steps["price"]["amount"], Decimal("0.41"))
        self.assertEqual(steps["included"], {"included": 12, "billed": 36, "left": 24})
        self.assertTrue(told.agrees)


@tagged("post_install", "-at_install")
class TestSafeCells(BaseCase):
    def test_what_begins_like_a_formula_is_neutral_and_numbers_stay_readable(self):
        for text in (
            "=1+1",
            "@SUM(A1)",
            "-1+cmd",
            "+1+1",
            "\t=1",
            "\r=1",
            "=HYPERLINK(x)",
            "+49=1",
        ):
            self.assertEqual(safe_cell(text), "'" + text)
        for text in ("+4930123456", "+49 30 123456", "-0.05", "0301234", "bob@pbx.lan", "", "1,5"):
            self.assertEqual(safe_cell(text), text)
        self.assertEqual(safe_cell(None), "")

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=20))
    def test_no_cell_begins_like_a_formula_but_for_plain_numbers(self, text):
        cell = safe_cell(text)
        self.assertIn(text, cell)
        if cell[:1] in ("=", "@", "\t", "\r", "\n"):
            self.fail(repr(cell))
        if cell[:1] in ("+", "-"):
            self.assertRegex(cell, r"^\+\d[\d ]*$|^-\d+([.,]\d+)?$")

    def test_a_file_can_be_read_again_by_its_letters(self):
        content = write_csv([["Né", "=x"], [1, "+49"]], ";")
        self.assertEqual(content.decode("utf-8-sig"), "Né;'=x\r\n1;+49\r\n")


@tagged("post_install", "-at_install")
class TestUnusualUsage(BaseCase):
    past = [Usage(100, 300.0, 20.0), Usage(110, 320.0, 22.0), Usage(90, 280.0, 18.0)]

    def odd(self, now, past=None):
        found = look_at(now, self.past if past is None else past, 10.0, 15.0)
        return {name for name in ("calls", "minutes", "amount", "special") if getattr(found, name)}

    def test_what_differs_by_more_than_its_own_past_does_is_unusual(self):
        self.assertEqual(self.odd(Usage(105, 310.0, 21.0)), set())
        self.assertEqual(self.odd(Usage(300, 310.0, 21.0)), {"calls"})
        self.assertEqual(self.odd(Usage(105, 900.0, 21.0)), {"minutes"})
        self.assertEqual(self.odd(Usage(105, 310.0, 90.0)), {"amount"})
        self.assertEqual(self.odd(Usage(10, 310.0, 21.0)), {"calls"})

    def test_premium_calls_stand_out_where_there_were_none_or_cost_more(self):
        now = Usage(105, 310.0, 21.0, 1, 0.5)
        self.assertEqual(self.odd(now), {"special"})
        self.assertEqual(self.odd(now, []), {"special"})
        known = [usage._replace(special_calls=2, special_amount=1.0) for usage in self.past]
        self.assertEqual(self.odd(now, known), set())
        self.assertEqual(self.odd(now._replace(special_amount=15.0), known), {"special"})

    def test_a_new_service_has_nothing_to_compare_with(self):
        self.assertEqual(self.odd(Usage(9_000, 9_000.0, 900.0), []), set())
