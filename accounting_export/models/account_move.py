from odoo import fields, models


class AccountMove(models.Model):
    """Where an invoice is on its way to the accounting software."""

    _inherit = "account.move"

    accounting_item_ids = fields.One2many(
        "accounting.export.item",
        "move_id",
        string="Accounting Export",
        readonly=True,
        copy=False,
        groups="billing_operations.group_billing_user",
    )
