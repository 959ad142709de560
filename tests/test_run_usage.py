"""Rated calls become charges of a run, once each, and come back with them."""

from datetime import date, datetime
from decimal import Decimal

from odoo.tests import tagged
from odoo.tools import SQL

from .rating_common import RatingCase


@tagged("post_install", "-at_install")
class TestRunUsage(RatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.number = cls.make_number("+44 20 7946 0000")
        cls.make_rate("44", 0.06)
        cls.make_rate("447", 0.12, class_id=cls.mobile.id)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.records = cls.env["cdr.record"]
        cls.carrier = cls.env["cdr.carrier"].create({"name": "Trunk", "company_id": cls.company.id})
        cls.file = cls.env["cdr.file"].create(
            {"name": "march.csv", "carrier_id": cls.carrier.id, "company_id": cls.company.id}
        )
        cls.placed = 0

    def load(self, *calls):
        """Store calls, unrated, and rate them."""
        for call in calls:
            type(self).placed += 1
            row = {
                **call,
                "company_id": self.company.id,
                "carrier_id": self.carrier.id,
                "file_id": self.file.id,
                "line_number": self.placed,
                "record_key": f"key {self.placed}",
                "state": "unrated",
            }
            self.env.cr.execute(
                SQL(
                    "INSERT INTO cdr_record (%s) VALUES (%s)",
                    SQL(", ").join(map(SQL.identifier, row)),
                    SQL(", ").join(SQL("%s", value) for value in row.values()),
                )
            )
        self.records._rate([("state", "=", "unrated")], self.company)

    def january(self, day, destination="442079461111", seconds=60, **values):
        return self.call(destination, seconds, call_time=datetime(2026, 1, day, 12), **values)

    def billed(self, month=1, stage="rating"):
        run = self.make_run(self.cycle, date(2026, month, 28))
        run.cutoff_date = date(2026, month, 28)
        run._execute(stage)
        return run

    def usage(self, run):
        charges = self.env["billing.charge"].search(
            [("run_id", "=", run.id), ("kind", "=", "usage")], order="id"
        )
        return charges.sorted(lambda charge: charge.usage_class_id.id)

    def test_calls_become_one_charge_for_each_service_and_class(self):
        self.load(
            self.january(2),
            self.january(3, seconds=90),
            self.january(9, "447700900123"),
        )
        run = self.billed()
        national, mobile = self.usage(run)
        self.assertEqual((national.amount, mobile.amount), (0.15, 0.12))
        self.assertEqual(national.partner_id, self.customer)
        self.assertEqual(national.service_id, self.service)
        self.assertEqual(
            (national.period_start, national.period_end), (date(2026, 1, 2), date(2026, 1, 4))
        )
        self.assertIn("National", national.name)
        self.assertIn("2 calls, 0:02:30", national.name)
        self.assertEqual((national.call_count, mobile.call_count), (2, 1))
        calls = self.records.search(national.action_view_calls()["domain"])
        self.assertEqual(set(calls.mapped("state")), {"charged"})
        self.assertEqual(sum(calls.mapped("charged_amount")), 0.15)
        self.assertEqual(self.bill_of(run, self.customer).state, "rated")

    def test_calls_are_on_the_invoice_and_charges_equal_lines(self):
        self.load(self.january(2), self.january(9, "447700900123"))
        run = self.billed(stage="posting")
        lines = self.bill_of(run, self.customer).move_ids.invoice_line_ids
        usage = self.usage(run)
        self.assertEqual(usage.mapped("state"), ["invoiced", "invoiced"])
        for charge in usage:
            self.assertIn(charge.move_line_id, lines)
            self.assertEqual(charge.move_line_id.price_subtotal, charge.amount)
        self.assertFalse([row for row in run._tie_out() if row["difference"]])

    def test_calls_after_the_cutoff_wait_and_late_ones_come_with_the_next_run(self):
        self.load(self.january(2), self.january(29))
        first = self.usage(self.billed())
        self.assertEqual(first.call_count, 1)
        self.load(self.january(1))
        second = self.usage(self.billed(2))
        self.assertEqual(second.call_count, 2)
        self.assertEqual(second.period_start, date(2026, 1, 1))
        self.assertFalse(self.usage(self.billed(3)))

    def test_the_sum_is_rounded_once(self):
        self.load(*(self.january(2 + n, seconds=1) for n in range(9)))
        # Nine calls of a thousandth each.
        self.assertEqual(self.usage(self.billed()).amount, 0.01)

    def test_calls_in_error_wait_until_they_have_a_price(self):
        self.load(self.january(2, "331234567"))
        run = self.billed()
        self.assertFalse(self.usage(run))
        self.make_rate("33", 1)
        self.records._rate([("state", "=", "error")], self.company)
        self.assertEqual(self.usage(self.billed(2)).amount, 1)

    def test_included_minutes_are_used_up_in_the_order_of_time_over_several_runs(self):
        self.env["cdr.rate.allowance"].create(
            {"plan_id": self.plan.id, "name": "3 minutes", "minutes": 3}
        )
        self.load(self.january(2, seconds=120))
        first = self.usage(self.billed())
        self.assertEqual(first.amount, 0)
        self.assertIn("included: 0:02:00", first.name)
        self.load(self.january(3, seconds=120))
        second = self.usage(self.billed(2))
        self.assertEqual(second.amount, 0.06)

    def test_voided_usage_is_charged_anew_and_reopened_usage_billed_as_it_was(self):
        self.load(self.january(2))
        run = self.billed(stage="posting")
        charge = self.usage(run)
        for outcome in ("reopen", "void"):
            undo = self.env["billing.run.undo"].create(
                {"run_id": run.id, "reason": "Wrong", "outcome": outcome}
            )
            undo.action_confirm()
            self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
            record = self.records.search([("carrier_id", "=", self.carrier.id)])
            if outcome == "reopen":
                self.assertEqual((record.state, record.charge_id), ("charged", charge))
                run = self.billed(2, "posting")
                self.assertEqual(charge.run_id, run)
            else:
                self.assertEqual((record.state, record.charge_id.id), ("rated", False))
                run = self.billed(3)
                self.assertNotEqual(self.usage(run), charge)
                self.assertEqual(self.usage(run).amount, charge.amount)

    def test_the_customer_of_the_day_pays_for_a_number_that_moved(self):
        other = self.make_customer("New Owner")
        self.load(self.january(2), self.january(3))
        self.env.cr.execute(
            "UPDATE cdr_record SET partner_id = %s WHERE call_day = '2026-01-03'", [other.id]
        )
        self.records.invalidate_model()
        run = self.billed()
        charges = self.usage(run)
        self.assertEqual(charges.partner_id, self.customer | other)
        self.assertEqual(charges.mapped("call_count"), [1, 1])

    def test_a_run_limited_to_other_services_leaves_the_calls(self):
        self.load(self.january(2))
        other = self.make_service(self.customer, self.tariff)
        run = self.make_run(self.cycle, date(2026, 1, 28), service_ids=other)
        run._execute("rating")
        self.assertFalse(self.usage(run))

    def test_the_amount_equals_plain_arithmetic(self):
        seconds = [7, 61, 133, 3599, 1]
        self.load(*(self.january(3 + n, seconds=value) for n, value in enumerate(seconds)))
        exact = sum(
            (Decimal(value) * Decimal("0.06") / 60).quantize(Decimal("0.0001")) for value in seconds
        )
        self.assertEqual(
            Decimal(str(self.usage(self.billed()).amount)), exact.quantize(Decimal("0.01"))
        )

    # === NEXT STEPS === #

    def step(self, run, code):
        return next((s for s in run._next_steps()["steps"] if s["code"] == code), None)

    def test_the_panel_compares_each_carriers_files_with_those_of_the_month_before(self):
        run = self.make_run(self.cycle, date(2026, 2, 28))
        run.cutoff_date = date(2026, 2, 28)
        self.carrier.expected_files = 1
        self.env["cdr.file"].create({"name": "feb.csv", "carrier_id": self.carrier.id})
        self.env.cr.execute(
            "UPDATE cdr_file SET state = 'processed', period = '2026-01-01', line_count = 7"
            " WHERE id = %s",
            [self.file.id],
        )
        self.env["cdr.file"].invalidate_model()
        step = run._step("cdrs")
        self.assertEqual(step["table"]["rows"], [["Trunk", 0, 0, 1, 7, 1]])
        self.assertEqual(step["state"], "attention")
        self.assertIn("Trunk: 0 of 1 files.", step["sentence"])
        waiting = self.env["cdr.file"].search(run.action_view_waiting_cdr_files()["domain"])
        self.assertEqual(waiting.mapped("name"), ["feb.csv"])

    def test_open_errors_are_counted_by_problem_and_opened_from_the_panel(self):
        self.load(self.january(2, "331234567"), self.january(3, "331234567"))
        run = self.make_run(self.cycle, date(2026, 1, 28))
        step = run._step("billing_errors")
        self.assertEqual([row[0] for row in step["table"]["rows"]], ["No rate"])
        self.assertEqual(step["table"]["rows"][0][2], 2)
        errors = self.env["billing.error"].search(run.action_view_usage_errors()["domain"])
        self.assertEqual(errors.code, "no_rate")
        shown = [step["code"] for step in run._next_steps()["steps"]]
        self.assertIn("billing_errors", shown)
        self.assertNotIn("fixed_fee_errors", shown)

    def test_a_company_without_carriers_goes_without_these_steps(self):
        self.carrier.active = False
        run = self.make_run(self.cycle, date(2026, 1, 28))
        shown = [step["code"] for step in run._next_steps()["steps"]]
        self.assertNotIn("cdrs", shown)
        self.assertNotIn("billing_errors", shown)
