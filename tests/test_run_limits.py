"""A run that gets out of hand stops before it invoices, and the canary goes first."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunLimits(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.customers = cls.env["res.partner"]
        for index in range(5):
            customer = cls.make_customer(f"Customer {index}")
            cls.make_service(customer, cls.tariff, quantity=index + 1)
            cls.customers |= customer

    def request(self, day=date(2026, 1, 1), **values):
        run = self.make_run(self.cycle, day, **values)
        run.action_request(target_stage="posting")
        self.work(run)
        return run

    def work(self, run):
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        run.invalidate_recordset()

    def test_each_limit_stops_the_run_after_rating_and_says_why(self):
        for values, words in (
            ({"limit_bills": 4}, "Bills that are due: 5. The limit is 4"),
            ({"limit_total": 149.99}, "come to $\xa0150.00, the limit is $\xa0149.99"),
            ({"limit_bill": 49.0}, "Customer 4 come to $\xa050.00"),
        ):
            run = self.request(**values)
            self.assertEqual((run.state, run.stage, run.invoice_count), ("requested", "rating", 0))
            self.assertIn(words, run.stop_reason)
            undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Stopped"})
            undo.action_confirm()
            self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])

    def test_a_limit_that_is_just_met_does_not_stop(self):
        run = self.request(limit_bills=5, limit_total=150.0, limit_bill=50.0)
        self.assertEqual((run.stage, run.stop_reason), ("posting", False))

    def test_a_big_change_against_the_previous_run_stops(self):
        self.request()
        self.env["billing.service"].search([("partner_id", "=", self.customers[4].id)])._terminate(
            date(2026, 2, 1)
        )
        self.make_run(self.cycle, date(2026, 2, 1))  # prepared, but never requested
        run = self.request(date(2026, 2, 1), limit_change=30.0)
        self.assertIn("differs by 33.3 %", run.stop_reason)

    def test_a_stopped_run_is_left_alone_until_somebody_continues_it(self):
        run = self.request(limit_total=1.0)
        self.env["billing.run"]._cron_wake_runs()
        self.work(run)
        self.assertFalse(run.invoice_count)
        with self.assertRaisesRegex(UserError, "requested already"):
            run.action_request()
        run.action_continue(target_stage="posting")
        self.work(run)
        self.assertEqual((run.stage, run.invoice_count, run.stop_reason), ("posting", 5, False))
        self.assertIn("in spite of", run.message_ids.filtered("body")[0].body)

    def test_the_canary_is_produced_first_and_then_the_rest(self):
        run = self.make_run(self.cycle, canary_count=2)
        run.action_request(target_stage="posting")
        tasks = self.env["billing.task"]
        domain = [("res_id", "=", run.id)]
        while not run.invoice_count:
            self.assertTrue(tasks._run_inline(limit=1, domain=domain))
            run.invalidate_recordset()
        bills = self.env["billing.bill"].search(domain[:0] + [("run_id", "=", run.id)])
        self.assertEqual(bills.filtered("canary").partner_id, self.customers[:2])
        self.assertEqual(set((bills - bills.filtered("canary")).mapped("state")), {"pending"})
        self.work(run)
        self.assertEqual(set(bills.mapped("state")), {"posted"})
        self.assertEqual((run.stage, run.canary_running), ("posting", False))

    def test_a_run_executed_at_once_has_its_limits_and_first_customers_too(self):
        run = self.make_run(self.cycle, limit_total=1.0, canary_count=2)
        run._execute("posting")
        self.assertIn("the limit is", run.stop_reason)
        self.assertEqual((run.state, run.stage, run.invoice_count), ("requested", "rating", 0))
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        self.assertEqual(len(bills.filtered("canary")), 2)
        self.assertEqual(set((bills - bills.filtered("canary")).mapped("state")), {"pending"})
        run._execute("posting")
        self.assertEqual((run.stage, run.invoice_count, run.stop_reason), ("posting", 5, False))

    def test_an_error_among_the_first_customers_stops_the_run(self):
        product = self.make_product("Old")
        self.make_service(self.customers[0], self.make_tariff(self.scheme, product_id=product.id))
        product.active = False
        run = self.request(canary_count=2)
        self.assertIn("In error: 1 (Customer 0", run.stop_reason)
        self.assertEqual((run.state, run.invoice_count), ("requested", 1))
        with self.assertRaisesRegex(UserError, "Undo it first"):
            run.action_cancel()
        run.action_run_again()
        self.work(run)
        self.assertIn("In error: 1 (Customer 0", run.stop_reason)
        self.assertEqual((run.state, run.invoice_count), ("requested", 1))
        product.active = True
        run.action_run_again()
        self.work(run)
        self.assertEqual((run.stage, run.invoice_count), ("posting", 5))

    def test_a_stopped_run_can_be_cancelled_once_nothing_it_produced_is_left(self):
        product = self.make_product("Old")
        self.make_service(self.customers[0], self.make_tariff(self.scheme, product_id=product.id))
        product.active = False
        first = {"partner_ids": [Command.set(self.customers[1].ids)]}
        for values, taken_back in (({"canary_count": 2}, first), ({"limit_bills": 1}, {})):
            run = self.request(**values)
            self.assertTrue(run.stop_reason)
            with self.assertRaisesRegex(UserError, "Undo it first"):
                run.action_cancel()
            undo = self.env["billing.run.undo"].create(
                {"run_id": run.id, "reason": "Stopped", **taken_back}
            )
            undo.action_confirm()
            self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
            run.action_cancel()
            self.assertEqual(run.state, "cancelled")
        # Nothing that the cancelled runs looked at is lost.
        product.active = True
        run = self.request()
        self.assertEqual(run.invoice_count, 5)

    def test_a_limit_exceeded_by_the_canary_stops_before_its_invoices(self):
        run = self.request(canary_count=5, limit_bill=20.0)
        self.assertIn("limit of a bill", run.stop_reason)
        self.assertFalse(run.invoice_count)
        run.action_continue(target_stage="posting")
        self.work(run)
        self.assertEqual(run.invoice_count, 5)
