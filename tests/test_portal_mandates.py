"""The customer's mandates and cards in the portal, and how a mandate is revoked there."""

from odoo import http
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .payment_common import IBANS
from .portal_bills_common import PortalCase


@tagged("post_install", "-at_install")
class TestPortalMandates(PortalCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.person = self.make_customer("Ann Alder", parent_id=self.customer.id, email=False)
        self.portal_user("mandate_owner", self.person)
        self.customer.billing_payment_preference = "direct_debit"
        today = self.company._billing_today()
        self.mandate = self.make_mandate(signed_date=today)
        self.path = f"/my/mandates/{self.mandate.id}"
        self.authenticate("mandate_owner", "mandate_owner")

    def post(self, **form):
        self.env.flush_all()
        form["csrf_token"] = http.Request.csrf_token(self)
        answer = self.url_open(f"{self.path}/revoke", data=form)
        self.env.invalidate_all()
        return answer.text

    def collected(self):
        self.bill_on(self.start)
        run = self.make_payment_run(method="direct_debit")
        run.action_confirm()
        return run.sudo().line_ids

    def test_mandates_say_what_they_are_used_for_and_when(self):
        line = self.collected()
        self.mandate._own().last_collection_date = "2026-01-15"
        self.make_mandate(iban=IBANS[1], signed_date=self.mandate.signed_date, sequence=20)
        draft = self.env["billing.mandate"].create(
            {"partner_id": self.customer.id, "company_id": self.company.id}
        )
        cancelled = draft.copy()
        cancelled.action_cancel()
        page = self.get("/my/mandates").text
        self.assertIn(f"All your bills from {self.company.name} are debited with it", page)
        self.assertIn("In reserve", page)
        self.assertIn("Debited last on <span>01/15/2026", page.replace("\n", ""))
        self.assertIn("Debited next", page)
        self.assertIn(f"on {line.collection_date:%m/%d/%Y}", page)
        self.assertIn("Read and sign", page)
        self.assertNotIn(cancelled.reference, page)
        # Accounts are shown as far as their owner recognises them.
        self.assertNotIn(self.mandate.iban, page)
        self.assertIn("DE02 … 2051", page)
        self.assertNotIn(self.mandate.iban, self.get(self.path).text)

    def test_who_pays_otherwise_reads_that_the_mandate_is_not_used(self):
        self.customer.billing_payment_preference = "transfer"
        self.assertIn("Not used at present", self.get("/my/mandates").text)

    def test_an_empty_page_says_what_could_be_there(self):
        stranger = self.make_customer("Stranger")
        self.portal_user("mandate_stranger", stranger)
        self.authenticate("mandate_stranger", "mandate_stranger")
        page = self.get("/my/mandates").text
        self.assertIn("You have given us no mandate", page)
        self.assertIn("You have saved no card", page)
        self.assertNotIn(self.mandate.reference, page)

    def test_cards_say_whether_they_are_charged_and_until_when(self):
        card = self.make_card(self.customer, "4242")
        page = self.get("/my/mandates").text
        self.assertIn("Charged only where you choose it", page)
        card.billing_expiry = "01/2020"
        self.customer.billing_payment_preference = "card"
        page = self.get("/my/mandates").text
        self.assertIn("All your bills from", page)
        self.assertIn("01/2020", page)
        self.assertIn("Expired", page)
        self.assertIn("/my/payment_method", page)
        colleague = self.make_customer("Colleague", parent_id=self.customer.id)
        self.make_card(colleague, "9876")
        self.assertNotIn("9876", self.get("/my/mandates").text)

    def test_revoking_asks_first_with_what_becomes_of_pending_collections(self):
        line = self.collected()
        self.assertIn("Revoke the mandate", self.get(self.path).text)
        ask = self.post()
        self.assertEqual(self.mandate.state, "active")
        self.assertIn("please pay it otherwise", ask)
        self.assertIn(line.move_id.name, ask)
        done = self.post(confirm="revoke")
        self.assertEqual(self.mandate.state, "revoked")
        self.assertEqual(self.mandate.ended_date, self.company._billing_today())
        self.assertIn("You have revoked this mandate", done)
        said = self.mandate.message_ids.filtered(lambda m: "revoked the mandate" in m.body)
        self.assertEqual(said.author_id, self.person)
        self.assertIn(self.person.name, said.body)
        # Again is no-op.
        self.post(confirm="revoke")
        self.mandate._revoke_by(self.person)
        self.assertEqual(
            len(self.mandate.message_ids.filtered(lambda m: "revoked the mandate" in m.body)), 1
        )
        with mute_logger(
            "odoo.addons.billing_operations.billing_tasks.models.billing_task_attempt"
        ):
            self.submit_now(line.run_id)
        self.assertIn("Nothing is left to collect", line.run_id.problem)

    def test_what_the_bank_was_told_of_is_collected_all_the_same(self):
        line = self.collected()
        line._set_state("submitted")
        self.assertIn("your bank has been told already", self.post())
        self.post(confirm="revoke")
        self.assertEqual((self.mandate.state, line.state), ("revoked", "submitted"))

    def test_a_mandate_that_is_not_in_use_cannot_be_revoked(self):
        draft = self.env["billing.mandate"].create(
            {"partner_id": self.customer.id, "company_id": self.company.id}
        )
        self.path = f"/my/mandates/{draft.id}"
        self.assertNotIn("o_billing_revoke", self.get(self.path).text)
        self.post(confirm="revoke")
        self.assertEqual(draft.state, "draft")
        with self.assertRaisesRegex(UserError, "not in use"):
            draft._revoke_by(self.person)

    def test_a_link_from_an_e_mail_revokes_nothing(self):
        token = "t" * 43
        self.mandate.sudo().write({"sign_token": token, "sign_until": "2099-01-01"})
        self.authenticate(None, None)
        page = self.get(f"{self.path}?token={token}").text
        self.assertIn(self.mandate.reference, page)
        self.assertNotIn("o_billing_revoke", page)
        self.post(confirm="revoke", token=token)
        self.assertEqual(self.mandate.state, "active")
