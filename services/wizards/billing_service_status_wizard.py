from odoo import fields, models

from ..models.billing_service import SUSPENSION_REASONS


class BillingServiceStatusWizard(models.TransientModel):
    """Asks from which day, and why, services are suspended, resumed or terminated."""

    _name = "billing.service.status.wizard"
    _description = "Suspend, Resume or Terminate Services"

    service_ids = fields.Many2many("billing.service", required=True, string="Services")
    transition = fields.Selection(
        [("suspend", "Suspend"), ("resume", "Resume"), ("terminate", "Terminate")],
        required=True,
    )
    date = fields.Date(
        string="As Of",
        required=True,
        default=lambda self: self.env.company._billing_today(),
        help="The first day on which it counts.",
    )
    reason = fields.Selection(SUSPENSION_REASONS, default="client")

    def action_apply(self):
        """Suspend, resume or terminate. Until an end in the future the service runs on."""
        self.ensure_one()
        services = self.service_ids
        services._check_billing_user()
        if self.transition == "suspend":
            services._suspend(self.date, self.reason)
        elif self.transition == "resume":
            services._resume(self.date)
        else:
            for service in services:
                if self.date > service.company_id._billing_today():
                    service._change(self.date, {"date_end": self.date})
                else:
                    service._terminate(self.date)
        return {"type": "ir.actions.act_window_close"}
