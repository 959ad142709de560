from odoo import api, fields, models


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
    billing_bill_layout = fields.Selection(related="company_id.billing_bill_layout", readonly=False)
    billing_bill_archive = fields.Boolean(related="company_id.billing_bill_archive", readonly=False)
    billing_bill_template = fields.Binary(
        related="company_id.billing_bill_template", readonly=False, groups="base.group_system"
    )
    billing_bill_template_name = fields.Char(
        related="company_id.billing_bill_template_name", readonly=False, groups="base.group_system"
    )
    billing_bill_layout_missing = fields.Char(compute="_compute_billing_bill_layout_missing")

    @api.depends("billing_bill_layout", "billing_bill_archive")
    def _compute_billing_bill_layout_missing(self):
        """Say what the server lacks for the chosen layout."""
        for settings in self:
            settings.billing_bill_layout_missing = settings.company_id._bill_layout_missing(
                settings.billing_bill_layout, settings.billing_bill_archive
            )

    def action_preview_bill_layout(self):
        """Open the PDF of the company's newest invoice, laid out anew."""
        self.ensure_one()
        return self.company_id._preview_bill_layout()
