"""The pre-billing report equals what is produced, to the cent."""

import random
import statistics
from datetime import date, timedelta

from odoo.fields import Command
from odoo.tests import tagged

from .report_common import ReportCase

PARTS = ("new", "lost", "price", "quantity", "usage", "credits", "one_off")


@tagged("post_install", "-at_install")
class TestReportEqualsProduction(ReportCase):
    """300 customers with random portfolios, always the same ones."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.random = random.Random(20260101)
        cls.euro = cls.env.ref("base.EUR")
        cls.euro.active = True
        cls.env["res.currency.rate"].create(
            {
                "currency_id": cls.euro.id,
                "company_id": cls.company.id,
                "name": date(2025, 1, 1),
                "rate": 0.87,
            }
        )
        included = cls.make_tax("7% incl.", 7, price_include_override="tax_included")
        fixed = cls.make_tax("19.6%", 19.6)
        cls.products = [
            cls.product,
            cls.make_product("Included", included),
            cls.make_product("Odd", fixed),
            cls.make_product("Two taxes", cls.tax + fixed),
            cls.make_product("Untaxed", cls.env["account.tax"]),
        ]
        cls.tariffs = [
            cls.make_tariff(
                cls.scheme,
                cls.random.randint(100, 9999) / 100,
                name=f"Tariff {index}",
                product_id=cls.products[index % 5].id,
                setup_price=cls.random.choice((0.0, 25.0)),
                currency_id=cls.euro.id if index % 4 == 3 else cls.company.currency_id.id,
                addon_ids=[
                    Command.create({"product_id": cls.products[(index + 1) % 5].id, "price": 3.33})
                ],
            )
            for index in range(12)
        ]
        cls.archived = cls.make_product("Retired")
        cls.retired = cls.make_tariff(cls.scheme, 9.0, product_id=cls.archived.id)
        cls.make_portfolios()
        cls.archived.active = False

    @classmethod
    def make_portfolios(cls):
        draw = cls.random
        rules = (
            {},
            {},
            {},
            {"billing_low_invoice_rule": "skip", "billing_low_invoice_minimum": 30.0},
            {"billing_low_invoice_rule": "pad", "billing_low_invoice_minimum": 60.0},
            {
                "billing_low_invoice_rule": "fee",
                "billing_low_invoice_minimum": 40.0,
                "billing_low_invoice_fee": 4.5,
            },
        )
        cls.customers = cls.env["res.partner"].create(
            [
                {
                    "name": f"Customer {index}",
                    "billing_hold": draw.random() < 0.04,
                    **draw.choice(rules),
                }
                for index in range(300)
            ]
        )
        cls.make_abroad(cls.products[1])
        cls.company.billing_minimum_product_id = cls.products[1]
        starts = {}
        values = []
        for customer in cls.customers:
            for _index in range(draw.choice((0, 1, 1, 1, 2, 3))):
                tariff = cls.retired if draw.random() < 0.02 else draw.choice(cls.tariffs)
                vals = {
                    "name": tariff.name,
                    "partner_id": customer.id,
                    "tariff_id": tariff.id,
                    "company_id": cls.company.id,
                    "quantity": draw.choice((1, 1, 2, 7)),
                    "discount": draw.choice((0, 0, 12.5, 33.33)),
                }
                if tariff.addon_ids and draw.random() < 0.4:
                    vals["addon_line_ids"] = [
                        Command.create(
                            {"addon_id": tariff.addon_ids.id, "quantity": draw.randint(1, 4)}
                        )
                    ]
                values.append(vals)
                start = date(2025, 12, 1) + timedelta(days=draw.randint(0, 40))
                starts.setdefault(start, []).append(len(values) - 1)
        services = cls.env["billing.service"].create(values)
        for start, indexes in starts.items():
            services.browse([services.ids[index] for index in indexes])._activate(start)
        for customer in draw.sample(list(cls.customers), 40):
            amount = draw.choice((-500.0, -12.34, -3.0, 8.05))
            cls.adjust(customer, amount, draw.choice(cls.products))
        jobs = cls.env["billing.job"].create(
            [
                {
                    "partner_id": customer.id,
                    "company_id": cls.company.id,
                    "date": date(2025, 12, 20),
                    "line_ids": [
                        Command.create(
                            {
                                "product_id": draw.choice(cls.products).id,
                                "name": "Work",
                                "quantity": draw.randint(1, 3),
                                "price_unit": 41.17,
                            }
                        )
                    ],
                }
                for customer in draw.sample(list(cls.customers), 25)
            ]
        )
        jobs.action_done()

    @classmethod
    def make_abroad(cls, product):
        """Give some customers a fiscal position, and others an address below a department."""
        inside = {"price_include_override": "tax_included"}
        taxes = {
            "Nothing": cls.env["account.tax"],
            "Export": cls.make_tax("Export", 0),
            "Abroad": cls.make_tax("17% abroad", 17, **inside),
        }
        for name, tax in taxes.items():
            tax.original_tax_ids = product.taxes_id
            position = cls.env["account.fiscal.position"].create(
                {"name": name, "company_id": cls.company.id, "tax_ids": [Command.set(tax.ids)]}
            )
            for customer in cls.random.sample(list(cls.customers), 30):
                customer.property_account_position_id = position
        for customer in cls.random.sample(list(cls.customers), 20):
            customer.is_company = True
            department = cls.make_customer("Dept", parent_id=customer.id, type="other")
            cls.make_customer("Accounts", parent_id=department.id, type="invoice")

    def _check(self, run):
        report = run._make_report("pre")
        self.assertEqual((report.state, report.message), ("done", False))
        preview, reasons = self.reported(report), self.reasons(report)
        run._execute("posting")
        produced = self.invoiced(run)
        self.assertEqual(preview, produced)
        self.assertGreater(len(produced), 200)
        self.assertEqual(reasons, self.unbilled(run))
        self.assertFalse(run._tie_out_differences())
        self._check_documents(run)
        return report, produced

    def _check_documents(self, run):
        """All kinds of customers were there, and were billed as they should be."""
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        moves = bills.move_ids
        self.assertTrue(moves.filtered(lambda move: move.partner_id.name == "Accounts"))
        self.assertGreater(len(moves.fiscal_position_id), 2)
        self.assertTrue(bills.charge_ids.filtered("document_amount"))
        for bill in bills.filtered("move_ids"):
            partner = bill.partner_id
            rule = partner.billing_low_invoice_rule
            total = bill.move_ids.amount_untaxed_in_currency_signed
            if rule == "pad" and total > 0 and bill.currency_id == self.company.currency_id:
                self.assertGreaterEqual(round(total, 2), partner.billing_low_invoice_minimum)

    def test_the_preview_equals_the_posted_invoices_to_the_cent(self):
        run = self.make_run(self.cycle)
        before = self.checksum()
        report = run._make_report("pre")
        self.env.invalidate_all()
        self.assertEqual(self.checksum(), before)
        self.assertFalse(self.env["billing.bill"].search_count([("run_id", "=", run.id)]))
        _report, produced = self._check(run)
        kinds = {reason for reason, _text in self.reasons(run._report("pre")).values()}
        self.assertLessEqual({"on_hold", "below_minimum", "product_archived"}, kinds)
        post = run._report("post")
        self.assertFalse(report.exists())
        self.assertEqual(self.reported(post), produced)
        self.assertEqual(self.reasons(post), self.unbilled(run))
        self._check_comparison(run)

    def _check_comparison(self, first):
        """Two more months: comparison and bridge against an independent calculation."""
        draw = self.random
        services = self.env["billing.service"].search([("company_id", "=", self.company.id)])
        for service in draw.sample(list(services.filtered(lambda s: s.product_id.active)), 12):
            service._terminate(date(2026, 1, 10))
        for index in range(5):
            new = self.make_customer(f"New {index}")
            self.make_service(new, self.tariffs[0], date(2026, 2, 1))
        second = self.make_run(self.cycle, date(2026, 2, 1))
        second._execute("posting")
        totals = self.invoiced(second)
        third = self.make_run(self.cycle, date(2026, 3, 1))
        report = third._make_report("pre")
        self.assertEqual(report.previous_run_id, second)
        past = self._past(report, [second, first])
        anomalies = 0
        for row in report.customer_ids:
            key = (row.partner_id, row.currency_id)
            known = past.get(key, [])
            previous = totals.get(key, 0.0)
            rounded = row.currency_id.round
            self.assertEqual(row.previous, rounded(previous))
            self.assertEqual(row.difference, rounded(row.amount - previous))
            parts = sum(row[f"bridge_{part}"] for part in PARTS)
            self.assertEqual(rounded(parts), row.difference)
            mean = statistics.fmean(known) if known else 0.0
            self.assertAlmostEqual(row.mean, mean, delta=0.0051)
            deviation = statistics.pstdev(known) if known else 0.0
            self.assertAlmostEqual(row.deviation, deviation, delta=0.0051)
            self.assertEqual(row.history_count, len(known))
            minimum = 100.0 * (0.87 if row.currency_id == self.euro else 1.0)
            unusual = bool(known) and all(
                (
                    abs(row.amount - mean) > deviation + 1e-6,
                    abs(row.amount - mean) >= minimum,
                    abs(row.amount - mean) >= 0.15 * abs(mean),
                )
            )
            self.assertEqual(row.is_anomaly, unusual, row.partner_id.name)
            anomalies += unusual
            billed, had = key in self.reported(report), bool(known)
            self.assertEqual((row.is_new, row.is_lost), (billed and not had, had and not billed))
        self.assertTrue(anomalies)
        third._execute("posting")
        self.assertEqual(self.reported(report), self.invoiced(third))

    def _past(self, report, runs):
        """{(customer, currency): [amounts]} of monthly services, newest run first: those billed
        now or by the newest run, each with its mean where a run did not bill it, and the rest."""
        line = self.env["billing.run.report.line"]
        now = {
            (line.partner_id, line.currency_id, line.service_id)
            for line in line.search([("report_id", "=", report.id)])
        }
        customers_now = {key[:2] for key in now}
        billed, bills = {}, {}
        for run in runs:
            charges = self.env["billing.charge"].search(
                [("bill_id.run_id", "=", run.id), ("state", "=", "invoiced")]
            )
            for charge in charges:
                customer = (charge.partner_id, charge.currency_id)
                bills.setdefault(customer, {}).setdefault(run, 0.0)
                amount = -charge.move_line_id.amount_currency
                if charge.service_id:
                    key = (*customer, charge.service_id)
                    by_run = billed.setdefault(key, {})
                    by_run[run] = by_run.get(run, 0.0) + amount
                else:
                    bills[customer][run] += amount
        compared = {}
        for key, by_run in billed.items():
            if key in now or runs[0] in by_run:
                compared.setdefault(key[:2], []).append(list(by_run.values()))
        for customer, by_run in bills.items():
            if customer in compared or customer in customers_now:
                compared.setdefault(customer, []).append(list(by_run.values()))
        return {
            customer: [
                sum(
                    amounts[place] if place < len(amounts) else statistics.fmean(amounts)
                    for amounts in series
                )
                for place in range(max(map(len, series)))
            ]
            for customer, series in compared.items()
        }
