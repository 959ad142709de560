from odoo import api, fields, models

BILLING_GROUP = "billing_operations.group_billing_user"


class ResPartner(models.Model):
    """What a customer was told about overdue invoices."""

    _inherit = "res.partner"

    billing_overdue_notice_count = fields.Integer(
        string="Overdue Notices",
        compute="_compute_billing_overdue_notice_count",
        groups=BILLING_GROUP,
    )

    @api.depends_context("allowed_company_ids")
    def _compute_billing_overdue_notice_count(self):
        counts = dict(
            self.env["billing.overdue.notice"]._read_group(
                [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
            )
        )
        for partner in self:
            partner.billing_overdue_notice_count = counts.get(partner._origin, 0)

    def action_open_overdue_notices(self):
        """Open what this customer was told about overdue invoices."""
        self.ensure_one()
        self.env["billing.overdue.notice"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_overdue_notice_action"
        )
        return action | {"domain": [("partner_id", "=", self.id)], "context": {}}
