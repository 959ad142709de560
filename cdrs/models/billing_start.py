from odoo import api, models

from ..start_entries import START_ENTRIES


class BillingStart(models.AbstractModel):
    _inherit = "billing.start"

    @api.model
    def _entry_registry(self):
        """Add the entries about call records where a carrier sends any."""
        entries = super()._entry_registry()
        carriers = self.env["cdr.carrier"]
        if carriers.has_access("read") and carriers.search_count([], limit=1):
            entries += START_ENTRIES
        return entries
