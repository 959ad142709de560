from odoo import api, models


class BillingTask(models.Model):
    """The tasks of price changes."""

    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        changes = self.env["billing.price.change"]
        return {
            **super()._get_task_handlers(),
            "price_apply": changes._task_apply,
            "price_notices": changes._task_notices,
        }

    @api.model
    def _get_task_failure_handlers(self):
        return {
            **super()._get_task_failure_handlers(),
            "price_apply": self.env["billing.price.change"]._task_apply_failed,
        }
