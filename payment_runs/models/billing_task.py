from odoo import api, models


class BillingTask(models.Model):
    """The tasks of payment runs."""

    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        runs = self.env["billing.payment.run"]
        return {
            **super()._get_task_handlers(),
            "collect_direct_debit": runs._task_collect,
            "payment_notices": runs._task_notices,
        }

    @api.model
    def _get_task_failure_handlers(self):
        return {
            **super()._get_task_failure_handlers(),
            "collect_direct_debit": self.env["billing.payment.run"]._task_collect_failed,
        }
