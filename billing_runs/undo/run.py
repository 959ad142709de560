from odoo import models
from odoo.fields import Domain

from ..documents.notes import TASK_TYPE as FORMAT_NOTES


class BillingRun(models.Model):
    """The way from a run to its undo, and how far that is."""

    _inherit = "billing.run"

    def action_undo(self):
        """Open the dialog that takes the run back."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Undo %(run)s", run=self.number),
            "res_model": "billing.run.undo",
            "view_mode": "form",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_run_id": self.id},
        }

    def action_make_note_pdfs(self):
        """Make the PDFs that credit notes of what was taken back lack."""
        self._check_user()
        for run in self:
            notes = self.env["account.move"].search(run._notes_to_format_domain())
            # Bills are read-only to people: the rights were checked above.
            notes.billing_bill_id.sudo()._ask_for_note_pdfs()
        return True

    def _live_undos(self):
        """Return the run's undos whose tasks are alive."""
        undos = self.env["billing.run.undo"].search(
            [("run_id", "=", self.id), ("state", "=", "running")]
        )
        if not undos:
            return undos
        tasks = self.env["billing.task"].sudo()
        groups = tasks._read_group(tasks._live_domain(undos), ["res_id"])
        return undos.browse(undo_id for (undo_id,) in groups)

    def _count_being_taken_back(self):
        """Return how many bills live undos have still to take back."""
        undos = self._live_undos()
        domain = Domain.OR([undo._bill_domain() for undo in undos])
        return self.env["billing.bill"].search_count(domain) if undos else 0

    def _makes_note_pdfs(self):
        """Return whether PDFs of credit notes are being made, or will be when an undo is through."""
        tasks = self.env["billing.task"].sudo()
        live = tasks._live_domain(self, FORMAT_NOTES)
        return bool(tasks.search_count(live, limit=1)) or bool(self._live_undos())
