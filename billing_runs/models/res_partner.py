from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    billing_bill_count = fields.Integer(
        "Bills",
        compute="_compute_billing_bill_count",
        groups="billing_operations.group_billing_user",
    )

    def _compute_billing_bill_count(self):
        counts = dict(
            self.env["billing.bill"]._read_group(
                [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
            )
        )
        for partner in self:
            partner.billing_bill_count = counts.get(partner._origin, 0)

    def action_view_bills(self):
        """Open the customer's bills."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_bill"
        )
        return {**action, "domain": [("partner_id", "=", self.id)]}
