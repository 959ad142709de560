from odoo import api, models

from ...billing_tasks.handlers import ExternalHandler


class BillingTask(models.Model):
    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        operations = self.env["service.operation"]
        return {
            **super()._get_task_handlers(),
            "service_operation": ExternalHandler(
                prepare=lambda task: operations._of_task(task)._prepare_call(task),
                call=operations._call_for_task,
                record=lambda task, _intent, answer: operations._of_task(task)._record_answer(
                    task, answer
                ),
                ask=operations._ask_for_task,
                unknown=operations._unknown_for_task,
            ),
        }

    @api.model
    def _get_task_failure_handlers(self):
        return {
            **super()._get_task_failure_handlers(),
            "service_operation": self.env["service.operation"]._failed_for_task,
        }
