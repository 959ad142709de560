from odoo import fields, models

from .numbers import known_committed


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

    def _locked_increment(self, format_string, format_values):
        """Go on from what others have committed meanwhile, where that is known: this transaction does
        not see it, and Odoo would try each number that was taken, one after the other."""
        if known := known_committed(self.env):
            highest = known.get(self, format_string, format_values)
            format_values = format_values | {"seq": max(format_values["seq"], highest)}
        return super()._locked_increment(format_string, format_values)
