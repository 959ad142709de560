from odoo import api, fields, models

from ...billing_tasks.handlers import ExternalHandler
from ..documents.notes import TASK_TYPE as FORMAT_NOTES
from ..runs.rehearsal import CODE as REHEARSAL


class BillingTask(models.Model):
    _inherit = "billing.task"

    run_id = fields.Many2one(
        "billing.run",
        "Billing Run",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The run that the task is for, itself or through its record.",
    )

    @api.model
    def _task_columns(self):
        return (*super()._task_columns(), "run_id")

    def _prepare_task_row(self, spec, now, requester):
        row = super()._prepare_task_row(spec, now, requester)
        record = spec.get("record")
        run = record
        if record is not None and record._name != "billing.run":
            field = record._fields.get("run_id")
            run = record.run_id if field and field.comodel_name == "billing.run" else None
        return {**row, "run_id": run.id if run else None}

    @api.model
    def _list_action(self):
        action = super()._list_action()
        runs = self.env["billing.run"]
        if runs.has_access("read") and runs.search_count(runs._at_work_domain(), limit=1):
            action["context"] = {**action["context"], "search_default_group_run": 1}
        return action

    @api.model
    def _get_task_handlers(self):
        run = self.env["billing.run"]
        delivery = self.env["billing.delivery"]
        return {
            **super()._get_task_handlers(),
            "run_advance": run._task_advance,
            REHEARSAL: run._task_rehearse,
            FORMAT_NOTES: run._notes_handler(),
            "run_undo": self.env["billing.run.undo"]._task_undo,
            "run_report": run._task_report,
            "email_bills": ExternalHandler(
                prepare=delivery._email_prepare,
                call=delivery._email_call,
                record=delivery._email_record,
                unknown=delivery._email_unknown,
            ),
            "print_bills": self.env["billing.print.bundle"]._task_print,
            **{stage.task_type: stage.handler(run) for stage in run._known_stages()},
        }

    @api.model
    def _get_task_failure_handlers(self):
        return {
            **super()._get_task_failure_handlers(),
            "run_report": self.env["billing.run"]._task_report_failed,
        }

    def _complete(self, result, duration):
        done = super()._complete(result, duration)
        if self.type_id.code == REHEARSAL:
            # Of a rehearsal only the result is kept: here it reaches those who cannot see tasks.
            self._record()._note_rehearsal(result)
        return done

    def _after_failure(self):
        result = super()._after_failure()
        if self.type_id.code == REHEARSAL and (run := self._record()):
            run.message_post(body=self.env._("The rehearsal failed: %s", self.error_message))
        return result
