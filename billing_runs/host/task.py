from odoo import api, models

from ...billing_tasks.handlers import ExternalHandler
from ..runs.rehearsal import CODE as REHEARSAL


class BillingTask(models.Model):
    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        run = self.env["billing.run"]
        delivery = self.env["billing.delivery"]
        return {
            **super()._get_task_handlers(),
            "run_advance": run._task_advance,
            REHEARSAL: run._task_rehearse,
            "run_undo": self.env["billing.run.undo"]._task_undo,
            "run_report": run._task_report,
            "email_bills": ExternalHandler(
                prepare=delivery._email_prepare,
                call=delivery._email_call,
                record=delivery._email_record,
                unknown=delivery._email_unknown,
            ),
            "print_bills": self.env["billing.print.bundle"]._task_print,
            **{stage.task_type: run._task_stage for stage in run._known_stages()},
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
