from odoo import models

from ...billing_tasks.crash_points import crash_point
from .ir_actions_report import without_delay


class BillingBill(models.Model):
    """Formatting: every posted document gets its PDF (posted → done)."""

    _inherit = "billing.bill"

    def _format(self):
        """Render the PDFs of posted bills with Odoo's own invoice report."""
        self._isolate(lambda bills: bills._format_batch(), "formatting_failed")

    def _format_batch(self):
        sender = without_delay(self.env["account.move.send"])
        for done, move in enumerate(self.move_ids):
            self.env["billing.task"]._note_progress(done, len(self.move_ids))
            crash_point("formatting.before_pdf")
            if not move.invoice_pdf_report_id:
                # One at a time: wkhtmltopdf without patched Qt takes no second document.
                sender.with_company(move.company_id)._generate_and_send_invoices(
                    move, sending_methods=[], allow_raising=True
                )
            move.billing_bill_id._get_annexes(move)
        self._set_state("done")
