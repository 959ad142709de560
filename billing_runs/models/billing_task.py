from odoo import api, models

from ..stages import POSTPAID_STAGES


class BillingTask(models.Model):
    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        run = self.env["billing.run"]
        return {
            **super()._get_task_handlers(),
            "run_advance": run._task_advance,
            "run_undo": self.env["billing.run.undo"]._task_undo,
            "run_report": run._task_report,
            **{
                stage.task_type: lambda task, stage=stage: run._task_stage(task, stage)
                for stage in POSTPAID_STAGES
            },
        }

    @api.model
    def _get_task_failure_handlers(self):
        return {
            **super()._get_task_failure_handlers(),
            "run_report": self.env["billing.run"]._task_report_failed,
        }
