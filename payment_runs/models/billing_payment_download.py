from odoo import fields, models


class BillingPaymentDownload(models.Model):
    """Who had a direct debit file, and when. Written by the download alone; billing users read it."""

    _name = "billing.payment.download"
    _description = "Download of a Direct Debit File"
    _order = "id desc"

    file_id = fields.Many2one(
        "billing.payment.file", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="file_id.company_id", store=True, precompute=True, required=True, index=True
    )
    user_id = fields.Many2one("res.users", string="By", required=True, readonly=True)
    date = fields.Datetime(required=True, readonly=True)
