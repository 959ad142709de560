from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_top_up_portal = fields.Boolean(
        related="company_id.billing_top_up_portal", readonly=False
    )
    billing_top_up_most = fields.Monetary(
        related="company_id.billing_top_up_most", currency_field="currency_id", readonly=False
    )
