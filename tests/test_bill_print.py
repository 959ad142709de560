"""Printing an invoice in the web client, on a server with neither wkhtmltopdf nor Chromium."""

import json
from contextlib import contextmanager
from unittest.mock import patch

from odoo import http
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models import ir_actions_report as base_file

from ..billing_runs.layouts import ir_actions_report as reports_file
from ..billing_runs.layouts import printers
from .printers import pages
from .test_bill_layout import LayoutCase


@tagged("post_install", "-at_install")
class TestBillPrint(LayoutCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        nothing = base_file._wkhtml()._replace(state="install")
        for file in (base_file, reports_file):
            cls.enterClassContext(patch.object(file, "_wkhtml", lambda: nothing))
        cls.enterClassContext(patch.object(printers, "find", lambda: None))
        cls.clerk = cls.make_user("print_clerk", "account.group_account_invoice")
        cls.move = cls.make_move(cls)
        cls.reports = cls.env["ir.actions.report"]

    def prints(self, moves, report="account.report_invoice_with_payments"):
        return self.reports.with_user(self.clerk).prints_by_bill_layout(report, moves.ids)

    def test_the_server_prints_what_the_billing_layout_lays_out(self):
        self.assertEqual(self.reports.get_wkhtmltopdf_state(), "install")
        other = self.make_move()
        self.assertTrue(self.prints(self.move | other))
        self.assertTrue(self.prints(self.move, "account.report_invoice"))

    def test_the_server_leaves_all_else_to_odoo(self):
        vendor = self.make_move(move_type="in_invoice", post=False)
        self.assertFalse(self.prints(vendor))
        self.assertFalse(self.prints(self.move | vendor))
        self.assertFalse(self.prints(self.move.browse()))
        self.assertFalse(self.prints(self.company, "web.preview_externalreport"))
        self.company.billing_bill_layout = "odoo"
        self.assertFalse(self.prints(self.move))

    def test_who_may_not_read_an_invoice_is_told_nothing_of_it(self):
        stranger = self.make_user("print_stranger", None)
        with self.assertRaises(AccessError):
            self.reports.with_user(stranger).prints_by_bill_layout(
                "account.report_invoice", self.move.ids
            )

    def test_what_is_downloaded_is_the_bill(self):
        self.authenticate("print_clerk", "print_clerk")
        address = f"/report/pdf/account.report_invoice_with_payments/{self.move.id}"
        answer = self.url_open(
            "/report/download",
            data={
                "data": json.dumps([address, "qweb-pdf"]),
                "context": "{}",
                "csrf_token": http.Request.csrf_token(self),
            },
        )
        self.assertEqual(answer.headers["Content-Type"], "application/pdf")
        self.assertIn("attachment", answer.headers["Content-Disposition"])
        self.assertTrue(answer.content.startswith(b"%PDF"))

    @contextmanager
    def counted(self):
        """The PDFs that are made meanwhile."""
        made = []
        rendered = type(self.reports)._render_qweb_pdf

        def render(reports, *args, **values):
            content, kind = rendered(reports, *args, **values)
            made.append(content)
            return content, kind

        with patch.object(type(self.reports), "_render_qweb_pdf", render):
            yield made

    def test_without_payments_a_bill_that_was_sent_is_printed_anew(self):
        move = self.make_move()
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        wizard.create({"amount": 3.5, "payment_date": move.invoice_date}).action_create_payments()
        self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=[])
        for xml_id, says, is_sent in (
            ("account.account_invoices", True, True),
            ("account.account_invoices_without_payment", False, False),
        ):
            content = self.reports._render_qweb_pdf(self.env.ref(xml_id), move.ids)[0]
            self.assertEqual("Paidon" in pages(content)[0], says)
            self.assertEqual(content == move.invoice_pdf_report_id.raw, is_sent)

    def test_the_button_downloads_the_bill(self):
        url = f"/odoo/action-account.action_move_out_invoice_type/{self.move.id}"
        with self.counted() as made:
            self.start_tour(url, "billing_print_bill", login="print_clerk", timeout=180)
        self.assertEqual(len(made), 1)
        self.assertTrue(made[0].startswith(b"%PDF"))

    # Odoo's own report writes while it is shown: Odoo repeats the request where it may.
    @mute_logger("odoo.sql_db")
    def test_other_documents_are_shown_by_odoo_as_before(self):
        self.company.billing_bill_layout = "odoo"
        url = f"/odoo/action-account.action_move_out_invoice_type/{self.move.id}"
        with self.counted() as made:
            self.start_tour(url, "billing_print_other", login="print_clerk", timeout=180)
        self.assertFalse(made)
