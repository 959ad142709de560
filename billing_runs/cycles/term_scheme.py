from odoo import api, models
from odoo.exceptions import UserError


class BillingTermScheme(models.Model):
    _inherit = "billing.term.scheme"

    @api.model_create_multi
    def create(self, vals_list):
        schemes = super().create(vals_list)
        self.env["billing.criterion"].sudo()._ensure_frequencies(schemes)
        return schemes

    def write(self, vals):
        if "classification" in vals:
            changed = self.filtered(lambda scheme: scheme.classification != vals["classification"])
            changed._check_no_cycle()
        result = super().write(vals)
        if "interval_number" in vals or "interval_unit" in vals:
            self.env["billing.criterion"].sudo()._ensure_frequencies(self)
        return result

    def _check_no_cycle(self):
        """Refuse another classification while cycles, whose runs are of one, name these terms."""
        cycles = (
            self.env["billing.cycle"].sudo().search([("term_scheme_ids", "in", self.ids)], limit=5)
        )
        if cycles:
            raise UserError(
                self.env._(
                    "The classification of billing terms %(terms)s cannot be changed: billing"
                    " cycles name them (%(cycles)s). Take them off there first.",
                    terms=", ".join((cycles.term_scheme_ids & self).mapped("display_name")),
                    cycles=", ".join(cycles.mapped("display_name")),
                )
            )
