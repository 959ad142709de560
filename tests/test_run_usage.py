"""Rated calls become charges of a run, once each, and come back with them."""

from datetime import date
from decimal import Decimal

from odoo.tests import tagged

from .usage_common import UsageCase


@tagged("post_install", "-at_install")
class TestRunUsage(UsageCase):
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

    def test_half_a_cent_is_rounded_up_whatever_the_binary_form_of_the_sum(self):
        # 1.005 is less as a binary number.
        self.make_rate("4420", 0.335)
        self.load(*(self.january(2 + n) for n in range(3)))
        self.assertEqual(self.usage(self.billed()).amount, 1.01)

    def test_a_charge_keeps_what_it_was_made_of(self):
        self.load(self.january(2), self.january(3, seconds=90))
        charge = self.usage(self.billed())
        self.assertEqual((charge.usage_calls, charge.usage_seconds), (2, 150))

    def test_a_call_keeps_the_seconds_that_counted_for_tiers_before_it(self):
        tier = {"plan_id": self.plan.id, "class_id": self.national.id}
        self.env["cdr.rate.tier"].create({**tier, "minutes_from": 2, "price_minute": 0.01})
        self.load(self.january(2, seconds=90), self.january(3, seconds=90))
        self.billed()
        self.load(self.january(4, seconds=60))
        self.billed(2)
        calls = self.records.search([("carrier_id", "=", self.carrier.id)], order="call_time")
        self.assertEqual(calls.mapped("counted_before"), [0, 90, 180])
        self.assertEqual(calls.mapped("charged_amount"), [0.09, 0.04, 0.01])
        self.assertTrue(all(told.agrees for told in calls._explain().values()))

    def test_charging_takes_as_many_statements_for_many_services_as_for_few(self):
        def statements():
            run = self.make_run(self.cycle, date(2026, 1, 28))
            run._identify()
            bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertTrue(bills._rate_usage())
            return self.env.cr.sql_log_count - before

        self.load(self.january(2))
        few = statements()
        for number in range(20):
            service = self.make_service(self.make_customer(f"C {number}"), self.tariff)
            self.make_number(f"+44 20 7000 {number:04}", service)
        self.load(*(self.january(3, identifier=f"442070000{n:03}") for n in range(20)))
        self.assertLessEqual(statements(), few + 5)

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

    def test_plans_with_and_without_included_minutes_are_charged_together(self):
        self.env["cdr.rate.allowance"].create(
            {"plan_id": self.plan.id, "name": "1 minute", "minutes": 1}
        )
        plain = self.make_plan("Without")
        self.make_rate("44", 0.06, plain)
        other = self.make_service(self.customer, self.tariff)
        other.rate_plan_id = plain
        self.make_number("+44 20 7000 0001", other)
        unbilled = self.make_service(self.customer, self.tariff)
        self.make_number("+44 20 7000 0002", unbilled)
        self.load(
            self.january(1, seconds=120, identifier="442070000002"),
            self.january(2, seconds=120),
            self.january(2, seconds=120, identifier="442070000001"),
        )
        run = self.make_run(
            self.cycle,
            date(2026, 1, 28),
            cutoff_date="2026-01-28",
            service_ids=self.service + other,
        )
        run._execute("rating")
        charges = {charge.service_id: charge for charge in self.usage(run)}
        self.assertEqual(charges[self.service].amount, 0.06)
        self.assertEqual(charges[other].amount, 0.12)
        self.assertEqual(len(charges), 2)
        calls = self.records.search([("carrier_id", "=", self.carrier.id)], order="line_number")
        self.assertEqual(calls.mapped("state"), ["rated", "charged", "charged"])
        self.assertEqual(calls.mapped("included_seconds"), [0, 60, 0])
        self.assertEqual(calls.mapped("charged_amount"), [0, 0.06, 0.12])

    # === TAKEN BACK === #

    def undo(self, run, outcome):
        undo = self.env["billing.run.undo"].create(
            {"run_id": run.id, "reason": "Wrong", "outcome": outcome}
        )
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        self.env.invalidate_all()
        return self.records.search([("carrier_id", "=", self.carrier.id)])

    def test_voided_usage_is_charged_anew_and_reopened_usage_billed_as_it_was(self):
        self.load(self.january(2))
        run = self.billed(stage="posting")
        charge = self.usage(run)
        for outcome in ("reopen", "void"):
            record = self.undo(run, outcome)
            if outcome == "reopen":
                self.assertEqual((record.state, record.charge_id), ("charged", charge))
                self.assertEqual(charge.state, "rated")
                run = self.billed(2, "posting")
                self.assertEqual(charge.run_id, run)
                self.assertEqual(charge.state, "invoiced")
            else:
                self.assertEqual((record.state, record.charge_id.id), ("rated", False))
                self.assertEqual((record.included_seconds, record.counted_before), (0, 0))
                run = self.billed(3)
                self.assertNotEqual(self.usage(run), charge)
                self.assertEqual(self.usage(run).amount, charge.amount)

    def test_dropped_usage_is_never_charged_again(self):
        self.load(self.january(2))
        run = self.billed(stage="posting")
        charge = self.usage(run)
        record = self.undo(run, "drop")
        self.assertEqual((charge.state, charge.waive_reason), ("waived", "Wrong"))
        self.assertEqual((record.state, record.charge_id), ("charged", charge))
        self.assertFalse(self.usage(self.billed(2)))

    def test_voided_usage_that_is_rated_anew_is_charged_by_the_new_rate(self):
        self.load(self.january(2))
        run = self.billed(stage="posting")
        record = self.undo(run, "void")
        self.make_rate("4420", 0.5)
        self.records._rate([("id", "in", record.ids)], self.company)
        again = self.usage(self.billed(2, "posting"))
        self.assertEqual((again.amount, again.usage_calls), (0.5, 1))
        self.assertEqual(again.state, "invoiced")

    def test_voided_usage_gives_its_included_minutes_back(self):
        self.env["cdr.rate.allowance"].create(
            {"plan_id": self.plan.id, "name": "3 minutes", "minutes": 3}
        )
        self.load(self.january(2, seconds=120))
        run = self.billed(stage="posting")
        self.undo(run, "void")
        self.load(self.january(1, seconds=90))
        again = self.usage(self.billed(2))
        # 90 + 120 seconds less 180 included.
        self.assertEqual((again.amount, again.usage_calls), (0.03, 2))

    def test_usage_that_somebody_credits_is_not_charged_anew(self):
        self.load(self.january(2))
        run = self.billed(stage="posting")
        charge = self.usage(run)
        move = self.bill_of(run, self.customer).move_ids
        note = move._reverse_moves([{"invoice_date": date(2026, 2, 1)}], cancel=True)
        self.env.invalidate_all()
        record = self.records.search([("carrier_id", "=", self.carrier.id)])
        self.assertEqual(charge.state, "waived")
        self.assertEqual((record.state, record.charge_id), ("charged", charge))
        self.assertFalse(self.usage(self.billed(2)))
        # The credit note goes: the invoice stands again, and so does its charge.
        note.line_ids.remove_move_reconcile()
        note.button_draft()
        note.button_cancel()
        self.env.invalidate_all()
        self.assertEqual((charge.state, record.state), ("invoiced", "charged"))

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
