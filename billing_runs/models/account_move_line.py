from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    billing_charge_ids = fields.One2many(
        "billing.charge", "move_line_id", "Charges", readonly=True, copy=False
    )
