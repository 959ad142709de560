from odoo import api, models


class BillingTask(models.Model):
    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        return {
            **super()._get_task_handlers(),
            "cdr_rate": self.env["cdr.record"]._task_rate,
        }
