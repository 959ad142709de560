from odoo import models

from ...billing_tasks.crash_points import crash_point
from .account_move_send import by_formatting
from .ir_actions_report import without_delay

#: documents that are laid out together: the progress moves when they are done
AT_ONCE = 20


class BillingBill(models.Model):
    """Formatting: every posted document gets its PDF (posted → done)."""

    _inherit = "billing.bill"

    def _format(self):
        """Make the PDFs of posted bills, each as its company's bill layout says."""
        self._isolate(lambda bills: bills._format_batch(), "formatting_failed")

    def _format_batch(self):
        """Make the PDFs of all bills, and record for each that failed why it did."""
        todo = self.move_ids.filtered(lambda move: not move.invoice_pdf_report_id)
        failed, done = {}, len(self.move_ids) - len(todo)
        for company, moves in todo.grouped("company_id").items():
            for start in range(0, len(moves), AT_ONCE):
                self.env["billing.task"]._note_progress(done, len(self.move_ids))
                crash_point("formatting.before_pdf")
                batch = moves[start : start + AT_ONCE]
                sender, errors = by_formatting(without_delay(self.env["account.move.send"]))
                sender.with_company(company)._generate_and_send_invoices(
                    batch, sending_methods=[], allow_raising=True
                )
                failed |= errors
                done += len(batch)
        for move in self.move_ids - self.env["account.move"].union(*failed):
            move.billing_bill_id._get_annexes(move)
        wrong = self.browse()
        for move, error in failed.items():
            if move.billing_bill_id not in wrong:
                wrong |= move.billing_bill_id
                move.billing_bill_id._record_error(error, "formatting_failed")
        (self - wrong)._set_state("done")
