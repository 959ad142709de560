from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_wallet_revenue = fields.Selection(
        related="company_id.billing_wallet_revenue", readonly=False
    )
    billing_wallet_journal_id = fields.Many2one(
        related="company_id.billing_wallet_journal_id", readonly=False
    )
    billing_wallet_tax_id = fields.Many2one(
        related="company_id.billing_wallet_tax_id", readonly=False
    )
    billing_wallet_tax_account_id = fields.Many2one(
        related="company_id.billing_wallet_tax_account_id", readonly=False
    )
