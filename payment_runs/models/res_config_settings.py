from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_creditor_id = fields.Char(related="company_id.billing_creditor_id", readonly=False)
    billing_creditor_name = fields.Char(related="company_id.billing_creditor_name", readonly=False)
