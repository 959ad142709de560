from odoo import api, fields, models

BILLING_GROUP = "billing_operations.group_billing_user"


class ResPartner(models.Model):
    """The wallets of a customer."""

    _inherit = "res.partner"

    billing_wallet_count = fields.Integer(
        string="Wallets", compute="_compute_billing_wallet_count", groups=BILLING_GROUP
    )

    @api.depends_context("allowed_company_ids")
    def _compute_billing_wallet_count(self):
        counts = dict(
            self.env["billing.wallet"]._read_group(
                [("partner_id", "in", self.commercial_partner_id.ids)],
                ["partner_id"],
                ["__count"],
            )
        )
        for partner in self:
            partner.billing_wallet_count = counts.get(partner.commercial_partner_id._origin, 0)

    def action_open_billing_wallets(self):
        """Open this customer's wallets, or the form of a new one."""
        self.ensure_one()
        self.env["billing.wallet"].check_access("read")
        customer = self.commercial_partner_id
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_wallet_action"
        )
        return action | {
            "domain": [("partner_id", "=", customer.id)],
            "context": {"default_partner_id": customer.id},
        }
