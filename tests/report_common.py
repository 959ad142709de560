"""What tests of reports share."""

import hashlib
from datetime import date
from unittest.mock import patch

from .common import BillingCase


class Reported(BillingCase):
    """What reports said and runs made of it."""

    def reported(self, report):
        """{(customer, currency): amount before tax} of a report's lines."""
        return {
            (partner, currency): currency.round(amount)
            for partner, currency, amount in self.env["billing.run.report.line"]._read_group(
                [("report_id", "=", report.id)],
                ["partner_id", "currency_id"],
                ["amount_untaxed:sum"],
            )
        }

    def invoiced(self, run):
        """{(customer, currency): amount before tax} of a run's posted documents."""
        return {
            (bill.partner_id, currency): currency.round(totals)
            for bill, currency, totals in self._by_bill(run)
        }

    def _by_bill(self, run):
        return self.env["account.move"]._read_group(
            [("billing_bill_id.run_id", "=", run.id), ("state", "=", "posted")],
            ["billing_bill_id", "currency_id"],
            ["amount_untaxed_in_currency_signed:sum"],
        )

    def reasons(self, report):
        """{(customer, currency): (reason, text)} of those not billed."""
        rows = report.customer_ids.filtered("reason")
        return {
            (row.partner_id, row.currency_id): (row.reason, row.reason_text)
            for row in rows
            if row.reason != "not_selected"
        }

    def unbilled(self, run):
        """The same of the run's own bills."""
        bills = self.env["billing.bill"].search(
            [("run_id", "=", run.id), ("state", "in", ("skipped", "error"))]
        )
        return {
            (bill.partner_id, bill.currency_id): (
                bill.skip_reason or bill.error_code,
                bill.error_message,
            )
            for bill in bills
        }

    def row_of(self, report, partner):
        return report.customer_ids.filtered(lambda row: row.partner_id == partner)

    @classmethod
    def adjust(cls, partner, amount, product=None):
        product = product or cls.product
        return cls.env["billing.charge"].create(
            {
                "name": "Adjustment",
                "kind": "adjustment",
                "partner_id": partner.id,
                "company_id": cls.company.id,
                "currency_id": cls.company.currency_id.id,
                "product_id": product.id,
                "period_start": date(2026, 1, 1),
                "period_end": date(2026, 1, 2),
                "quantity": 1 if amount > 0 else -1,
                "price_unit": abs(amount),
                "amount": amount,
                "price_includes_tax": product._billing_price_includes_tax(cls.company),
                "source_key": f"test:{partner.id}:{amount}:{product.id}",
            }
        )

    def checksum(self):
        """A digest of every table but the report's and the queue's own, and of the sequences."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT table_name FROM information_schema.tables
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
               AND table_name NOT LIKE 'billing\\_run\\_report%'
               AND table_name NOT LIKE 'billing\\_task%'
             ORDER BY table_name
            """
        )
        digests = {}
        for (table,) in self.env.cr.fetchall():
            self.env.cr.execute(
                f"SELECT md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM \"{table}\" t"
            )
            digests[table] = self.env.cr.fetchone()[0]
        self.env.cr.execute("SELECT id, number_next FROM ir_sequence ORDER BY id")
        digests["numbers"] = hashlib.sha256(str(self.env.cr.fetchall()).encode()).hexdigest()
        sequences = self.env["ir.sequence"].search([("implementation", "=", "standard")])
        digests["next"] = [sequence.number_next_actual for sequence in sequences]
        return digests


class ReportCase(Reported):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)


class ReportedFirst(Reported):
    """Before any run of these tests bills, its pre-billing report says what comes of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        runs = type(cls.env["billing.run"])
        execute = runs._execute

        def report_and_execute(run, target_stage=None):
            report = run._make_report("pre") if run.state == "pending" else None
            result = execute(run, target_stage)
            if report and run.stage == "posting":
                case = cls()  # for its assertions
                case.assertEqual(report.state, "done", report.message)
                case.assertEqual(case.reported(report), case.invoiced(run))
                case.assertEqual(case.reasons(report), case.unbilled(run))
            return result

        cls.startClassPatcher(patch.object(runs, "_execute", report_and_execute))
