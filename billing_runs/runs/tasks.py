from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ...billing_tasks.exceptions import FatalTaskError, SkipTask
from ...billing_tasks.garbage import collecting_later


class BillingRun(models.Model):
    """The task handlers: thin shells between the queue and the batch methods."""

    _inherit = "billing.run"

    @api.model
    def _task_advance(self, task):
        """Handle ``run_advance``: move the run of the task."""
        run = self._task_run(task)
        message = run._advance()
        task._log(message)
        return {"state": run.state, "stage": run.stage or None}

    @api.model
    def _task_stage(self, task):
        """Handle one batch of the stage of the task's type: the bills named in the parameters.

        In test mode the batch goes through all stages up to this one; the queue
        rolls it back and keeps only the result.
        """
        run = self._task_run(task)
        stage = run._stages().of_task_type(task.type_id.code)
        if not stage:
            raise FatalTaskError(self.env._("The billing run of this task has no such stage."))
        if not stage.by_bills:
            return run._task_range(task, stage)
        bills = self.env["billing.bill"].browse(task.parameters["bill_ids"]).exists()
        if bills.run_id - run:
            raise FatalTaskError(self.env._("The task's bills belong to another run."))
        if task.test_mode:
            return run._try_batch(bills, stage)
        if run.state != "running":
            raise SkipTask(run._state_text())
        # Before all else that a batch asks for after its commit, such as to raise customers' ranks:
        # the run goes on meanwhile.
        run._enqueue_advance_after_commit(task)
        with collecting_later(until_committed=True):
            return run._run_batch(task, bills, stage)

    def _task_range(self, task, stage):
        """Handle one batch of a stage that works on customers by sets.

        :return: what came of it, in numbers
        """
        self.ensure_one()
        if not task.test_mode and self.state != "running":
            raise SkipTask(self._state_text())
        result = getattr(self, stage.method)(task.parameters["first"], task.parameters["last"])
        if not task.test_mode:
            self._enqueue_advance_after_commit(task)
        return result

    def _task_run(self, task):
        run = task._record()
        if not run or run._name != self._name:
            raise FatalTaskError(self.env._("The billing run of this task is gone."))
        return run

    def _run_batch(self, task, bills, stage):
        """Do one stage for a batch of bills and say what came of them.

        :return: dict ``{state: number of bills}``
        """
        todo = bills._lock_in_state(stage.before)
        if len(todo) < len(bills):
            task._log(self.env._("Bills that were done already: %s.", len(bills) - len(todo)))
        stage.perform(todo)
        # Alone, for others may wait for the end of this transaction.
        todo.fetch(["state", "error_code"])
        todo._log_errors(task)
        return todo._count_states()

    def _try_batch(self, bills, last_stage):
        """Take a batch through the stages up to ``last_stage`` and count the outcome."""
        stages = self._stages()
        for stage in stages[: stages.place(last_stage.name) + 1]:
            stage.perform(bills.filtered(lambda b, s=stage: b.state == s.before))
        return {
            "bills": bills._count_states(),
            "invoices": len(bills.move_ids),
        }

    def _execute(self, target_stage=None):
        """Execute the stages here and now, in this transaction, by the inline runner.

        For data set-up and tests; people use ``action_request``. It is the queue's own way, with
        limits and first customers: a run that these stop waits, as it would otherwise.

        :param str target_stage: stage to stop after; None = the last one
        :raise UserError: tasks of the run could not be carried out
        """
        self.ensure_one()
        if self._waits():
            self._continue(target_stage)
        else:
            self._request(target_stage)
        tasks = self.env["billing.task"].sudo()
        codes = ["run_advance", "run_report", *(stage.task_type for stage in self._stages())]
        mine = Domain("res_model", "=", self._name) & Domain("res_id", "=", self.id)
        mine &= Domain("type_id.code", "in", codes)
        tasks._run_inline(domain=mine)
        self.invalidate_recordset()
        left = tasks.search(tasks._live_domain() & mine, limit=1)
        if left:
            raise UserError(left.error_message or left.display_name)
