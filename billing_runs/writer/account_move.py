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
