from odoo import models


class BillingRun(models.Model):
    """The way from a run to its undo."""

    _inherit = "billing.run"

    def action_undo(self):
        """Open the dialog that takes the run back."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Undo %(run)s", run=self.number),
            "res_model": "billing.run.undo",
            "view_mode": "form",
            "views": [[False, "form"]],
            "target": "new",
            "context": {"default_run_id": self.id},
        }
