from odoo import fields, models
from odoo.tools import email_normalize_all

BILLING_GROUP = "billing_operations.group_billing_user"


class AccountMove(models.Model):
    """How a run's document reaches its customer."""

    _inherit = "account.move"

    billing_delivery_ids = fields.One2many(
        "billing.delivery", "move_id", "Deliveries", readonly=True, groups=BILLING_GROUP
    )
    billing_delivery_count = fields.Integer(
        compute="_compute_billing_delivery_count", groups=BILLING_GROUP
    )

    def _compute_billing_delivery_count(self):
        counts = dict(
            self.env["billing.delivery"]._read_group(
                [("move_id", "in", self.ids)], ["move_id"], ["__count"]
            )
        )
        for move in self:
            move.billing_delivery_count = counts.get(move._origin, 0)

    def action_view_deliveries(self):
        """Open the deliveries of the documents."""
        self.check_access("read")
        deliveries = self.env["billing.delivery"]
        deliveries._check_user()
        return deliveries._action_view([("move_id", "in", self.ids)])

    def _is_out_of_date(self):
        """Return whether the document is not delivered any more: a credit note has cancelled it. A
        run's own credit note says so to the customer, and is delivered."""
        self.ensure_one()
        if self.reversed_entry_id and self.billing_bill_id:
            return False
        return self.payment_state == "reversed" or self.billing_bill_id.state == "undone"

    def _forget_deliveries(self):
        """Take back what still waits to be delivered of the documents. Print bundles that are not
        printed yet are dissolved: their other documents go into new ones."""
        waiting = self.env["billing.delivery"].search(
            [("move_id", "in", self.ids), ("state", "=", "pending")]
        )
        bundles = waiting.bundle_id
        waiting.unlink()
        bundles.filtered(lambda bundle: bundle.state == "ready").unlink()

    def _billing_channel(self):
        """Return ``email``, ``print`` or None: how the customer wants documents.

        No choice means e-mail, as everywhere in Odoo.
        """
        self.ensure_one()
        customer = self.commercial_partner_id.with_company(self.company_id)
        method = customer.invoice_sending_method or "email"
        return method if method in ("email", "print") else None

    def _billing_recipients(self):
        """Return the e-mail addresses of the invoice's partner, each once."""
        self.ensure_one()
        return list(dict.fromkeys(email_normalize_all(self.partner_id.email or "")))
