from odoo import fields, models


class ResPartner(models.Model):
    """Where a customer is on the way to the accounting software."""

    _inherit = "res.partner"

    accounting_item_ids = fields.One2many(
        "accounting.export.item",
        "partner_id",
        string="Accounting Export",
        domain=[("kind", "=", "customer")],
        readonly=True,
        copy=False,
        groups="billing_operations.group_billing_user",
    )
