from odoo import fields, models


class AccountMove(models.Model):
    """How a document of a run was made."""

    _inherit = "account.move"

    billing_shape = fields.Char(
        "Written By Sets",
        readonly=True,
        copy=False,
        help="What it has in common with the document by which this way of writing was proven.",
    )
    billing_compared = fields.Boolean(
        "Compared With Odoo's",
        readonly=True,
        copy=False,
        help="After a later proof had failed; what differs was held once.",
    )
