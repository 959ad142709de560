from odoo import api, fields, models

BILLING_GROUP = "billing_operations.group_billing_user"


class AccountMoveLine(models.Model):
    """From a line of an invoice to the calls that it bills."""

    _inherit = "account.move.line"

    billing_call_count = fields.Integer(
        "Calls", compute="_compute_billing_call_count", groups=BILLING_GROUP
    )

    @api.depends("billing_charge_ids.usage_calls")
    def _compute_billing_call_count(self):
        for line in self:
            line.billing_call_count = sum(line.billing_charge_ids.mapped("usage_calls"))

    def action_view_calls(self):
        """Open the calls that these lines bill, each with what priced it."""
        self.check_access("read")
        return self.billing_charge_ids.action_view_calls()
