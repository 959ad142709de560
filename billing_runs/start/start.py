from odoo import api, models

from .entries import START_ENTRIES


class BillingStart(models.AbstractModel):
    _inherit = "billing.start"

    @api.model
    def _entry_registry(self):
        return super()._entry_registry() + list(START_ENTRIES)

    @api.model
    def _first_step(self):
        return super()._first_step() or self._first_run_step()

    @api.model
    def _first_run_step(self):
        """Return what to do where nothing was billed yet."""
        if not self.env.user.has_group("billing_operations.group_billing_user"):
            return False
        if self.env["billing.run"].search_count([], limit=1):
            return False
        sentence = self.env._(
            "Nothing was billed yet. Open a cycle and press New Billing Run: the run's Next Steps"
            " lead you from there."
        )
        if not self.env["billing.cycle"].search_count([("state", "=", "active")], limit=1):
            sentence = self.env._(
                "No billing cycle is active. A cycle says which billing terms are billed when:"
                " make one and activate it."
            )
        label = self.env._("Cycles")
        return {
            "sentence": sentence,
            "label": label,
            "action": self._set_up(label, "billing.cycle"),
        }
