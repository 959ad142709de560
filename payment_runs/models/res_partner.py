from odoo import api, fields, models

BILLING_GROUP = "billing_operations.group_billing_user"


class ResPartner(models.Model):
    """A customer's mandates, and until when nothing is collected."""

    _inherit = "res.partner"

    billing_collection_hold_until = fields.Date(
        string="Hold Until",
        company_dependent=True,
        groups=BILLING_GROUP,
        help="The last day of the collection hold. Empty: until somebody ends it.",
    )

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

    @api.model
    def _commercial_fields(self):
        return super()._commercial_fields() + ["billing_collection_hold_until"]

    def _held_from_collection(self, day):
        """Return the ids of the customers from whom nothing may be collected on a day."""
        held = self.sudo().filtered("billing_collection_hold")
        return {
            partner.id
            for partner in held
            if not partner.billing_collection_hold_until
            or partner.billing_collection_hold_until >= day
        }
