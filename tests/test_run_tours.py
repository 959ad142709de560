"""Billing runs in a real browser, from their dates to Run Complete, and taken back.

While the panel shows that work is under way it asks the server every few seconds what has
become of it: here a worker does what the queue holds whenever it asks.
"""

from odoo.tests import HttpCase, tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestRunTours(DeliveryCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.retired = self.make_product("Retired")
        old = self.make_tariff(self.scheme, product_id=self.retired.id)
        for index, way in enumerate(("email", "print", "email")):
            customer = self.make_customer(
                f"Tour customer {index}", email="tour@x.example", invoice_sending_method=way
            )
            self.make_service(customer, self.tariff if index else old)
        self.retired.active = False
        self.patch(self.registry["billing.delivery"], "_email_call", self.accept)
        read = self.registry["billing.run"].get_next_steps

        def get_next_steps(run):
            return read(self.worked_on(run))

        get_next_steps._readonly = False
        self.patch(self.registry["billing.run"], "get_next_steps", get_next_steps)

    @staticmethod
    def accept(deliveries, task, intent):
        return {"state": "sent"}

    def worked_on(self, run):
        """Do what waits: rendering, which takes longest, when nothing else does."""
        env = self.env(cr=run.env.cr)
        if not env["billing.task"]._run_inline(domain=[("type_id.code", "!=", "run_format")]):
            posted = [("billing_bill_id.run_id", "=", run.id), ("state", "=", "posted")]
            for move in env["account.move"].search(posted):
                if not move.invoice_pdf_report_id:
                    self.attach_pdf(move.with_env(self.env))
            env["billing.task"]._run_inline()
        run.env.invalidate_all()
        return run

    def run_of(self, cycle):
        self.env.invalidate_all()
        return self.env["billing.run"].search([("cycle_id", "=", cycle.id)], limit=1)

    def url(self, run):
        return f"/odoo/action-billing_operations.action_billing_run/{run.id}"

    def test_an_accountant_takes_a_run_from_its_dates_to_run_complete(self):
        accountant = self.make_user("tour_accountant", "billing_operations.group_billing_user")
        self.cycle.name = "Tour cycle"
        self.start_tour("/odoo", "billing_run_first_part", login="tour_accountant", timeout=180)
        run = self.run_of(self.cycle)
        self.assertEqual((run.state, run.error_count), ("completed_with_errors", 1))
        self.assertEqual(run.create_uid, accountant)
        self.retired.active = True
        self.start_tour(
            self.url(run), "billing_run_second_part", login="tour_accountant", timeout=180
        )
        self.env.invalidate_all()
        self.assertEqual((run.state, run.error_count), ("completed", 0))
        deliveries = self.env["billing.delivery"].search([("run_id", "=", run.id)])
        self.assertEqual(sorted(deliveries.mapped("state")), ["printed", "sent", "sent"])

    def test_a_run_is_signed_off_stops_at_its_first_customer_and_is_taken_back(self):
        self.make_user("tour_manager", "billing_operations.group_billing_manager")
        cycle = self.make_cycle(self.scheme, name="Signed cycle", sign_off=True)
        self.start_tour("/odoo", "billing_run_sign_off", login="tour_manager", timeout=180)
        run = self.run_of(cycle)
        self.env["billing.task"]._run_inline()
        self.env.invalidate_all()
        self.assertEqual(run.bill_count, 3)
        self.assertFalse(run.amount_text)
        self.retired.active = True
        self.start_tour(self.url(run), "billing_run_after_undo", login="tour_manager", timeout=180)
        again = self.run_of(cycle)
        self.assertEqual((again.state, again.invoice_count), ("completed", 3))
        self.assertNotEqual(again, run)
