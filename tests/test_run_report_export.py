"""The reports as spreadsheets, through the web client's own export."""

import io
import json
from datetime import date

from openpyxl import load_workbook

from odoo.http import Request
from odoo.tests import HttpCase, tagged

from .report_common import ReportCase


@tagged("post_install", "-at_install")
class TestReportExport(ReportCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = cls.env["res.partner"]
        for name in ("Alder", "Birch", "Cedar"):
            customer = cls.make_customer(name)
            cls.make_service(customer, cls.tariff)
            cls.customers |= customer
        cls.customers[2].billing_hold = True
        cls.accountant = cls.make_user(
            "export_accountant",
            "billing_operations.group_billing_user,base.group_allow_export",
        )

    def _export(self, records, names, **options):
        """The cells of an exported list, as the web client asks for it."""
        fields = self.env[records._name].fields_get(names)
        data = {
            "model": records._name,
            "fields": [
                {"name": name, "label": fields[name]["string"], "type": fields[name]["type"]}
                for name in names
            ],
            "ids": records.ids,
            "domain": [],
            "groupby": [],
            "import_compat": False,
            "context": {"lang": "en_US", "allowed_company_ids": self.company.ids},
            **options,
        }
        response = self.url_open(
            "/web/export/xlsx",
            data={"data": json.dumps(data), "csrf_token": Request.csrf_token(self)},
        )
        self.assertEqual(response.status_code, 200, response.text[:500])
        sheet = load_workbook(io.BytesIO(response.content)).active
        return [list(row) for row in sheet.iter_rows(values_only=True)]

    def test_every_list_of_a_run_can_be_taken_to_a_spreadsheet(self):
        self.make_run(self.cycle)._execute("posting")
        run = self.make_run(self.cycle, date(2026, 2, 1))
        report = run._make_report("pre")
        self.authenticate("export_accountant", "export_accountant")

        names = ["partner_id", "currency_id", "amount", "previous", "is_anomaly", "reason_text"]
        header, *rows = self._export(report.customer_ids, names)
        self.assertEqual(header[:4], ["Customer", "Currency", "Before Tax", "Previous Run"])
        amounts = {row[0]: (row[1], row[2], row[3]) for row in rows}
        self.assertEqual(amounts["Alder"], ("USD", 10, 10))
        self.assertEqual(amounts["Cedar"], ("USD", 0, 0))
        [held] = [row[5] for row in rows if row[0] == "Cedar"]
        self.assertEqual(held, "Billing of this customer is on hold.")

        lines = self.env["billing.run.report.line"].search([("report_id", "=", report.id)])
        header, *rows = self._export(lines, ["partner_id", "kind", "quantity", "amount_untaxed"])
        self.assertEqual([row[1:] for row in rows], [["Recurring", 1, 10]] * 2)
        grouped = self._export(
            lines,
            ["kind", "amount_untaxed"],
            ids=False,
            domain=[("report_id", "=", report.id)],
            groupby=["partner_id"],
        )
        self.assertIn(["Alder (1)", 10], [row[:2] for row in grouped])

        run._execute("posting")
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        names = ["partner_id", "state", "opening_balance", "payments", "closing_balance"]
        header, *rows = self._export(bills, names)
        self.assertEqual(header[2:], ["Opening Balance", "Payments", "Closing Balance"])
        self.assertIn(["Alder", "Posted", 11.5, 0, 23], rows)
