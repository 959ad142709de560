"""Opening balance, payments and closing balance of bills, against plain Python."""

import random
from datetime import date

from psycopg2.errors import CheckViolation

from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import BillingCase

FIGURES = ("opening_balance", "payments", "billed", "other_entries", "closing_balance")


@tagged("post_install", "-at_install")
class TestRunBalances(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.random = random.Random(20260401)
        cls.scheme = cls.make_scheme()
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.euro = cls.env.ref("base.EUR")
        cls.euro.active = True
        cls.env["res.currency.rate"].create(
            {
                "currency_id": cls.euro.id,
                "company_id": cls.company.id,
                "name": date(2025, 12, 1),
                "rate": 0.87,
            }
        )
        cls.tariffs = [
            cls.make_tariff(cls.scheme, 19.99),
            cls.make_tariff(cls.scheme, 7.77, name="Euro", currency_id=cls.euro.id),
        ]
        cls.customers = cls.env["res.partner"].create(
            [{"name": f"Customer {index}", "is_company": True} for index in range(8)]
        )
        for customer in cls.customers:
            for tariff in cls.tariffs:
                if tariff == cls.tariffs[0] or cls.random.random() < 0.5:
                    cls.make_service(customer, tariff)
        cls.make_customer("Desk", parent_id=cls.customers[0].id, type="invoice")
        cls.bank = cls.env["account.journal"].search(
            [("company_id", "=", cls.company.id), ("type", "=", "bank")], limit=1
        )

    # === WHAT HAPPENS BETWEEN THE RUNS === #

    def _invoice(self, customer, amount, currency, kind="out_invoice", company=None):
        company = company or self.company
        move = (
            self.env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": kind,
                    "partner_id": customer.id,
                    "currency_id": currency.id,
                    "company_id": company.id,
                    "invoice_date": date(2026, 1, 10),
                    "invoice_line_ids": [
                        Command.create({"name": "By hand", "price_unit": amount, "tax_ids": []})
                    ],
                }
            )
        )
        move.action_post()

    def _pay(self, customer, amount, currency):
        payment = self.env["account.payment"].create(
            {
                "partner_id": customer.id,
                "payment_type": "inbound",
                "partner_type": "customer",
                "amount": amount,
                "currency_id": currency.id,
                "date": date(2025, 12, 20),  # booked late, on a date long gone
                "journal_id": self.bank.id,
            }
        )
        payment.action_post()

    def _bank_line(self, customer, amount):
        line = self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.bank.id,
                "date": date(2026, 1, 12),
                "payment_ref": "Transfer",
                "partner_id": customer.id,
                "amount": amount,
            }
        )
        _liquidity, suspense, _other = line._seek_for_lines()
        suspense.account_id = customer.property_account_receivable_id

    def _events(self):
        draw = self.random
        for customer in self.customers:
            currency = draw.choice([self.company.currency_id, self.euro])
            amount = draw.randint(100, 9999) / 100
            what = draw.choice(["pay", "pay", "bank", "invoice", "credit", "draft", "nothing"])
            if what == "pay":
                self._pay(customer, amount, currency)
            elif what == "bank":
                self._bank_line(customer, amount)
            elif what == "invoice":
                self._invoice(customer, amount, currency)
            elif what == "credit":
                self._invoice(customer, amount, currency, "out_refund")
            elif what == "draft":
                self.env["account.payment"].create(
                    {"partner_id": customer.id, "amount": amount, "payment_type": "inbound"}
                )

    # === THE REFERENCE === #

    def _ledger(self, bill):
        """(balance, billed, received) of a bill's customer, now."""
        balance = billed = received = 0.0
        items = self.env["account.move.line"].search(
            [
                ("partner_id", "=", bill.partner_id.commercial_partner_id.id),
                ("company_id", "=", bill.company_id.id),
                ("currency_id", "=", bill.currency_id.id),
                ("parent_state", "=", "posted"),
            ]
        )
        for item in items.filtered(lambda i: i.account_id.account_type == "asset_receivable"):
            balance += item.amount_currency
            if item.move_id.billing_bill_id == bill:
                billed += item.amount_currency
            if item.move_id.origin_payment_id or item.move_id.statement_line_id:
                received -= item.amount_currency
        return balance, billed, received

    def _check(self, run, known):
        """Check a run's bills; ``known`` is {customer and currency: (closing, received)}."""
        bills = self.env["billing.bill"].search(
            [("run_id", "=", run.id), ("move_ids", "!=", False)]
        )
        self.assertTrue(bills)
        for bill in bills:
            balance, billed, received = self._ledger(bill)
            key = (bill.partner_id, bill.currency_id)
            opening, before = known.get(key, (balance - billed, received))
            payments = received - before
            expected = (opening, payments, billed, balance - opening + payments - billed, balance)
            for name, amount in zip(FIGURES, expected, strict=True):
                self.assertAlmostEqual(bill[name], amount, 6, f"{bill.display_name}: {name}")
            self.assertAlmostEqual(bill.billed, bill.amount_invoiced, 6)
            known[key] = (balance, received)
        return bills

    def test_balances_follow_the_ledger_from_bill_to_bill(self):
        other = self.make_company("Elsewhere")
        self._events()
        known = {}
        for month in range(1, 5):
            run = self.make_run(self.cycle, date(2026, month, 1))
            run._execute("posting")
            bills = self._check(run, known)
            self._events()
            # Another company's books are none of ours.
            self._invoice(self.customers[1], 500.0, self.company.currency_id, company=other)
        self.assertTrue(any(bills.mapped("payments")) and any(bills.mapped("other_entries")))
        self.assertTrue(bills.filtered(lambda bill: bill.opening_balance < 0))
        with (
            self.assertRaises(CheckViolation),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            bills[0].closing_balance += 1
            bills.flush_recordset()

    def test_a_bill_that_was_taken_back_is_not_counted_from(self):
        customer = self.customers[0]
        us = self.company.currency_id
        first = self.make_run(self.cycle)
        first._execute("posting")
        before = self._bill(first, customer)
        second = self.make_run(self.cycle, date(2026, 2, 1))
        second._execute("posting")
        undo = self.env["billing.run.undo"].create({"run_id": second.id, "reason": "Wrong"})
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        self._pay(customer, 5.0, us)
        again = self.make_run(self.cycle, date(2026, 2, 1))
        again._execute("posting")
        bill = self._bill(again, customer)
        self.assertEqual(bill.opening_balance, before.closing_balance)
        self.assertEqual((bill.payments, bill.other_entries), (5.0, 0.0))
        self.assertEqual(bill.closing_balance, 22.99 * 2 - 5.0)
        form = Form(bill)
        self.assertEqual(form.closing_balance, bill.closing_balance)
        skipped = self.make_run(self.cycle, date(2026, 2, 1))
        skipped._execute("posting")
        self.assertFalse(self._bill(skipped, customer).balance_date)

    def _bill(self, run, customer):
        return self.bill_of(run, customer).filtered(
            lambda bill: bill.currency_id == self.company.currency_id
        )
