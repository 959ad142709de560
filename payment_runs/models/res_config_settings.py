from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_creditor_id = fields.Char(related="company_id.billing_creditor_id", readonly=False)
    billing_creditor_name = fields.Char(related="company_id.billing_creditor_name", readonly=False)
    billing_debit_journal_id = fields.Many2one(
        related="company_id.billing_debit_journal_id", readonly=False
    )
    billing_pain_version = fields.Selection(
        related="company_id.billing_pain_version", readonly=False
    )
    billing_prenotification_days = fields.Integer(
        related="company_id.billing_prenotification_days", readonly=False
    )
    billing_debit_lead_days = fields.Integer(
        related="company_id.billing_debit_lead_days", readonly=False
    )
    billing_debit_target = fields.Boolean(related="company_id.billing_debit_target", readonly=False)
    billing_settle_days = fields.Integer(related="company_id.billing_settle_days", readonly=False)
    billing_notice_template_id = fields.Many2one(
        related="company_id.billing_notice_template_id", readonly=False
    )
    billing_return_fee = fields.Monetary(
        related="company_id.billing_return_fee", currency_field="currency_id", readonly=False
    )
    billing_return_fee_product_id = fields.Many2one(
        related="company_id.billing_return_fee_product_id", readonly=False
    )
    billing_collect_automatically = fields.Boolean(
        related="company_id.billing_collect_automatically", readonly=False
    )
    billing_collect_cards_automatically = fields.Boolean(
        related="company_id.billing_collect_cards_automatically", readonly=False
    )
    billing_card_notice_days = fields.Integer(
        related="company_id.billing_card_notice_days", readonly=False
    )
    billing_card_retry_days = fields.Char(
        related="company_id.billing_card_retry_days", readonly=False
    )
    billing_card_pending_days = fields.Integer(
        related="company_id.billing_card_pending_days", readonly=False
    )
    billing_card_expiry_days = fields.Integer(
        related="company_id.billing_card_expiry_days", readonly=False
    )
    billing_card_user_id = fields.Many2one(
        related="company_id.billing_card_user_id", readonly=False
    )
