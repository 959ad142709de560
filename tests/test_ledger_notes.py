"""Credit notes that are credited again, reversed, or drafts again: the ledger and the undo follow."""

from datetime import date

from odoo.exceptions import UserError
from odoo.tests import tagged

from .test_ledger import LedgerCase


@tagged("post_install", "-at_install")
class TestNotesTakenBack(LedgerCase):
    def billed(self):
        """Return a service at 30 from 1 April, its run, and its invoice."""
        service = self.active(date(2026, 4, 1))
        run = self.run_on(date(2026, 4, 1))
        return service, run, self.moves(run)

    def owed(self):
        """Return what the customer owes with 15 % tax, by the journal items, before that tax."""
        items = self.env["account.move.line"].search(
            [
                ("partner_id", "=", self.customer.id),
                ("parent_state", "=", "posted"),
                ("account_id.account_type", "=", "asset_receivable"),
            ]
        )
        return round(sum(items.mapped("balance")) / 1.15, 2)

    def reverse(self, note, reconciled=True):
        later = note._reverse_moves([{"date": note.date}], cancel=reconciled)
        if not reconciled:
            later.action_post()
        return later

    def test_an_invoice_whose_note_was_reversed_is_owed_and_credited_again(self):
        for price in (None, 6.0):
            with self.subTest(price=price):
                service, _run, move = self.billed()
                self.reverse(self.credit(move, price))
                self.assertEqual(self.owed(), 30.0)
                service._terminate(date(2026, 4, 1))
                self.run_on(date(2026, 4, 2))
                self.assertEqual(self.owed(), 0.0)

    def test_undo_takes_back_an_invoice_whose_note_credits_nothing_any_more(self):
        for way in ("reversed", "reversed and open", "draft", "draft of a part"):
            with self.subTest(way):
                service, run, move = self.billed()
                note = self.credit(move, 6.0 if way == "draft of a part" else None)
                if way.startswith("reversed"):
                    self.reverse(note, reconciled=way == "reversed")
                else:
                    if way == "draft of a part":
                        items = (move | note).line_ids
                        items.filtered(
                            lambda item: item.account_type == "asset_receivable"
                        ).reconcile()
                    note.button_draft()
                self.assertEqual(self.owed(), 30.0)
                self.undo(run, include_paid=True)
                self.assertEqual(self.owed(), 0.0)
                self.run_on(date(2026, 4, 2))
                self.assertEqual(self.owed(), 30.0)
                service._terminate(date(2026, 4, 1))
                self.run_on(date(2026, 4, 3))
                self.assertEqual(self.owed(), 0.0)

    def test_the_note_of_a_replaced_invoice_cannot_be_reversed(self):
        _service, _run, move = self.billed()
        self.replace(move, 24.0)
        with self.assertRaisesRegex(UserError, "both would stand"):
            self.reverse(move.reversal_move_ids)

    def test_what_a_reversed_credit_note_of_a_run_gave_back_is_given_by_the_next_one(self):
        service, _run, _move = self.billed()
        service._terminate(date(2026, 4, 11))
        note = self.moves(self.run_on(date(2026, 4, 11)))
        self.reverse(note)
        self.run_on(date(2026, 4, 12))
        self.assertEqual(self.owed(), 10.0)
