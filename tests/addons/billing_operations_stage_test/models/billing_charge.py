from odoo import fields, models


class BillingCharge(models.Model):
    _inherit = "billing.charge"

    test_reading_id = fields.Many2one("billing.test.reading", readonly=True)
