"""Collecting what a billing run has billed, in a real browser, to Run Complete."""

from datetime import date

from odoo.tests import HttpCase, tagged

from .card_common import CardCase


@tagged("post_install", "-at_install")
class TestPaymentTours(CardCase, HttpCase):
    """While the panel is looked at, a worker does what the queue holds."""

    def setUp(self):
        super().setUp()
        self.customer.write(
            {"billing_payment_preference": "direct_debit", "invoice_sending_method": "manual"}
        )
        self.make_mandate(signed_date=self.company._billing_today())
        card_payer = self.make_payer("Card Ltd", invoice_sending_method="manual")
        self.make_card(card_payer)
        product = self.make_product("Untaxed", taxes=self.env["account.tax"])
        scheme = self.make_scheme()
        for partner, price in ((self.customer, 10.0), (card_payer, 20.0)):
            tariff = self.make_tariff(scheme, price, product_id=product.id)
            self.make_service(partner, tariff)
        self.subject = self.make_run(self.make_cycle(scheme))
        self.subject._execute()
        read = self.registry["billing.run"].get_next_steps

        def get_next_steps(run):
            self.tasks(self.env(cr=run.env.cr))
            run.env.invalidate_all()
            return read(run)

        get_next_steps._readonly = False
        self.patch(self.registry["billing.run"], "get_next_steps", get_next_steps)

    def tasks(self, env):
        env["billing.task"]._run_inline(domain=[("type_id.code", "!=", "payment_notices")])

    def tour(self, name):
        url = f"/odoo/action-billing_operations.action_billing_run/{self.subject.id}"
        self.start_tour(url, name, login="payment_user", timeout=180)
        self.tasks(self.env)
        self.env.invalidate_all()

    def run_by(self, method):
        return self.env["billing.payment.run"].search(
            [("billing_run_id", "=", self.subject.id), ("method", "=", method)]
        )

    def test_an_accountant_collects_by_direct_debit_and_by_card_to_run_complete(self):
        with self.card_provider("done"):
            self.tour("billing_collect_direct_debit")
            debits = self.run_by("direct_debit")
            self.assertEqual((debits.state, debits.create_uid), ("submitted", self.user))
            self.assertEqual(debits.line_ids.move_id.payment_state, "paid")
            self.assertTrue(debits.file_ids)
            self.assertGreater(debits.collection_date, date.today())
            self.tour("billing_collect_card")
            cards = self.run_by("card")
            self.assertEqual(cards.line_ids.move_id.commercial_partner_id.name, "Card Ltd")
            self.confirm_the_rest()
            self.tour("billing_collect_complete")

    def confirm_the_rest(self):
        """Confirm what stands beside the collection."""
        run = self.subject.with_user(self.user)
        for code in run._get_steps():
            self.env.invalidate_all()
            step = next((s for s in run._next_steps()["steps"] if s["code"] == code), {})
            if step.get("confirmable") and step["state"] != "done":
                run.action_confirm_step(code)
        self.env.invalidate_all()
        left = {s["code"]: s["state"] for s in run._next_steps()["steps"] if s["state"] != "done"}
        self.assertFalse(left)
