"""Two companies with books of their own that bill the same customers at the same time."""

from datetime import date
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestRunCompanies(DeliveryCase):
    """Each company wishes, prices, taxes and delivers differently; nothing crosses over."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.env.ref("base.EUR")
        cls.euro.active = True
        cls.other = cls.make_company("Other Provider", "EUR")
        cls.other.email = "billing@other.example"
        cls.customers = cls.env["res.partner"].create(
            [{"name": f"Customer {n}", "email": f"c{n}@x.example"} for n in range(4)]
        )
        cls.books = {
            cls.company: {"product": cls.product, "scheme": cls.scheme, "cycle": cls.cycle},
            cls.other: cls._other_books(),
        }
        for company, book in cls.books.items():
            env = cls.at(company)
            foreign = cls.euro if company == cls.company else cls.env.ref("base.USD")
            for day, rate in ((date(2025, 12, 1), 0.8), (date(2026, 1, 5), 0.9)):
                env["res.currency.rate"].create(
                    {
                        "currency_id": foreign.id,
                        "company_id": company.id,
                        "name": day,
                        "rate": rate,
                    }
                )
            tariffs = [
                env["billing.tariff"].create(
                    {
                        "name": name,
                        "company_id": company.id,
                        "term_scheme_id": book["scheme"].id,
                        "product_id": book["product"].id,
                        "price": price,
                        "currency_id": currency.id,
                    }
                )
                for name, price, currency in (
                    ("Own", 10.0, company.currency_id),
                    ("Foreign", 5.0, foreign),
                )
            ]
            for customer in cls.customers:
                services = env["billing.service"].create(
                    [
                        {
                            "name": tariff.name,
                            "partner_id": customer.id,
                            "tariff_id": tariff.id,
                            "company_id": company.id,
                        }
                        for tariff in tariffs
                    ]
                )
                services._activate(date(2026, 1, 1))
        # E-mail here, paper there; a message and a hold in one company only.
        elsewhere = cls.customers.with_company(cls.other)
        cls.customers.with_company(cls.company).invoice_sending_method = "email"
        elsewhere.invoice_sending_method = "print"
        elsewhere[0].billing_invoice_message = "From the other one"
        elsewhere[1].billing_hold = True

    @classmethod
    def at(cls, company):
        """The environment of somebody who works for one company."""
        return cls.env(context={**cls.env.context, "allowed_company_ids": company.ids})

    @classmethod
    def _other_books(cls):
        env = cls.at(cls.other)
        tax = env["account.tax"].create(
            {
                "name": "20%",
                "amount": 20,
                "type_tax_use": "sale",
                "company_id": cls.other.id,
                "country_id": cls.other.account_fiscal_country_id.id,
            }
        )
        product = env["product.product"].create(
            {"name": "Line", "type": "service", "taxes_id": [Command.set(tax.ids)]}
        )
        scheme = cls.scheme.with_env(env).copy({"name": "Other", "company_id": cls.other.id})
        cycle = env["billing.cycle"].create(
            {
                "name": "Other",
                "company_id": cls.other.id,
                "start_date": date(2026, 1, 1),
                "term_scheme_ids": [Command.set(scheme.ids)],
            }
        )
        cycle.action_activate()
        return {"product": product, "scheme": scheme, "cycle": cycle}

    def _documents(self, run):
        return self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])

    def _ledger(self, company):
        return sorted(
            (customer.id, currency.id, round(amount, 2), round(balance, 2))
            for customer, currency, amount, balance in self.env["account.move.line"]._read_group(
                [
                    ("company_id", "=", company.id),
                    ("account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                ],
                ["partner_id", "currency_id"],
                ["amount_currency:sum", "balance:sum"],
            )
            if round(amount, 2) or round(balance, 2)
        )

    def test_runs_reports_delivery_and_undo_keep_to_their_company(self):
        runs = {
            company: book["cycle"].with_env(self.at(company))._create_run(date(2026, 1, 1))
            for company, book in self.books.items()
        }
        for company, run in runs.items():
            # As asked for from the other company's screens.
            report = run.with_env(self.at(self.other if company == self.company else self.company))
            report = report._make_report("pre")
            self.assertEqual(set(report.customer_ids.company_id), {company})
            amounts = {
                (row.partner_id, row.currency_id): row.amount
                for row in report.customer_ids
                if not row.reason
            }
            self.assertEqual(len(amounts), 8 if company == self.company else 6)
            run._execute("posting")
            moves = self._documents(run)
            self.assertEqual(moves.company_id, company)
            self.assertEqual(moves.line_ids.account_id.company_ids & company, company)
            self.assertEqual(
                {(move.partner_id, move.currency_id): move.amount_untaxed for move in moves},
                amounts,
            )
            rate = 1.15 if company == self.company else 1.2
            for move in moves:
                self.assertAlmostEqual(move.amount_total, move.amount_untaxed * rate, 2)
                foreign = move.currency_id != company.currency_id
                self.assertAlmostEqual(
                    move.amount_untaxed_signed, 5.0 / 0.8 if foreign else 10.0, 2
                )
                self.assertEqual(move.billing_bill_id.closing_balance, move.amount_total)
            self.assertFalse(run._tie_out_differences())
            self.assertEqual(sum(row["charges"] for row in run._tie_out()), sum(amounts.values()))
            for number, move in enumerate(moves):
                self.attach_pdf(move, 100 + number)
        mine, theirs = runs[self.company], runs[self.other]
        said = self._documents(theirs).filtered("billing_message")
        self.assertEqual(said.partner_id, self.customers[0])
        self.assertFalse(self._documents(mine).filtered("billing_message"))

        delivery = self.env.registry["billing.delivery"]
        with patch.object(delivery, "_email_call", lambda *args: {"state": "sent"}):
            mine.action_email_bills()
            self.deliver(mine)
        theirs.action_create_bundles()
        self.deliver(theirs)
        self.assertEqual(mine._step("print")["state"], "done")
        self.assertEqual(theirs._step("email")["state"], "done")
        deliveries = self.deliveries(mine)
        self.assertEqual((set(deliveries.mapped("state")), len(deliveries)), ({"sent"}, 8))
        self.assertTrue(all("provider.example" in d.message_reference for d in deliveries))
        bundle = self.deliveries(theirs).bundle_id
        self.assertEqual((bundle.company_id, bundle.document_count), (self.other, 6))

        before = self._ledger(self.company), self._ledger(self.other)
        undo = self.env["billing.run.undo"].create({"run_id": theirs.id, "reason": "Wrong rates"})
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        self.assertEqual(self._ledger(self.company), before[0])
        self.assertEqual(self._ledger(self.other), [])
        self.assertEqual(
            set(self.env["billing.bill"].search([("run_id", "=", mine.id)]).mapped("state")),
            {"posted"},
        )
        again = self.books[self.other]["cycle"].with_env(self.at(self.other))
        again = again._create_run(date(2026, 1, 1))
        again._execute("posting")
        self.assertEqual(self._ledger(self.other), before[1])
        self._check_readers(mine, theirs)

    def _check_readers(self, mine, theirs):
        """Somebody of one company reads nothing of the other's, on any of our tables."""
        user = self.make_user("one_company", "billing_operations.group_billing_manager")
        env = self.env(user=user, context={"allowed_company_ids": self.company.ids})
        for model, field in (
            ("billing.run", "id"),
            ("billing.bill", "run_id"),
            ("billing.run.report", "run_id"),
            ("billing.run.report.line", "run_id"),
            ("billing.run.report.customer", "run_id"),
            ("billing.run.result", "run_id"),
            ("billing.run.undo", "run_id"),
            ("billing.delivery", "run_id"),
            ("billing.print.bundle", "run_id"),
        ):
            self.assertFalse(env[model].search([(field, "=", theirs.id)]), model)
        with self.assertRaises(AccessError):
            env["billing.run"].browse(theirs.id).get_next_steps()
        self.assertTrue(env["billing.run"].browse(mine.id).get_next_steps()["steps"])
