"""Payments that Xero knows, registered here, and what differs between the two."""

from datetime import date, timedelta

from odoo import fields
from odoo.tests import tagged

from .accounting_common import XeroCase


@tagged("post_install", "-at_install")
class TestPayments(XeroCase):
    def setUp(self):
        super().setUp()
        self.move = self.make_invoice(100.0)
        self.send_all()

    def rows(self):
        rows = self.env["accounting.export.payment"].search([], order="id")
        rows.invalidate_recordset()
        return rows

    def test_a_payment_is_registered_once(self):
        self.xero.pay(self.move.name, 115, date(2026, 2, 20))
        for _time in range(3):
            self.fetch()
        [row] = self.rows()
        self.assertEqual((row.state, row.amount, row.overpaid), ("booked", 115.0, 0.0))
        payment = row.payment_id
        self.assertEqual(
            (payment.amount, payment.date, payment.journal_id, payment.partner_id),
            (115.0, date(2026, 2, 20), self.bank, self.customer),
        )
        self.assertIn(self.move.payment_state, ("paid", "in_payment"))
        self.assertEqual(self.move.amount_residual, 0)
        self.assertEqual(
            self.env["account.payment"].search_count([("partner_id", "=", self.customer.id)]), 1
        )
        self.assertFalse(self.items("invoice").difference)
        self.assertTrue(self.connection.last_fetch_date)

    def test_parts_come_one_after_the_other(self):
        self.xero.pay(self.move.name, 15)
        self.fetch()
        self.assertEqual((self.move.payment_state, self.move.amount_residual), ("partial", 100.0))
        self.xero.pay(self.move.name, 100)
        self.fetch()
        self.assertEqual(self.move.amount_residual, 0)
        self.assertEqual(self.rows().mapped("state"), ["booked"] * 2)

    def test_what_is_too_much_is_the_customers_credit(self):
        self.xero.pay(self.move.name, 150)
        self.fetch()
        [row] = self.rows()
        self.assertEqual((row.state, row.overpaid), ("booked", 35.0))
        self.assertEqual(self.move.amount_residual, 0)
        received = row.payment_id.move_id.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable"
        )
        self.assertEqual(received.amount_residual, -35.0)

    def test_an_account_that_is_not_mapped_waits_until_it_is(self):
        self.xero.pay(self.move.name, 115, account="999")
        self.fetch()
        [row] = self.rows()
        self.assertEqual((row.state, row.code, row.message), ("problem", "journal", "999"))
        cash = self.env["account.journal"].create(
            {"name": "Safe", "code": "SAFE", "type": "cash", "company_id": self.company.id}
        )
        self.map(self.connection, "journal", journal_id=cash.id, code="999")
        row.with_user(self.user).action_try_again()
        self.work()
        self.assertEqual((row.state, row.payment_id.journal_id), ("booked", cash))

    def test_an_invoice_that_is_paid_here_already_is_named(self):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.move.ids
        ).create({})._create_payments()
        self.xero.pay(self.move.name, 115)
        self.fetch()
        [row] = self.rows()
        self.assertEqual((row.state, row.code, row.payment_id.id), ("problem", "not_open", False))
        row.with_user(self.user).action_ignore()
        self.assertEqual(row.state, "ignored")
        self.fetch()
        self.assertEqual(self.rows().state, "ignored")

    def test_another_currency_is_named(self):
        paid = self.xero.pay(self.move.name, 115)
        paid.invoice.currency_code = type(paid.invoice.currency_code)("EUR")
        self.env.ref("base.EUR").active = True
        self.fetch()
        [row] = self.rows()
        self.assertEqual((row.state, row.code, row.message), ("problem", "currency", "EUR"))

    def test_a_payment_deleted_there_is_named_where_it_was_registered(self):
        first = self.xero.pay(self.move.name, 15)
        self.fetch()
        self.xero.delete_payment(first)
        self.fetch()
        [row] = self.rows()
        self.assertEqual((row.state, row.code), ("problem", "deleted"))
        self.assertTrue(row.payment_id)
        second = self.xero.pay(self.move.name, 20)
        self.xero.delete_payment(second)
        self.fetch()
        self.assertEqual(len(self.rows()), 1)

    def test_payments_of_others_invoices_are_nobodys_business(self):
        self.xero.pay(self.move.name, 115)
        other = next(iter(self.xero.payments.values()))
        other.invoice.invoice_id = "00000000-0000-0000-0000-00000000000f"
        self.fetch()
        self.assertFalse(self.rows())

    def test_a_refund_of_a_credit_note_goes_out(self):
        note = self.make_invoice(10.0, refund=True)
        self.send_invoices()
        self.xero.pay(note.name, 11.5)
        self.fetch()
        [row] = self.rows()
        self.assertEqual((row.state, row.payment_id.payment_type), ("booked", "outbound"))
        self.assertEqual(note.amount_residual, 0)

    def test_many_pages_are_fetched_and_none_is_lost(self):
        for _number in range(230):
            self.xero.pay(self.move.name, 0.1, account="nobody's")
        with self.asked() as asked:
            self.fetch()
        self.assertEqual(asked.count("GET Payments"), 3)
        self.assertEqual(len(self.rows()), 230)
        self.assertEqual(set(self.rows().mapped("code")), {"journal"})

    def test_only_what_changed_is_fetched_again(self):
        self.xero.pay(self.move.name, 15)
        self.fetch()
        self.assertTrue(self.connection.fetched_until)
        old = self.xero.pay(self.move.name, 5)
        old.updated_date_utc -= timedelta(days=30)
        self.fetch()
        self.assertEqual(len(self.rows()), 1)

    def test_a_lost_answer_costs_nothing(self):
        self.xero.pay(self.move.name, 115)
        self.xero.fault("Payments", "drop_after", "GET")
        self.fetch()
        self.assertFalse(self.rows())
        self.hurry()
        self.work()
        self.assertEqual(self.rows().state, "booked")

    # === WHAT DIFFERS === #

    def test_what_was_voided_there_is_named(self):
        self.xero.void(self.move.name)
        self.fetch()
        self.assertEqual(self.items("invoice").difference, "voided")
        self.assertIn(
            self.items("invoice"), self.items().search(self.connection._attention_domain())
        )

    def test_another_total_and_another_paid_amount_are_named(self):
        [invoice] = self.xero.invoices.values()
        invoice.total += 1
        invoice.updated_date_utc = invoice.updated_date_utc + timedelta(seconds=1)
        self.fetch()
        self.assertEqual(self.items("invoice").difference, "total")
        invoice.total -= 1
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.move.ids
        ).create({})._create_payments()
        self.fetch()
        self.assertEqual(self.items("invoice").difference, "paid")

    def test_what_is_missing_there_is_named_by_comparing_all(self):
        other, note = self.make_invoice(5.0), self.make_invoice(6.0, refund=True)
        self.send_invoices()
        for number, invoice in list(self.xero.invoices.items()):
            if invoice.invoice_number == self.move.name:
                del self.xero.invoices[number]
        self.connection.with_user(self.user).action_compare()
        self.work()
        self.assertEqual(self.move.accounting_item_ids.difference, "missing")
        self.assertFalse(other.accounting_item_ids.difference)
        self.assertFalse(note.accounting_item_ids.difference)
        self.assertTrue(note.accounting_item_ids.compared_date)

    # === LATELY === #

    def test_fetching_every_day_and_the_warning_when_it_did_not(self):
        self.assertTrue(self.connection._is_stale())
        self.env["accounting.export.connection"]._cron_fetch()
        self.work()
        self.assertFalse(self.connection._is_stale())
        self.connection._own().write({"last_fetch_date": fields.Datetime.now() - timedelta(days=4)})
        self.assertTrue(self.connection._is_stale())
        self.company.billing_accounting_stale_days = 5
        self.assertFalse(self.connection._is_stale())
