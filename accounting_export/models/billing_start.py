from odoo import api, models

from ..start_entries import START_ENTRIES


class BillingStart(models.AbstractModel):
    _inherit = "billing.start"

    @api.model
    def _entry_registry(self):
        return super()._entry_registry() + list(START_ENTRIES)
