"""Paying bills in the portal: one, or all that is open, and nothing twice."""

from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .portal_bills_common import PortalCase

DECEMBER, JANUARY, FEBRUARY = date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)


@tagged("post_install", "-at_install")
class TestPaying(PortalCase, HttpCase):
    """Paying by Odoo's form."""

    def setUp(self):
        super().setUp()
        self.portal_user("bill_payer", self.customer)
        self.first, self.second = self.bill_on(DECEMBER), self.bill_on(JANUARY)
        self.authenticate("bill_payer", "bill_payer")

    def path(self, scope, bill=None):
        return f"/my/bills/{(bill or self.second).id}/pay/{scope}"

    def refused(self, path, amount, text="has changed", **values):
        count = self.env["payment.transaction"].search_count([])
        with mute_logger("odoo.http"):
            said = self.refusal(f"{path}/transaction", self.payment(amount=amount, **values))
        self.assertIn(text, said)
        self.assertEqual(self.env["payment.transaction"].search_count([]), count)

    def test_one_bill_is_paid(self):
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("/pay/bill", page)
        page = self.get(self.path("bill")).text
        self.assertIn(self.path("bill") + "/transaction", page)
        self.assertIn('data-amount="100.0"', page)
        transaction = self.request_payment(self.path("bill"), 100)
        self.assertEqual(transaction.invoice_ids, self.second.move_ids)
        self.assertEqual(transaction.landing_route, f"/my/bills/{self.second.id}")
        self.assertEqual(transaction.partner_id, self.customer)
        self.finish(transaction)
        self.assertEqual(self.second.move_ids.payment_state, "paid")
        self.assertEqual(self.first.move_ids.payment_state, "not_paid")
        self.assertIn("There is nothing to pay", self.get(self.path("bill")).text)

    def test_all_that_is_open_is_paid_together_less_credits(self):
        other = self.make_invoice(amount=50)
        refund = self.make_invoice(amount=20, move_type="out_refund")
        self.pay(self.first.move_ids, 30)
        page = self.get(self.path("all")).text
        for name in (self.first.move_ids, self.second.move_ids, other, refund):
            self.assertIn(name.name, page)
        self.assertIn('data-amount="200.0"', page)
        transaction = self.request_payment(self.path("all"), 200)
        self.assertEqual(
            transaction.invoice_ids, self.first.move_ids | self.second.move_ids | other
        )
        self.finish(transaction)
        for move in transaction.invoice_ids | refund:
            self.assertEqual(move.payment_state, "paid", move.name)
        self.assertEqual(transaction.payment_id.amount, 200)
        self.assertTrue(transaction.payment_id.is_reconciled)

    def test_a_payment_without_invoice_is_taken_off(self):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": 25,
                "journal_id": self.journal.id,
            }
        )
        payment.action_post()
        self.assertEqual(self.first._to_pay("all").amount, 175)
        self.finish(self.request_payment(self.path("all"), 175))
        self.assertTrue(payment.is_reconciled)
        self.assertFalse(self.first._to_pay("all").invoices)

    def test_a_credit_that_covers_all_leaves_nothing_to_pay(self):
        self.make_invoice(amount=500, move_type="out_refund")
        self.assertEqual(self.first._to_pay("all").amount, 0)
        self.assertIn("There is nothing to pay", self.get(self.path("all")).text)
        self.refused(self.path("all"), 0)

    def test_who_saw_another_amount_has_to_look_again(self):
        self.refused(self.path("bill"), 90)
        self.refused(self.path("bill"), None)
        self.refused(self.path("bill"), "nan")
        self.pay(self.second.move_ids)
        self.refused(self.path("bill"), 100)

    def test_what_is_being_paid_is_not_paid_again(self):
        transaction = self.request_payment(self.path("bill"), 100)
        transaction._set_done()
        self.refused(self.path("bill"), 100)
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("Your payment is being processed", page)
        self.assertNotIn("/pay/bill", page)
        self.assertEqual(self.first._to_pay("all").amount, 100)

    def test_a_provider_of_another_company_takes_nothing(self):
        abroad = self.make_company("Abroad", "EUR")
        journal = self.env["account.journal"].search(
            [("company_id", "=", abroad.id), ("type", "=", "bank")], limit=1
        )
        other = self.make_card_provider(abroad, journal)
        self.refused(self.path("bill"), 100, "cannot be paid here", provider_id=other.id)
        card = self.make_card(digits="7777", provider=other)
        self.refused(self.path("bill"), 100, "cannot be paid here", flow="token", token_id=card.id)

    def test_a_saved_card_pays_at_once(self):
        card = self.make_card(self.customer, "4242")
        with self.card_provider("done") as charged:
            transaction = self.request_payment(
                self.path("bill"), 100, flow="token", token_id=card.id, payment_method_id=None
            )
        self.assertEqual(charged, [transaction.reference])
        self.assertEqual(transaction.state, "done")
        stranger = self.make_card(self.make_customer("Stranger"), "6666")
        self.refused(
            self.path("bill", self.first), 100, "access", flow="token", token_id=stranger.id
        )

    def test_where_odoo_takes_no_payments_the_page_says_how_to_pay(self):
        self.env["ir.config_parameter"].set_param("account_payment.enable_portal_payment", "False")
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("Please pay as the invoice says", page)
        self.assertFalse(self.get(self.path("bill")).url.endswith("/pay/bill"))
        self.refused(self.path("bill"), 100, "cannot be paid here")
        self.env["ir.config_parameter"].set_param("account_payment.enable_portal_payment", "True")
        self.assertTrue(self.second._is_paid_online())
        self.provider.is_published = False
        self.assertFalse(self.second._is_paid_online())
        self.assertNotIn("o_billing_pay_all", self.get("/my/bills").text)

    def test_instalments_are_paid_on_odoos_own_page(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two halves",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days})
                    for days in (30, 60)
                ],
            }
        )
        self.scheme.payment_term_id = term
        bill = self.bill_on(FEBRUARY)
        self.assertEqual(len(bill.move_ids.line_ids.filtered("date_maturity")), 2)
        answer = self.get(self.path("bill", bill))
        self.assertIn(f"/my/invoices/{bill.move_ids.id}", answer.url)

    # === COLLECTED === #

    def collected(self):
        self.customer.billing_payment_preference = "direct_debit"
        self.make_mandate(signed_date=self.company._billing_today())
        run = self.make_payment_run(method="direct_debit")
        run.action_confirm()
        return run.sudo()

    def test_what_is_collected_is_left_out_and_paid_on_purpose_alone(self):
        run = self.collected()
        self.assertEqual(run.line_ids.move_id, self.first.move_ids | self.second.move_ids)
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("by SEPA direct debit", page)
        self.assertIn("You need not pay it yourself", page)
        self.assertNotIn("/pay/bill", page)
        self.assertIn("/pay/anyway", page)
        self.refused(self.path("bill"), 100)
        self.refused(self.path("all"), 200)
        ask = self.get(self.path("anyway")).text
        self.assertIn("If you pay it here, we leave it out then", ask)
        self.finish(self.request_payment(self.path("anyway"), 100))
        self.assertEqual(self.second.move_ids.payment_state, "paid")
        self.submit_now(run)
        self.assertEqual(
            {line.move_id: line.error_code or line.state for line in run.line_ids},
            {self.first.move_ids: "submitted", self.second.move_ids: "paid"},
        )

    def test_what_is_paid_at_the_very_moment_is_not_collected(self):
        run = self.collected()
        transaction = self.request_payment(self.path("anyway"), 100)
        transaction._set_done()
        self.submit_now(run)
        codes = {line.move_id: line.error_code or line.state for line in run.line_ids}
        self.assertEqual(codes[self.second.move_ids], "paid")
        self.finish(transaction)
        self.assertEqual(self.second.move_ids.payment_state, "paid")

    def test_a_card_is_not_charged_while_its_invoice_is_paid_online(self):
        self.customer.billing_payment_preference = "card"
        self.make_card(self.customer, "4242")
        day = self.company._billing_today() + timedelta(days=3)
        run = self.make_payment_run(wanted_date=day)
        run.action_confirm()
        self.submit_now(run)
        lines = {line.move_id: line for line in run.sudo().line_ids}
        line = lines[self.second.move_ids]
        self.assertEqual(line.charge_ids.state, "waiting")
        # Not sent yet: the customer may still pay otherwise, on purpose.
        transaction = self.request_payment(self.path("anyway"), 100)
        transaction._set_done()
        later = datetime.now() + timedelta(days=5)
        with freeze_time(later), self.card_provider("done") as charged:
            self.tick()
        self.assertEqual(charged, [lines[self.first.move_ids].charge_ids.reference])
        self.assertEqual(line.charge_ids.state, "waiting")
        self.assertIn("just paying it online", line.message)
        self.finish(transaction)
        with freeze_time(later + timedelta(days=1)), self.card_provider("done") as charged:
            self.tick()
        self.assertEqual((charged, line.error_code), ([], "paid"))

    def test_money_that_may_have_been_asked_for_is_not_paid_at_all(self):
        run = self.collected()
        run.line_ids._set_state("submitted")
        run.line_ids._set_state("unknown")
        page = self.get(f"/my/bills/{self.second.id}").text
        self.assertIn("We are finding out", page)
        self.assertNotIn("/pay/", page)
        self.refused(self.path("anyway"), 100)
        self.assertIn("It is left out here", self.get(self.path("anyway")).text)

    def test_odoos_own_pages_pay_nothing_that_is_collected(self):
        move = self.second.move_ids
        overdue = self.get("/my/invoices/overdue").text
        self.assertIn("200.00", overdue)
        url = move.get_portal_url()
        self.assertIn("Pay Now", self.get(url).text)
        self.collected()
        page = self.get(url).text
        self.assertNotIn("Pay Now", page)
        self.assertIn("by SEPA direct debit", page)
        self.assertIn("/my/invoices", self.get("/my/invoices/overdue").url)
        self.assertNotIn("data-amount", self.get("/my/invoices/overdue").text)
        path = f"/invoice/transaction/{move.id}"
        for token, text in ((move._portal_ensure_token(), "SEPA direct debit"), ("x", "invalid")):
            if text == "invalid":
                self.authenticate(None, None)
            with mute_logger("odoo.http"):
                said = self.refusal(path, self.payment(amount=100, access_token=token))
            self.assertIn(text, said)
