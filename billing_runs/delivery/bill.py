from odoo import api, fields, models
from odoo.exceptions import UserError

from ...billing_tasks.texts import label
from .billing_delivery import FAILED_STATES


class BillingBill(models.Model):
    """What became of the bill's documents on their way to the customer."""

    _inherit = "billing.bill"

    delivery_ids = fields.One2many("billing.delivery", "bill_id", "Deliveries", readonly=True)
    delivery_count = fields.Integer("Delivered", compute="_compute_deliveries")
    delivery_problem = fields.Char(compute="_compute_deliveries")

    @api.depends("delivery_ids.state", "delivery_ids.successor_id")
    def _compute_deliveries(self):
        groups = self.env["billing.delivery"]._read_group(
            [("bill_id", "in", self.ids)], ["bill_id"], ["id:recordset"]
        )
        deliveries = dict(groups)
        for bill in self:
            mine = deliveries.get(bill._origin, self.env["billing.delivery"])
            bill.delivery_count = len(mine)
            bill.delivery_problem = ", ".join(
                f"{delivery.display_name}: {label(delivery, 'state')}"
                for delivery in mine
                if delivery.state in FAILED_STATES and not delivery.successor_id
            )

    def action_view_deliveries(self):
        """Open the deliveries of the bills' documents."""
        self.check_access("read")
        return self.env["billing.delivery"]._action_view([("bill_id", "in", self.ids)])

    def action_deliver_again(self):
        """Ask for the reason to deliver the bill's documents again."""
        self.check_access("read")
        deliveries = self.delivery_ids.filtered(
            lambda delivery: (
                delivery.state not in ("pending", "sending") and not delivery.successor_id
            )
        )
        if not deliveries:
            raise UserError(
                self.env._("Nothing was delivered yet. Use Next Steps of the billing run.")
            )
        return deliveries.action_resend()
