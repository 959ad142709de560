from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_accrued_account_id = fields.Many2one(
        related="company_id.billing_accrued_account_id", readonly=False
    )
    billing_deferred_account_id = fields.Many2one(
        related="company_id.billing_deferred_account_id", readonly=False
    )
    billing_closing_journal_id = fields.Many2one(
        related="company_id.billing_closing_journal_id", readonly=False
    )
