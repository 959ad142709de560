from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ...billing_tasks.handlers import SteppedHandler

TASK_TYPE = "run_format_notes"


class BillingRun(models.Model):
    """The task ``run_format_notes``: the credit notes of bills that were taken back get their PDFs,
    whatever state the run is in. The bills stay as they are; one whose credit note gets no PDF is
    an exception of the run."""

    _inherit = "billing.run"

    def _notes_to_format_domain(self):
        """Return the domain of the runs' credit notes that have to have a PDF and have none."""
        known = self.env["account.move"]._may_be_known_domain()
        return (
            Domain("billing_bill_id", "any", [("run_id", "in", self.ids), ("state", "=", "undone")])
            & Domain("state", "=", "posted")
            & Domain("reversed_entry_id", "any", known)
            & Domain("invoice_pdf_report_file", "=", False)
        )

    def _enqueue_notes(self, bills):
        """Ask for the PDFs that the credit notes of bills lack, some bills a task."""
        self.ensure_one()
        missing = self._notes_to_format_domain() & Domain("billing_bill_id", "in", bills.ids)
        todo = self.env["account.move"].search(missing).billing_bill_id.sorted()
        stages = self._stages()
        share = stages[stages.pdf_place].batch
        size = max(int(self.company_id.billing_batch_size * share), 1)
        self.env["billing.task"].sudo().enqueue_many(
            [
                {
                    "type_code": TASK_TYPE,
                    "record": self,
                    "parameters": {"bill_ids": todo[start : start + size].ids},
                    "identity_key": f"notes:{self.id}:{todo[start].id}",
                }
                for start in range(0, len(todo), size)
            ]
        )

    @api.model
    def _notes_handler(self):
        """Return the handler: what is done stays done when a worker is killed."""
        return SteppedHandler(
            prepare=self._notes_prepare,
            work=lambda reading: reading.compile(),
            record=self._notes_record,
            finish=self._notes_finish,
        )

    def _notes_prepare(self, task):
        """Read what the next credit notes need; None where each was made or has failed."""
        _run, bills = self._format_bills(task)
        notes = bills._documents_to_format()
        missing = notes.filtered(lambda note: not note.invoice_pdf_report_id)
        todo = missing.billing_bill_id.filtered(lambda bill: not bill.error_code)
        task._note_progress(len(notes) - len(missing), len(notes))
        return todo._next_to_format()._read_documents() if todo else None

    def _notes_record(self, task, reading, contents):
        """Tie the PDFs to the credit notes."""
        bills = self.env["billing.bill"].browse(reading.bill_ids).exists()
        bills = bills._lock_in_state("undone")
        bills._tie_documents(reading, contents)
        missing = bills._documents_to_format().filtered(
            lambda note: not note.invoice_pdf_report_id and not note.billing_bill_id.error_code
        )
        for note in missing:
            # Else the task would try it over and over.
            error = UserError(self.env._("%s has no PDF.", note.display_name))
            note.billing_bill_id._record_error(error, "formatting_failed")
        bills._log_errors(task)

    def _notes_finish(self, task):
        """Say how many credit notes have their PDFs."""
        _run, bills = self._format_bills(task)
        notes = bills._documents_to_format()
        made = notes.filtered("invoice_pdf_report_id")
        return {"made": len(made), "missing": len(notes) - len(made)}
