from odoo import api, models

from ...billing_tasks.exceptions import FatalTaskError, SkipTask
from ...billing_tasks.handlers import SteppedHandler


class BillingRun(models.Model):
    """The task ``run_format``: PDFs are made between transactions, a round of bills at a time."""

    _inherit = "billing.run"

    @api.model
    def _format_handler(self):
        """Return the handler of formatting: what is done stays done when a worker is killed."""
        return SteppedHandler(
            prepare=self._format_prepare,
            work=lambda reading: reading.compile(),
            record=self._format_record,
            finish=self._format_finish,
            rehearse=self._task_stage,
        )

    def _format_bills(self, task):
        run = self._task_run(task)
        bills = self.env["billing.bill"].browse(task.parameters["bill_ids"]).exists()
        if bills.run_id - run:
            raise FatalTaskError(self.env._("The task's bills belong to another run."))
        return run, bills

    def _format_stage(self, task):
        """Return the stage of the task: another one may stand before it."""
        return self._task_run(task)._stages().of_task_type(task.type_id.code)

    def _format_prepare(self, task):
        """Read what the next bills' documents need; None where all bills are done."""
        run, bills = self._format_bills(task)
        if run.state != "running":
            raise SkipTask(run._state_text())
        before = self._format_stage(task).before
        todo = bills.filtered(lambda bill: bill.state == before)
        documents = bills.move_ids
        done = len(documents) - len(todo.move_ids)
        task._note_progress(done, len(documents))
        return todo._next_to_format()._read_documents() if todo else None

    def _format_record(self, task, reading, contents):
        """Tie the PDFs to their documents."""
        bills = self.env["billing.bill"].browse(reading.bill_ids).exists()
        bills = bills._lock_in_state(self._format_stage(task).before)
        bills._tie_documents(reading, contents)
        bills._log_errors(task)

    def _format_finish(self, task):
        """Say what came of the bills, and let the run go on."""
        run, bills = self._format_bills(task)
        run._enqueue_advance_after_commit(task)
        return bills._count_states()
