"""Payments that are posted together are those that Odoo would post one by one."""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import tagged

from ..payment_runs.models import account_payment
from .payment_common import IBANS, PaymentCase

#: what differs between two of the same: names of rows, and when they were written
OWN = {
    *("id", "create_date", "write_date", "create_uid", "write_uid", "sequence_number"),
    *("name", "move_name", "move_id", "payment_id", "origin_payment_id", "access_token"),
    *("full_reconcile_id", "matching_number", "ref", "memo", "payment_reference"),
    *("debit_move_id", "credit_move_id", "message_main_attachment_id", "inalterable_hash"),
}


@tagged("post_install", "-at_install")
@freeze_time("2026-02-02 08:00:00")
class TestPostedTogether(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.payers = [cls.customer, cls.make_payer("Birch Ltd"), cls.make_payer("Cedar Ltd")]
        for partner, iban in zip(cls.payers, IBANS, strict=False):
            cls.make_mandate(partner, iban)

    def collected(self):
        """Return the payments of a new run over new invoices."""
        invoices = self.env["account.move"]
        for amount, partner in enumerate(self.payers, 10):
            invoices += self.make_invoice(partner, amount + 0.37, due=date(2026, 2, 10))
        run = self.submit(self.make_payment_run())
        self.assertEqual(set(invoices.mapped("payment_state")), {"paid"})
        return run.sudo().line_ids.sorted("id").payment_id

    def rows(self, records):
        """Return all that the database has of some records, but for what is each one's own."""
        self.env.flush_all()
        self.env.cr.execute(f"SELECT * FROM {records._table} WHERE id = ANY(%s)", [records.ids])
        rows = {row["id"]: row for row in self.env.cr.dictfetchall()}
        return [
            {name: value for name, value in rows[record.id].items() if name not in OWN}
            for record in records
        ]

    def all_rows(self, payments):
        lines = payments.move_id.line_ids.sorted(lambda line: (line.move_id.id, line.account_id.id))
        partials = (lines.matched_debit_ids + lines.matched_credit_ids).sorted("id")
        return {
            records._name: self.rows(records)
            for records in (payments, payments.move_id, lines, partials)
        }

    def test_every_row_is_as_odoo_writes_it(self):
        together = self.all_rows(self.collected())
        kind = type(self.env["account.payment"])
        with patch.object(kind, "_post_together", lambda payments: payments.action_post()):
            one_by_one = self.all_rows(self.collected())
        self.maxDiff = None
        for model, rows in together.items():
            self.assertTrue(rows, model)
            self.assertEqual(rows, one_by_one[model], model)

    def test_they_are_the_payments_of_the_wizard(self):
        """What differs is what each was asked for: the words, and the day."""
        ours = self.all_rows(self.collected())
        invoices = self.env["account.move"]
        for amount, partner in enumerate(self.payers, 10):
            invoices += self.make_invoice(partner, amount + 0.37, due=date(2026, 2, 10))
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoices.ids)
            .create(
                {
                    "group_payment": False,
                    "journal_id": self.journal.id,
                    "payment_date": self.env["billing.payment.run"]
                    .search([], order="id desc", limit=1)
                    .payment_date,
                }
            )
        )
        payments = wizard._create_payments().sorted(lambda payment: payment.amount)
        self.assertEqual(set(invoices.mapped("payment_state")), {"paid"})
        theirs = self.all_rows(payments)
        words = {"name", "communication", "partner_bank_id", "is_sent", "payment_method_line_id"}
        self.maxDiff = None
        for model, rows in ours.items():
            strip = [
                [{key: value for key, value in row.items() if key not in words} for row in some]
                for some in (rows, theirs[model])
            ]
            self.assertEqual(*strip, model)

    def test_what_was_paid_since_the_file_was_made_becomes_credit(self):
        invoices = [
            self.make_invoice(partner, 50, due=date(2026, 2, 10)) for partner in self.payers
        ]
        run = self.make_payment_run()
        run.action_confirm()
        run.sudo()._submit()
        paid, drawn_back, third = invoices
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=paid.ids
        ).create({})._create_payments()
        drawn_back.button_draft()
        self.work(run)
        payments = run.sudo().line_ids.sorted("id").payment_id
        self.assertEqual(len(payments), 3)
        self.assertEqual(third.payment_state, "paid")
        left = {
            payment.partner_id: sum(
                item.amount_residual
                for item in payment.move_id.line_ids
                if item.account_type == "asset_receivable"
            )
            for payment in payments
        }
        self.assertEqual(
            left, {paid.partner_id: -50, drawn_back.partner_id: -50, third.partner_id: 0}
        )
        self.assertFalse(run.problem)

    def test_numbers_follow_each_other_without_a_gap(self):
        moves = self.collected().move_id + self.collected().move_id
        numbers = moves.sorted("sequence_number").mapped("sequence_number")
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 6)))
        self.assertFalse(any(moves.mapped("made_sequence_gap")))

    def test_where_an_addon_changes_the_posting_it_is_obeyed(self):
        kind = type(self.env["account.payment"])
        called = []
        post = kind.action_post

        def action_post(payments):
            called.append(len(payments))
            return post(payments)

        with (
            patch.object(type(self.env["billing.payment.writer"]), "_may_write", lambda *_a: False),
            patch.object(account_payment, "changed_methods", lambda *a: [("x", "y", "write")]),
            patch.object(kind, "action_post", action_post),
        ):
            self.collected()
        self.assertEqual(called, [3])

    def test_payments_with_something_of_their_own_are_posted_as_ever(self):
        self.assertIsNone(self.env["account.payment"]._post_together())
        payment = self.env["account.payment"].create(
            {
                "payment_type": "outbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": 5.0,
                "journal_id": self.journal.id,
            }
        )
        payment._post_together()
        self.assertEqual(payment.move_id.state, "posted")
