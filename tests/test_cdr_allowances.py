"""Included minutes and tiers: by sets they come to what plain Python says, to the last digit."""

import json
from datetime import date, datetime
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged
from odoo.tools import SQL

from ..cdrs.allowances import Allowance, Terms, Tier, UsedCall, charge_calls
from ..cdrs.allowances_sql import charge_select, plans_with_terms
from ..cdrs.rating_reference import BILL_DIGITS
from .rating_common import RatingCase

MARCH = date(2026, 3, 1)


class AllowanceCase(RatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.make_service(cls.customer, cls.tariff)

    def allow(self, minutes, *classes, plan=None, **values):
        """Include minutes in a plan."""
        return self.env["cdr.rate.allowance"].create(
            {
                "plan_id": (plan or self.plan).id,
                "name": f"{minutes} minutes",
                "minutes": minutes,
                "class_ids": [rate_class.id for rate_class in classes],
                **values,
            }
        )

    def tier(self, rate_class, minutes, price, plan=None):
        """Add a tier to a plan."""
        return self.env["cdr.rate.tier"].create(
            {
                "plan_id": (plan or self.plan).id,
                "class_id": rate_class.id,
                "minutes_from": minutes,
                "price_minute": price,
            }
        )

    def used(self, number, seconds, amount, **values):
        """Return a rated call of March."""
        row = {
            "id": number,
            "call_time": datetime(2026, 3, 4, 12, 0, number % 60),
            "month": MARCH,
            "service_id": self.service.id,
            "partner_id": self.customer.id,
            "plan_id": self.plan.id,
            "class_id": self.national.id,
            "billed_seconds": seconds,
            "amount": Decimal(amount),
            "charged_included": None,
        }
        return UsedCall(**row | values)

    def charge(self, calls):
        """{id: (included seconds, amount)} by the database."""
        self.env.flush_all()
        source = SQL(
            "SELECT * FROM json_to_recordset(%s) AS call (id int, call_time timestamp, month date,"
            " service_id int, partner_id int, plan_id int, class_id int, billed_seconds int,"
            " amount numeric, charged_included int)",
            json.dumps([call._asdict() for call in calls], default=str),
        )
        rows = self.env.execute_query(
            SQL(
                "SELECT id, included_seconds, charge_amount::text FROM (%s) AS charged",
                charge_select(source),
            )
        )
        return {number: (included, Decimal(amount)) for number, included, amount in rows}

    def terms(self, plan):
        """Return what a plan includes, as the reference takes it."""
        return Terms(
            plan.rounding_digits if plan.rounding == "call" else BILL_DIGITS,
            tuple(
                Allowance(a.id, a.minutes * 60, frozenset(a.class_ids.ids), a.shared)
                for a in plan.allowance_ids
            ),
            tuple(
                Tier(t.class_id.id, t.minutes_from * 60, Decimal(repr(t.price_minute)))
                for t in plan.tier_ids
            ),
        )


@tagged("post_install", "-at_install")
class TestAllowances(AllowanceCase):
    def test_calls_use_up_included_minutes_in_the_order_of_time(self):
        self.allow(2)
        calls = [self.used(2, 90, "0.9"), self.used(1, 60, "0.6"), self.used(3, 60, "0.6")]
        self.assertEqual(
            self.charge(calls),
            {1: (60, 0), 2: (60, Decimal("0.3000")), 3: (0, Decimal("0.6000"))},
        )

    def test_each_month_and_each_service_has_its_own_minutes(self):
        self.allow(1)
        april = {"month": date(2026, 4, 1), "call_time": datetime(2026, 4, 4)}
        calls = [
            self.used(1, 60, 1),
            self.used(2, 60, 1),
            self.used(3, 60, 1, service_id=self.second.id),
            self.used(4, 60, 1, **april),
        ]
        included = {number: row[0] for number, row in self.charge(calls).items()}
        self.assertEqual(included, {1: 60, 2: 0, 3: 60, 4: 60})

    def test_a_shared_bundle_serves_all_services_of_a_customer_and_no_other(self):
        self.allow(2, shared=True)
        other = self.make_customer("Quay Office")
        calls = [
            self.used(1, 90, "0.9"),
            self.used(2, 90, "0.9", service_id=self.second.id),
            self.used(3, 90, "0.9", partner_id=other.id, service_id=self.second.id),
        ]
        included = {number: row[0] for number, row in self.charge(calls).items()}
        self.assertEqual(included, {1: 90, 2: 30, 3: 90})

    def test_a_class_draws_on_the_allowance_that_names_it_else_on_the_general_one(self):
        self.allow(1, self.mobile)
        self.allow(2)
        calls = [
            self.used(1, 90, 1, class_id=self.mobile.id),
            self.used(2, 90, 1),
            self.used(3, 90, 1),
        ]
        included = {number: row[0] for number, row in self.charge(calls).items()}
        self.assertEqual(included, {1: 60, 2: 90, 3: 30})

    def test_calls_charged_before_have_used_up_their_minutes_whenever_they_were(self):
        self.allow(2)
        calls = [
            self.used(1, 60, 1),
            self.used(30, 90, 1, charged_included=90),
        ]
        self.assertEqual(self.charge(calls), {1: (30, Decimal("0.5000"))})

    def test_a_tier_holds_for_the_seconds_beyond_its_minutes(self):
        self.tier(self.national, 1, 0.3)
        self.tier(self.national, 2, 0.06)
        calls = [self.used(1, 90, "0.9"), self.used(2, 60, "0.6"), self.used(3, 60, "0.6")]
        self.assertEqual(
            {number: row[1] for number, row in self.charge(calls).items()},
            # 60 s of its own price and 30 s at 0.3; 30 s at 0.3 and 30 s at 0.06; 60 s at 0.06
            {1: Decimal("0.7500"), 2: Decimal("0.1800"), 3: Decimal("0.0600")},
        )

    def test_included_minutes_do_not_count_for_tiers(self):
        self.allow(1)
        self.tier(self.national, 1, 0)
        calls = [self.used(1, 60, "0.6"), self.used(2, 60, "0.6"), self.used(3, 60, "0.6")]
        self.assertEqual(
            {number: row[1] for number, row in self.charge(calls).items()},
            {1: 0, 2: Decimal("0.6"), 3: 0},
        )

    def test_plans_without_terms_are_left_out(self):
        self.assertNotIn(self.plan.id, plans_with_terms(self.env.cr, self.company.id))
        self.allow(1)
        self.env.flush_all()
        self.assertIn(self.plan.id, plans_with_terms(self.env.cr, self.company.id))


allowance_rows = st.tuples(st.integers(1, 30), st.booleans())
tier_rows = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 1_000_000)), max_size=3, unique_by=lambda t: t[0]
)
used_rows = st.fixed_dictionaries(
    {
        "plan": st.integers(0, 1),
        "class": st.integers(0, 2),
        "service": st.integers(0, 1),
        "partner": st.integers(0, 1),
        "month": st.sampled_from((MARCH, date(2026, 4, 1))),
        "second": st.integers(0, 5),
        "billed_seconds": st.one_of(st.integers(0, 120), st.integers(0, 4000)),
        "amount": st.integers(0, 5_000_000),
        "charged": st.sampled_from((None, None, 0, 60)),
    }
)


@tagged("post_install", "-at_install")
class TestAllowancesEqualReference(AllowanceCase):
    @settings(
        max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(
        st.lists(
            st.tuples(
                st.sampled_from((("call", 4), ("call", 2), ("bill", 2))),
                st.dictionaries(st.integers(0, 3), allowance_rows),
                st.dictionaries(st.integers(0, 2), tier_rows),
            ),
            min_size=2,
            max_size=2,
        ),
        st.lists(used_rows, min_size=1, max_size=30),
    )
    def test_sql_equals_the_reference_to_the_last_digit(self, plans, rows):
        with self.env.cr.savepoint() as savepoint:
            self.check_random(plans, rows)
            savepoint.rollback()
        self.env.invalidate_all(flush=False)

    def check_random(self, plans, rows):
        classes = self.national | self.mobile | self.make_class("Premium", kind="premium")
        made = []
        for number, ((rounding, digits), allowances, tiers) in enumerate(plans):
            plan = self.make_plan(f"Plan {number}", rounding=rounding, rounding_digits=digits)
            made.append(plan)
            for place, (minutes, shared) in allowances.items():
                # The last one names no class.
                self.allow(minutes, *classes[place : place + 1], plan=plan, shared=shared)
            for place, steps in tiers.items():
                for minutes, price in steps:
                    self.tier(classes[place], minutes, price / 1_000_000, plan)
        other = self.make_customer("Other")
        calls = [
            self.used(
                number,
                row["billed_seconds"],
                Decimal(row["amount"]).scaleb(-6),
                call_time=datetime(row["month"].year, row["month"].month, 4, 12, 0, row["second"]),
                month=row["month"],
                plan_id=made[row["plan"]].id,
                class_id=classes[row["class"]].id,
                service_id=(self.service, self.second)[row["service"]].id,
                partner_id=(self.customer, other)[row["partner"]].id,
                charged_included=row["charged"]
                if row["charged"] is None
                else min(row["charged"], row["billed_seconds"]),
            )
            for number, row in enumerate(rows)
        ]
        terms = {plan.id: self.terms(plan) for plan in made}
        wanted = {
            charged.id: (charged.included_seconds, charged.amount)
            for charged in charge_calls(calls, terms)
        }
        self.assertEqual(self.charge(calls), wanted)
