from odoo import models

from ...service_tasks.models.service_operation import OPEN


class BillingService(models.Model):
    _inherit = "billing.service"

    def _is_unpaid_suspended(self):
        """Return whether the service is suspended because of unpaid invoices, or about to be."""
        self.ensure_one()
        if self.state == "suspended":
            return self.suspension_reason == "unpaid"
        return any(
            operation.type == "suspend" and operation.state in OPEN and operation.overdue_notice_id
            for operation in self.sudo().operation_ids
        )
