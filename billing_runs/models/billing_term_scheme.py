from odoo import api, models


class BillingTermScheme(models.Model):
    _inherit = "billing.term.scheme"

    @api.model_create_multi
    def create(self, vals_list):
        schemes = super().create(vals_list)
        self.env["billing.criterion"].sudo()._ensure_frequencies(schemes)
        return schemes

    def write(self, vals):
        result = super().write(vals)
        if "interval_number" in vals or "interval_unit" in vals:
            self.env["billing.criterion"].sudo()._ensure_frequencies(self)
        return result
