"""Usage ties: seconds and money of the calls = charges = invoice lines, and what differs is named."""

from datetime import date

from odoo.tests import tagged

from .usage_common import UsageCase


@tagged("post_install", "-at_install")
class TestUsageTieOut(UsageCase):
    def setUp(self):
        super().setUp()
        self.load(
            self.january(2),
            self.january(3, seconds=90, caller="+442079460000", callee="020 7946 1111"),
            self.january(9, "447700900123"),
        )
        self.run_ = self.billed(stage="posting")
        first, second, _third = self.records.search(
            [("carrier_id", "=", self.carrier.id)], order="call_time"
        )
        self.line, self.other_line = f"line {second.line_number})", f"line {first.line_number})"

    def tamper(self, values, where="call_day = '2026-01-03'"):
        self.env.cr.execute(
            f"UPDATE cdr_record SET {values} WHERE {where} AND carrier_id = %s", [self.carrier.id]
        )
        self.records.invalidate_model()
        return self.run_._step("tie_out_usage")

    def test_calls_charges_and_lines_agree(self):
        [row] = self.run_._tie_out_usage()
        self.assertEqual((row["calls"], row["charged_calls"]), (3, 3))
        self.assertEqual((row["seconds"], row["charged_seconds"]), (210, 210))
        self.assertEqual((row["amount"], row["charges"], row["lines"]), (0.27, 0.27, 0.27))
        self.assertEqual(row["untied"], [])
        step = self.run_._step("tie_out_usage")
        self.assertEqual(step["state"], "done")
        shown = [step["code"] for step in self.run_._next_steps()["steps"]]
        self.assertLess(shown.index("tie_out"), shown.index("tie_out_usage"))

    def test_a_call_with_another_amount_is_named(self):
        step = self.tamper("charged_amount = 5")
        self.assertEqual(step["state"], "problem")
        self.assertIn("+442079460000 → 020 7946 1111", step["sentence"])
        self.assertIn(f"march.csv, {self.line}", step["sentence"])
        self.assertIn("5.00", step["sentence"])
        self.assertIn("0.09", step["sentence"])
        self.assertNotIn(self.other_line, step["sentence"])
        action = self.run_.action_view_untied_usage()
        charges = self.env["billing.charge"].search(action["domain"])
        self.assertEqual(charges, self.usage(self.run_)[:1])

    def test_a_call_with_other_seconds_is_named(self):
        step = self.tamper("billed_seconds = 9000")
        self.assertEqual(step["state"], "problem")
        self.assertIn(self.line, step["sentence"])

    def test_a_call_that_is_missing_is_counted(self):
        step = self.tamper("state = 'ignored', charge_id = NULL")
        self.assertIn("1 calls are there, 2 were charged", step["sentence"])

    def test_a_call_put_to_another_charge_is_named_on_both_sides(self):
        mobile = self.usage(self.run_)[1]
        step = self.tamper(f"charge_id = {mobile.id}")
        self.assertIn(f"{self.line} belongs to another charge", step["sentence"])
        self.assertIn("1 calls are there, 2 were charged", step["sentence"])

    def test_a_charge_whose_calls_are_all_gone_is_no_difference_but_said(self):
        step = self.tamper("state = 'ignored', charge_id = NULL", "call_day = '2026-01-09'")
        self.assertEqual(step["state"], "done")
        self.assertIn("Of 1 charge no call is there", step["sentence"])

    def test_charges_that_were_corrected_tie_with_their_calls_as_they_were(self):
        self.make_rate("4420", 0.5)
        calls = self.records.search([("carrier_id", "=", self.carrier.id)])
        self.assertEqual(
            self.records._rerate([("id", "in", calls.ids)], self.company)["corrected"], 1
        )
        self.env.invalidate_all()
        step = self.run_._step("tie_out_usage")
        self.assertEqual(step["state"], "done", step["sentence"])
        self.assertIn("agree", step["sentence"])
        again = self.billed(2, "posting")
        [row] = again._tie_out_usage()
        self.assertEqual((row["calls"], row["charged_calls"]), (2, 2))
        self.assertEqual((row["charges"], row["lines"]), (1.1, 1.1))
        step = again._step("tie_out_usage")
        self.assertEqual(step["state"], "done", step["sentence"])
        corrected = self.usage(again).filtered("usage_calls")
        self.assertIn(self.service.display_name, corrected.name)
        self.assertTrue(all(told.agrees for told in calls._explain().values()))

    def test_a_line_that_comes_to_something_else_does_not_tie(self):
        line = self.usage(self.run_)[0].move_line_id
        move = line.move_id
        move.button_draft()
        line.price_unit = 7
        move.action_post()
        [row] = self.run_._tie_out_usage()
        self.assertTrue(row["difference"])
        self.assertEqual(self.run_._step("tie_out_usage")["state"], "problem")

    def test_prices_that_include_the_tax_tie_too(self):
        included = self.make_tax("7% incl.", 7, price_include_override="tax_included")
        self.national.product_id = self.make_product("Calls", included)
        self.load(self.january(4, seconds=77))
        run = self.billed(2, "posting")
        self.assertEqual(run._step("tie_out_usage")["state"], "done")
        [row] = run._tie_out_usage()
        self.assertEqual((row["charges"], row["lines"]), (0.08, 0.08))

    def test_a_run_without_usage_goes_without_this_step(self):
        other = self.make_service(self.make_customer("Quiet"), self.tariff)
        run = self.make_run(self.cycle, date(2026, 2, 28), service_ids=other)
        run._execute("posting")
        self.assertNotIn("tie_out_usage", [s["code"] for s in run._next_steps()["steps"]])

    def test_the_number_of_statements_does_not_grow_with_the_calls(self):
        self.env.invalidate_all()
        with self.assertQueryCount(12):
            self.run_._tie_out_usage()
