"""The accounting export in a real browser: files, what is to send, duplicates, differences."""

from odoo.tests import HttpCase, tagged

from .accounting_common import AccountingCase, XeroCase


class AccountingTourCase(HttpCase):
    """The screens of a connection, between which a worker does what the queue holds."""

    def tour(self, name, connection=None, login="export_user"):
        action = "/odoo/action-billing_operations.accounting_export_connection_action"
        path = f"{action}/{connection.id}" if connection else action
        self.start_tour(path, f"billing_accounting_{name}", login=login, timeout=120)
        self.env.invalidate_all()
        self.work()


@tagged("post_install", "-at_install")
class TestFileTours(AccountingTourCase, AccountingCase):
    def test_an_administrator_sets_up_files_and_an_accountant_sends(self):
        self.tour("connect", login="export_admin")
        connection = self.env["accounting.export.connection"].search([("name", "=", "Tour files")])
        self.assertEqual((connection.kind, connection.state), ("csv", "active"))
        connection.date_from = "2026-01-01"
        self.map(connection, "account", account_id=self.income.id, code="200")
        self.map(connection, "tax", tax_id=self.tax.id, code="OUTPUT2")
        self.make_invoice()
        self.make_invoice(50.0)
        for name in ("send_customers", "send_invoices", "files"):
            self.tour(name, connection)
        self.assertEqual(self.states(), ["sent"] * 3)
        files = self.env["accounting.export.file"].search([("connection_id", "=", connection.id)])
        self.assertEqual(sorted(files.mapped("kind")), ["customers", "documents"])


@tagged("post_install", "-at_install")
class TestXeroTours(AccountingTourCase, XeroCase):
    def test_an_accountant_answers_the_question_about_a_duplicate(self):
        there = self.xero.add_contact(name="Alder of Xero", email_address="info@alder.example")
        self.make_invoice()
        self.tour("duplicates", self.connection)
        self.assertEqual(self.states("customer"), ["duplicate"])
        self.tour("link", self.connection)
        item = self.items("customer")
        self.assertEqual((item.state, item.other_id), ("sent", there.contact_id))
        self.assertEqual(len(self.xero.contacts), 1)

    def test_an_accountant_is_led_to_what_differs(self):
        move = self.make_invoice()
        self.send_all()
        self.xero.void(move.name)
        self.fetch()
        self.tour("differences", self.connection)
        self.assertEqual(move.accounting_item_ids.difference, "voided")
