from odoo import api, models

from ...billing_tasks.handlers import ExternalHandler

#: tasks that talk to Xero
OUTSIDE = (
    "accounting_connect",
    "accounting_check",
    "accounting_customers",
    "accounting_invoices",
    "accounting_payments",
    "accounting_compare",
)


class BillingTask(models.Model):
    """The tasks of accounting exports."""

    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        connections = self.env["accounting.export.connection"]
        outside = ExternalHandler(
            prepare=connections._task_prepare,
            call=connections._task_call,
            record=connections._task_record,
            ask=connections._task_ask,
            unknown=connections._task_unknown,
        )
        return {
            **super()._get_task_handlers(),
            **dict.fromkeys(OUTSIDE, outside),
            "accounting_file": connections._task_file,
            "accounting_book": self.env["accounting.export.payment"]._task_book,
        }
