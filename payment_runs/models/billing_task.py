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
            "payment_run_prepare": runs._task_prepare,
            "bank_match": self.env["account.bank.statement.line"]._task_billing_match,
            "overdue_follow": self.env["billing.overdue.step"]._task_follow,
        }

    @api.model
    def _get_task_failure_handlers(self):
        return {
            **super()._get_task_failure_handlers(),
            "collect_direct_debit": self.env["billing.payment.run"]._task_collect_failed,
            "payment_run_prepare": self.env["billing.payment.run"]._task_collect_failed,
        }
