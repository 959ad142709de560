from odoo import models


class BillingServiceStatusWizard(models.TransientModel):
    _inherit = "billing.service.status.wizard"

    def action_apply(self):
        """Ask for the operation: whoever carries it out changes the state."""
        self.ensure_one()
        types = {"suspend": "suspend", "resume": "resume", "terminate": "delete"}
        values = {"reason": self.reason} if self.transition == "suspend" else None
        self.service_ids.request_operation(types[self.transition], values, effective_date=self.date)
        self.service_ids._log_note(self.note)
        return {"type": "ir.actions.act_window_close"}
