"""Charges of invoices that somebody credited and replaced, whatever becomes of the replacement."""

from datetime import date

from odoo.exceptions import UserError
from odoo.tests import tagged

from .test_ledger import LedgerCase


@tagged("post_install", "-at_install")
class TestReplaced(LedgerCase):
    def _replaced_by_draft(self):
        """Return (service, run, invoice, its credit note, the draft that replaces it)."""
        service = self.active(date(2026, 4, 1), disk=3)
        run = self.run_on(date(2026, 4, 1))
        move = self.moves(run)
        new = self.replacement(move)
        return service, run, move, move.reversal_move_ids, new

    def test_a_replacement_backed_out_of_leaves_the_charges_to_the_first_invoice(self):
        for back_out in ("button_cancel", "unlink"):
            with self.subTest(back_out):
                service, run, move, note, new = self._replaced_by_draft()
                getattr(new, back_out)()
                charges = service.charge_ids
                self.assertEqual(charges.move_id, move)
                self.assertEqual(set(charges.mapped("state")), {"waived"})
                self.assertFalse(run._tie_out_differences())
                note.button_draft()
                note.button_cancel()
                self.assertEqual(set(charges.mapped("state")), {"invoiced"})
                self.assertEqual(set(charges.mapped("credited_amount")), {0.0})
                self.assertFalse(run._tie_out_differences())
                before = self.net()
                service._terminate(date(2026, 4, 16))
                self.run_on(date(2026, 4, 16))
                self.assertEqual(before - self.net(), 34.0 / 2)

    def test_a_cancelled_replacement_can_be_brought_back_while_the_first_is_credited(self):
        service, run, move, note, new = self._replaced_by_draft()
        new.action_post()
        new.button_draft()
        new.button_cancel()
        self.assertEqual(set(service.charge_ids.mapped("state")), {"waived"})
        new.button_draft()
        new.action_post()
        self.assertEqual(service.charge_ids.move_id, new)
        self.assertEqual(set(service.charge_ids.mapped("state")), {"invoiced"})
        self.assertFalse(run._tie_out_differences())
        self.assertEqual(self.net(), 34.0)

    def test_an_invoice_and_its_replacement_never_stand_side_by_side(self):
        service, _run, move, note, new = self._replaced_by_draft()
        for post in (False, True):
            if post:
                new.action_post()
            with self.assertRaisesRegex(UserError, "both would stand"):
                note.button_draft()
        new.button_draft()
        new.button_cancel()
        note.button_draft()
        note.button_cancel()
        with self.assertRaisesRegex(UserError, "cannot be brought back"):
            new.button_draft()
        self.assertEqual(service.charge_ids.move_id, move)
        later = self.replacement(move)
        self.assertEqual(service.charge_ids.move_id, later)
        with self.assertRaisesRegex(UserError, "cannot be brought back"):
            new.button_draft()
        later.action_post()
        self.assertEqual(self.net(), 34.0)

    def test_a_replacement_of_a_replacement_hands_its_charges_back_one_by_one(self):
        service, _run, move, _note, new = self._replaced_by_draft()
        new.action_post()
        last = self.replacement(new)
        self.assertEqual(service.charge_ids.move_id, last)
        last.unlink()
        self.assertEqual(service.charge_ids.move_id, new)
        new.reversal_move_ids.button_draft()
        new.reversal_move_ids.button_cancel()
        self.assertEqual(set(service.charge_ids.mapped("state")), {"invoiced"})
        new.button_draft()
        new.button_cancel()
        self.assertEqual(service.charge_ids.move_id, move)
        self.assertEqual(set(service.charge_ids.mapped("state")), {"waived"})

    def test_an_end_while_a_replacement_is_a_draft_is_right_whatever_becomes_of_it(self):
        for keep in (True, False):
            service, _run, _move, _note, new = self._replaced_by_draft()
            before = self.net()
            service._terminate(date(2026, 4, 16))
            self.run_on(date(2026, 4, 16))
            if keep:
                new.action_post()
            else:
                new.unlink()
            self.run_on(date(2026, 4, 17))
            self.assertEqual(round(self.net() - before, 2), 17.0 if keep else 0.0)

    def _two_on_one(self):
        """Return (services A and B, invoice, the draft that replaces it)."""
        services = self.active(date(2026, 4, 1), name="A") + self.active(date(2026, 4, 1), name="B")
        move = self.moves(self.run_on(date(2026, 4, 1)))
        return services, move, self.replacement(move)

    def test_a_line_taken_off_a_replacement_is_not_billed_and_comes_back_with_the_first(self):
        services, move, new = self._two_on_one()
        new.invoice_line_ids.filtered(lambda line: "B" in line.name).unlink()
        new.action_post()
        self.run_on(date(2026, 4, 2))
        self.assertEqual(self.net(), 30.0)
        self.assertEqual(services.charge_ids.mapped("state"), ["invoiced", "waived"])
        new.button_draft()
        new.button_cancel()
        move.reversal_move_ids.button_draft()
        move.reversal_move_ids.button_cancel()
        self.assertEqual(self.net(), 60.0)
        self.run_on(date(2026, 4, 3))
        self.assertEqual(self.net(), 60.0)
        services._terminate(date(2026, 4, 1))
        self.run_on(date(2026, 4, 4))
        self.assertEqual(self.net(), 0.0)

    def test_a_replacement_without_its_lines_leaves_all_charges_to_the_first(self):
        _services, move, new = self._two_on_one()
        new.invoice_line_ids.unlink()
        new.unlink()
        move.reversal_move_ids.button_draft()
        move.reversal_move_ids.button_cancel()
        self.run_on(date(2026, 4, 2))
        self.assertEqual(self.net(), 60.0)
