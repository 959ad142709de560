from odoo import fields, models


class CdrRateReplace(models.TransientModel):
    """A new price for a rate from a day on: the version before ends there. For billing managers."""

    _name = "cdr.rate.replace"
    _description = "New Price"
    _inherit = "cdr.rate.price.mixin"
    _check_company_auto = True

    rate_id = fields.Many2one("cdr.rate", required=True, readonly=True, check_company=True)
    company_id = fields.Many2one(related="rate_id.company_id")
    currency_id = fields.Many2one(related="rate_id.currency_id")
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self.env.company._billing_today()
    )

    def _proposed_rate(self):
        return self.rate_id

    def action_apply(self):
        """Begin the new version."""
        self.ensure_one()
        self.rate_id._replace(self.date_from, self._price_values())
        return {"type": "ir.actions.act_window_close"}
