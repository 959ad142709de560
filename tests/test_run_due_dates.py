"""When a run's invoices are due, against a calculation of our own."""

from datetime import date, timedelta
from unittest.mock import patch

from psycopg2.errors import CheckViolation

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.billing_operations.billing_runs.invoicing import guards as invoice_guards

from .common import BillingCase

INVOICED = date(2026, 1, 1)


@tagged("post_install", "-at_install")
class TestRunDueDates(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 100.0)
        cls.cycle = cls.make_cycle(
            cls.scheme, due_rule="days", due_days=14, proximity_min=-5, proximity_max=10
        )
        cls.instalments = cls.env["account.payment.term"].create(
            {
                "name": "Three parts",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": part, "nb_days": days})
                    for part, days in ((30, 0), (30, 3), (40, 60))
                ],
            }
        )
        cls.net_30 = cls.env.ref("account.account_payment_term_30days")
        cls.terms = {cls.net_30: [(100, 30)], cls.instalments: [(30, 0), (30, 3), (40, 60)]}

    def setUp(self):
        super().setUp()
        self.customers = {
            term: self.make_customer(name, property_payment_term_id=term and term.id)
            for name, term in (("30", self.net_30), ("Parts", self.instalments), ("None", None))
        }
        for customer in self.customers.values():
            self.make_service(customer, self.tariff)

    def _expected(self, shift):
        """{term: {due date: amount with tax}}, by a plain calculation."""
        result = {}
        for term, parts in {**self.terms, None: [(100, 14)]}.items():
            by_date = {}
            for percent, days in parts:
                due = INVOICED + timedelta(days=days + shift)
                due = max(due, INVOICED)
                by_date[due] = by_date.get(due, 0) + round(115.0 * percent / 100, 2)
            result[term] = by_date
        return result

    def _found(self, run):
        result = {}
        for term, customer in self.customers.items():
            move = self.bill_of(run, customer).move_ids
            lines = move.line_ids.filtered(lambda line: line.display_type == "payment_term")
            self.assertEqual(move.invoice_date_due, max(lines.mapped("date_maturity")))
            self.assertEqual(move.state, "posted")
            result[term] = {line.date_maturity: line.amount_currency for line in lines}
        return result

    def _execute(self, **values):
        run = self.make_run(self.cycle, **values)
        run._execute("posting")
        return run

    def test_every_due_date_moves_later_whichever_way_the_invoices_are_made(self):
        values = {"proximity_sign": "+", "proximity_value": 10}
        self.assertEqual(self._found(self._execute(**values)), self._expected(10))
        for customer in self.customers.values():
            self.make_service(customer, self.tariff)
        with patch.object(invoice_guards, "STANDARD", ("base", "billing_operations")):
            self.assertEqual(self._found(self._execute(**values)), self._expected(10))

    def test_moved_earlier_nothing_is_due_before_it_is_invoiced(self):
        values = {"proximity_sign": "-", "proximity_value": 5}
        expected = self._expected(-5)
        self.assertEqual(len(expected[self.instalments]), 2)  # the first two fell together
        self.assertEqual(self._found(self._execute(**values)), expected)
        for customer in self.customers.values():
            self.make_service(customer, self.tariff)
        with patch.object(invoice_guards, "STANDARD", ("base", "billing_operations")):
            self.assertEqual(self._found(self._execute(**values)), expected)

    def test_the_runs_own_due_date_is_not_moved_and_clears_the_terms(self):
        due = date(2026, 2, 20)
        run = self._execute(due_date=due, proximity_sign="+", proximity_value=10)
        for term, lines in self._found(run).items():
            self.assertEqual(lines, {due: 115.0}, term)
        moves = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])
        self.assertFalse(moves.invoice_payment_term_id)

    def test_a_moved_invoice_taken_back_to_draft_keeps_its_due_dates(self):
        run = self._execute(proximity_sign="+", proximity_value=10)
        move = self.bill_of(run, self.customers[self.instalments]).move_ids
        before = move.line_ids.sorted("id").mapped("date_maturity")
        move.button_draft()
        move.invoice_line_ids.name = "Corrected"
        move.action_post()
        self.assertEqual(move.line_ids.sorted("id").mapped("date_maturity"), before)

    def test_a_run_moves_due_dates_within_its_cycles_range_only(self):
        run = self.make_run(self.cycle)
        for sign, days in (("+", 11), ("-", 6)):
            with self.assertRaisesRegex(ValidationError, r"allows -5 to \+10"):
                run.write({"proximity_sign": sign, "proximity_value": days})
        run.write({"proximity_sign": "-", "proximity_value": 5})
        self.cycle.proximity_min = -4
        with self.assertRaisesRegex(UserError, r"cannot be moved by -5 days"):
            run.action_request()
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), self.cr.savepoint():
            run.write({"proximity_sign": False, "proximity_value": 5})
            run.flush_recordset()
