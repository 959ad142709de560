from odoo import api, fields, models
from odoo.fields import Domain

from .account_move_line import BILLING_GROUP
from .itemised import ItemisedCalls


class AccountMove(models.Model):
    """From an invoice to the calls that it bills."""

    _inherit = "account.move"

    billing_call_count = fields.Integer(
        "Calls", compute="_compute_billing_call_count", groups=BILLING_GROUP
    )

    @api.depends("state")
    def _compute_billing_call_count(self):
        counts = dict(
            self.env["billing.charge"]._read_group(
                [("move_id", "in", self.ids), ("kind", "=", "usage")],
                ["move_id"],
                ["usage_calls:sum"],
            )
        )
        for move in self:
            move.billing_call_count = counts.get(move._origin, 0)

    def action_view_calls(self):
        """Open the calls that these invoices bill, each with what priced it."""
        self.check_access("read")
        charges = self.env["billing.charge"]
        return charges.search(
            [("move_id", "in", self.ids), ("kind", "=", "usage")]
        ).action_view_calls()

    def _calls_domain(self):
        """Return the domain of the calls that the documents bill."""
        charges = self.env["billing.charge"].sudo()
        found = charges.search([("move_id", "in", self.ids), ("kind", "=", "usage")])
        return found._calls_domain() & Domain("state", "=", "charged")

    def _itemised_calls(self, domain=None):
        """Return the rows of the documents' calls.

        :param domain: of some of them; all by default
        """
        return ItemisedCalls(self, self._calls_domain() if domain is None else domain)

    def _has_calls(self):
        """Return whether a document bills calls."""
        self.ensure_one()
        domain = [("move_id", "=", self.id), ("kind", "=", "usage"), ("usage_calls", ">", 0)]
        return bool(self.env["billing.charge"].sudo().search_count(domain, limit=1))
