from odoo import models

from ...billing_tasks.crash_points import crash_point
from ..bills.by_run import by_run


class BillingBill(models.Model):
    """Posting: draft invoices get their numbers (invoiced → posted)."""

    _inherit = "billing.bill"

    def _post(self):
        """Post the drafts of invoiced bills.

        Checks the period again, since time may have passed since the drafts were
        made. A bill that cannot be posted loses its drafts: its charges wait, and
        running it again makes new ones.
        """
        if not self:
            return
        problem = self.run_id._document_problem()
        if problem:
            self._drop_drafts()
            self._set_error(*problem)
            return
        crash_point("posting.before_post")
        self._isolate(lambda bills: bills._post_batch(), "posting_failed")
        self.filtered(lambda bill: bill.state == "error")._drop_drafts()

    def _post_batch(self):
        if not self:
            return
        drafts = self.move_ids.filtered(lambda move: move.state == "draft")
        self.env["billing.invoice.builder"]._post_invoices(drafts)
        self._check_documents()
        self._set_posted()

    def _drop_drafts(self):
        """Delete the bills' draft documents; with that their charges are rated again."""
        drafts = self.move_ids.filtered(lambda move: move.state == "draft")
        by_run(drafts).unlink()
