from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_portal_order = fields.Boolean(related="company_id.billing_portal_order", readonly=False)
    billing_portal_change = fields.Boolean(
        related="company_id.billing_portal_change", readonly=False
    )
    billing_portal_suspend = fields.Boolean(
        related="company_id.billing_portal_suspend", readonly=False
    )
    billing_portal_end = fields.Boolean(related="company_id.billing_portal_end", readonly=False)
    billing_portal_lead_days = fields.Integer(
        related="company_id.billing_portal_lead_days", readonly=False
    )
    billing_portal_end_days = fields.Integer(
        related="company_id.billing_portal_end_days", readonly=False
    )
