from odoo import models


class BillingServiceChangeWizard(models.TransientModel):
    _inherit = "billing.service.change.wizard"

    def action_apply(self):
        """Ask for the change: it applies when it is carried out."""
        self.ensure_one()
        self.service_id.request_operation(
            "change", self._asked_values(), effective_date=self.effective_date
        )
        self.service_id._log_note(self.note)
        return {"type": "ir.actions.act_window_close"}

    def _asked_values(self) -> dict:
        """Return those of the values that differ from what the service has."""
        service = self.service_id
        quantities = {line.addon_id.id: line.quantity for line in service.addon_line_ids}
        asked = {}
        for name, value in self._values().items():
            if name == "addon_quantities":
                changed = {k: v for k, v in value.items() if v != quantities.get(k, 0.0)}
                if changed:
                    asked[name] = changed
            elif value != (service[name].id if name.endswith("_id") else service[name]):
                asked[name] = value
        return asked
