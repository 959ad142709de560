"""Collecting what a billing run has billed, in a real browser, to Run Complete."""

from datetime import date

from odoo.tests import HttpCase, tagged

from .payment_common import PaymentCase


@tagged("post_install", "-at_install")
class TestPaymentTours(PaymentCase, HttpCase):
    """While the panel is looked at, a worker does what the queue holds."""

    def setUp(self):
        super().setUp()
        scheme = self.make_scheme()
        today = self.company._billing_today()
        self.make_mandate(signed_date=today)
        self.customer.invoice_sending_method = "manual"
        product = self.make_product("Untaxed", taxes=self.env["account.tax"])
        self.make_service(self.customer, self.make_tariff(scheme, 10.0, product_id=product.id))
        self.subject = self.make_run(self.make_cycle(scheme))
        self.subject._execute("posting")
        read = self.registry["billing.run"].get_next_steps

        def get_next_steps(run):
            env = self.env(cr=run.env.cr)
            env["billing.task"]._run_inline(domain=[("type_id.code", "!=", "payment_notices")])
            run.env.invalidate_all()
            return read(run)

        get_next_steps._readonly = False
        self.patch(self.registry["billing.run"], "get_next_steps", get_next_steps)

    def tour(self, name):
        url = f"/odoo/action-billing_operations.action_billing_run/{self.subject.id}"
        self.start_tour(url, name, login="payment_user", timeout=180)
        self.env.invalidate_all()

    def test_an_accountant_collects_by_direct_debit(self):
        self.assertEqual(self.subject.state, "completed", self.subject.state)
        self.tour("billing_collect_direct_debit")
        run = self.env["billing.payment.run"].search([("billing_run_id", "=", self.subject.id)])
        self.assertEqual(
            (run.state, run.method, run.create_uid), ("submitted", "direct_debit", self.user)
        )
        self.assertEqual(run.line_ids.move_id.payment_state, "paid")
        self.assertTrue(run.file_ids)
        self.assertGreater(run.collection_date, date.today())
