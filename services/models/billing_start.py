from odoo import api, models

from ...billing_tasks.start_entry import opens
from ..start_entries import START_ENTRIES


class BillingStart(models.AbstractModel):
    _inherit = "billing.start"

    @api.model
    def _entry_registry(self):
        return super()._entry_registry() + list(START_ENTRIES)

    @api.model
    def _first_step(self):
        return super()._first_step() or self._first_service_step()

    @api.model
    def _first_service_step(self):
        """Return what to do where there is nothing to sell, or nothing sold yet."""
        if not self.env.user.has_group("billing_operations.group_billing_user"):
            return False
        if not self.env["billing.tariff"].search_count([], limit=1):
            label = self.env._("Tariff Plans")
            return {
                "sentence": self.env._(
                    "Nothing is set up yet. Begin with what you sell: billing terms say how often"
                    " it is billed, tariff plans at which price."
                ),
                "label": label,
                "action": self._set_up(label, "billing.tariff"),
            }
        if not self.env["billing.service"].search_count([], limit=1):
            label = self.env._("Services")
            return {
                "sentence": self.env._(
                    "No customer has a service yet. Order the first one and activate it: then"
                    " there is something to bill."
                ),
                "label": label,
                "action": self._set_up(label, "billing.service"),
            }
        return False

    @api.model
    def _set_up(self, name, model):
        """Return the action that lists the records of a model and makes new ones."""
        return {**opens(name, model, []), "context": {}}
