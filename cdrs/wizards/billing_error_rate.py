from odoo import api, fields, models

from .proposed import proposed


class BillingErrorRate(models.TransientModel):
    """Adds the rate that calls of a cause lack. For billing managers."""

    _name = "billing.error.rate"
    _description = "Add Rate"
    _inherit = ["billing.error.dialog.mixin", "cdr.rate.price.mixin"]
    _price_source = "error_id"

    plan_id = fields.Many2one(related="error_id.plan_id")
    currency_id = fields.Many2one(related="error_id.plan_id.currency_id")
    prefix = proposed(
        fields.Char,
        "_compute_from_error",
        help="What all numbers that were called begin with; shorten it to cover more.",
    )
    name = fields.Char(string="Destination", required=True)
    date_from = proposed(fields.Date, "_compute_from_error", string="From", required=True)

    @api.depends("error_id")
    def _compute_from_error(self):
        for dialog in self:
            dialog.prefix = dialog.error_id.prefix
            dialog.date_from = dialog.error_id.first_date

    def _correct(self):
        self.env["cdr.rate"].create(
            self._price_values()
            | {name: self[name] for name in ("prefix", "name", "date_from")}
            | {"plan_id": self.plan_id.id}
        )
