"""A customer in the portal, in a real browser: bills, calls, paying, and a mandate."""

from datetime import datetime

from odoo.tests import HttpCase, tagged

from .portal_bills_common import PortalCase
from .test_portal_routes import PortalRoutesCase
from .usage_common import UsageCase


@tagged("post_install", "-at_install")
class TestPortalTours(UsageCase, PortalCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.portal_user("portal_tour", self.customer)
        self.load(
            self.january(2, caller="+442079460000", callee="+442079461111"),
            self.january(9, "447700900123", caller="+442079460000", callee="+447700900123"),
        )

    def test_a_customer_reads_bills_and_calls_and_pays_all_with_the_saved_card(self):
        self.make_invoice(amount=50)
        bill = self.bill_on(datetime(2026, 1, 28).date())
        self.make_card(self.customer, "4242")
        with self.card_provider("done") as charged:
            self.start_tour("/my/home", "billing_portal_bills", login="portal_tour", timeout=180)
        [reference] = charged
        transaction = self.env["payment.transaction"].search([("reference", "=", reference)])
        self.assertEqual(transaction.state, "done")
        self.assertIn(bill.move_ids, transaction.invoice_ids)
        self.assertEqual(len(transaction.invoice_ids), 2)
        transaction._post_process()
        self.assertEqual(set(transaction.invoice_ids.mapped("payment_state")), {"paid"})

    def test_a_customer_revokes_a_mandate(self):
        self.customer.billing_payment_preference = "direct_debit"
        mandate = self.make_mandate(signed_date=self.company._billing_today())
        self.start_tour("/my/home", "billing_portal_mandate", login="portal_tour", timeout=180)
        mandate.invalidate_recordset()
        self.assertEqual(mandate.state, "revoked")


@tagged("post_install", "-at_install")
class TestPortalToursOnAPhone(TestPortalTours):
    browser_size = "390x844"
    touch_enabled = True


@tagged("post_install", "-at_install")
class TestPortalWalk(PortalRoutesCase, HttpCase):
    def test_a_customer_walks_through_services_wallet_mandates_and_cards(self):
        for self.browser_size in ("1366x768", "390x844"):
            with self.subTest(size=self.browser_size):
                self.start_tour("/my/home", "billing_portal_walk", login="own", timeout=180)
