from odoo import api, fields, models

BILLING_GROUP = "billing_operations.group_billing_user"


class ResPartner(models.Model):
    """A customer's mandates."""

    _inherit = "res.partner"

    billing_mandate_count = fields.Integer(
        string="Mandates", compute="_compute_billing_mandate_count", groups=BILLING_GROUP
    )

    @api.depends_context("allowed_company_ids")
    def _compute_billing_mandate_count(self):
        counts = dict(
            self.env["billing.mandate"]._read_group(
                [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
            )
        )
        for partner in self:
            partner.billing_mandate_count = counts.get(partner._origin, 0)

    def action_open_billing_mandates(self):
        """Open this customer's mandates."""
        self.ensure_one()
        self.env["billing.mandate"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_mandate_action"
        )
        return action | {
            "domain": [("partner_id", "=", self.id)],
            "context": {"default_partner_id": self.id},
        }
