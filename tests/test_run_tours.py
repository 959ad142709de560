"""A billing run in a real browser, by an accountant."""

from datetime import date

from odoo.tests import HttpCase, tagged

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunTours(BillingCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.accountant = self.make_user("tour_accountant", "billing_operations.group_billing_user")
        scheme = self.make_scheme()
        tariff = self.make_tariff(scheme)
        self.retired = self.make_product("Retired")
        old = self.make_tariff(scheme, product_id=self.retired.id)
        self.cycle = self.make_cycle(scheme, name="Tour cycle")
        for index in range(3):
            customer = self.make_customer(f"Tour customer {index}")
            self.make_service(customer, old if index == 2 else tariff, date(2026, 1, 1))

    def test_an_accountant_takes_a_run_from_request_to_posted_invoices(self):
        self.retired.active = False
        self.start_tour("/odoo", "billing_run_prepare", login="tour_accountant")
        run = self.env["billing.run"].search([("cycle_id", "=", self.cycle.id)])
        self._run_queue(run)
        url = f"/odoo/action-billing_operations.action_billing_run/{run.id}"
        self.start_tour(url, "billing_run_request", login="tour_accountant")
        self.assertEqual((run.state, run.create_uid), ("requested", self.accountant))

        self._run_queue(run)
        self.assertEqual((run.state, run.error_count), ("completed_with_errors", 1))
        self.start_tour("/odoo", "billing_run_exceptions", login="tour_accountant")

        self.retired.active = True
        self.start_tour(url, "billing_run_again", login="tour_accountant")
        self._run_queue(run)
        self.assertEqual((run.state, run.error_count), ("completed", 0))
        self.start_tour(url, "billing_run_completed", login="tour_accountant")

    def _run_queue(self, run):
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        run.invalidate_recordset()
