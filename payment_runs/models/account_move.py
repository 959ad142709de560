from odoo import fields, models


class AccountMove(models.Model):
    """An invoice knows in which payment runs it is."""

    _inherit = "account.move"

    billing_payment_line_ids = fields.One2many(
        "billing.payment.line",
        "move_id",
        string="Collections",
        groups="billing_operations.group_billing_user",
    )
