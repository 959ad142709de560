from odoo import fields, models


class BillingTestReading(models.Model):
    """A meter reading that is billed once, under its own name."""

    _name = "billing.test.reading"
    _description = "Test: Meter Reading"

    name = fields.Char(required=True)
    partner_id = fields.Many2one("res.partner", required=True)
    company_id = fields.Many2one("res.company", required=True)
    currency_id = fields.Many2one("res.currency", required=True)
    product_id = fields.Many2one("product.product", required=True)
    date = fields.Date(required=True)
    amount = fields.Monetary(required=True)
    charge_ids = fields.One2many("billing.charge", "test_reading_id")
