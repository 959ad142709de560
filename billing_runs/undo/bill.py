from odoo import fields, models

from ...services.models.billing_charge import LIVE_STATES
from ..bills.by_run import by_run


class BillingBill(models.Model):
    """Taking bills back: documents deleted or credited, charges by the outcome chosen."""

    _inherit = "billing.bill"

    undo_id = fields.Many2one(
        "billing.run.undo", readonly=True, index="btree_not_null", ondelete="restrict"
    )

    def _undo(self, undo):
        """Take the bills back as ``undo`` says; one that cannot be stays as it is, in error.

        :param undo: ``billing.run.undo`` with outcome and reason
        """
        self._isolate(lambda bills: bills._undo_batch(undo), "undo_failed")

    def _ask_for_note_pdfs(self):
        """Ask for the PDFs of the bills' credit notes, of those too of which that failed before."""
        for bill in self.filtered("error_code"):
            bill.write({"error_code": False, "error_message": bill.undo_id.reason})
        for run, bills in self.grouped("run_id").items():
            run._enqueue_notes(bills)

    def _undo_batch(self, undo):
        # What a document waived is on the bill as well; what a person waived stays as it is.
        charges = self.charge_ids.filtered(
            lambda c: c.state in LIVE_STATES or (c.state == "waived" and c.move_line_id)
        )
        moves = self.move_ids.filtered(lambda move: not move.reversed_entry_id)
        # What somebody has credited in full already needs no second credit note.
        moves.filtered(
            lambda move: move.state == "posted" and not move._is_credited_in_full()
        )._reverse_billed()
        moves._forget_deliveries()
        by_run(moves.filtered(lambda move: move.state == "draft")).unlink()
        if undo.outcome == "drop":
            charges = charges.filtered(lambda charge: charge.state != "waived")
        charges.filtered(lambda charge: charge.state != "rated")._reopen()
        if undo.outcome == "drop":
            charges._waive(undo.reason)
        elif undo.outcome == "void":
            charges._void()
        self._set_state(
            "undone",
            {"undo_id": undo.id, "error_code": False, "error_message": undo.reason},
        )
