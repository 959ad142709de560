from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_wallet_account_id = fields.Many2one(
        related="company_id.billing_wallet_account_id", readonly=False
    )
    billing_wallet_low_balance = fields.Monetary(
        related="company_id.billing_wallet_low_balance",
        readonly=False,
    )
    billing_wallet_notices = fields.Boolean(
        related="company_id.billing_wallet_notices", readonly=False
    )
