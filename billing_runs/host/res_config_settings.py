from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_batch_size = fields.Integer(related="company_id.billing_batch_size", readonly=False)
    billing_minimum_product_id = fields.Many2one(
        related="company_id.billing_minimum_product_id", readonly=False
    )
    billing_bank_stale_days = fields.Integer(
        related="company_id.billing_bank_stale_days", readonly=False
    )
    billing_anomaly_amount = fields.Monetary(
        related="company_id.billing_anomaly_amount",
        readonly=False,
        currency_field="currency_id",
    )
    billing_anomaly_percent = fields.Float(
        related="company_id.billing_anomaly_percent", readonly=False
    )
    billing_email_batch_size = fields.Integer(
        related="company_id.billing_email_batch_size", readonly=False
    )
    billing_bundle_size = fields.Integer(related="company_id.billing_bundle_size", readonly=False)
    billing_mail_template_id = fields.Many2one(
        related="company_id.billing_mail_template_id", readonly=False
    )
