from odoo import api, models
from odoo.exceptions import UserError


class BillingServiceSecret(models.Model):
    """Rules here: managers see all of their companies; a service task's assignee sees and fills
    those of its service while the task is in progress."""

    _inherit = "billing.service.secret"

    def write(self, vals):
        if "service_id" in vals and any(s.service_id.id != vals["service_id"] for s in self):
            raise UserError(self.env._("A secret belongs to its service and cannot move."))
        return super().write(vals)

    @api.model
    def _for_customer(self, service):
        """Return the filled secrets of a service, for its customer's portal page."""
        return self.sudo().search([("service_id", "=", service.id), ("value", "!=", False)])
