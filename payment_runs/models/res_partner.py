from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

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

    billing_card_count = fields.Integer(
        string="Saved Cards", compute="_compute_billing_card_count", groups=BILLING_GROUP
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

    def _compute_billing_card_count(self):
        for partner in self:
            partner.billing_card_count = self.env["payment.token"].search_count(
                partner._billing_card_domain()
            )

    def action_open_billing_cards(self):
        """Open the cards that this customer has saved."""
        self.ensure_one()
        if not self.env.user.has_group(BILLING_GROUP):
            raise AccessError(self.env._("Only billing users see the saved cards of customers."))
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_card_action"
        )
        return action | {"domain": list(self._billing_card_domain()), "context": {}}

    def _billing_card_domain(self):
        """Return the domain of the cards that customers and their contacts have saved."""
        return Domain("partner_id", "child_of", self.commercial_partner_id.ids)

    def _billing_cards(self, company):
        """Return the saved cards of these customers at a company's providers, the newest first."""
        tokens = self.env["payment.token"].sudo()
        return tokens.search(
            self._billing_card_domain() & Domain("company_id", "=", company.id), order="id desc"
        )

    def _billing_cards_of(self, company, currency, day):
        """Return ``{customer id: (card, code)}``: the newest card of each that can be charged in a
        currency on a day, or none and why."""
        found = {partner.id: (self.env["payment.token"], "no_card") for partner in self}
        for token in self._billing_cards(company):
            customer = token.partner_id.commercial_partner_id.id
            if customer not in found or not found[customer][1]:
                continue
            code = token._usable_for(currency, day)
            if not code or found[customer][1] == "no_card":
                found[customer] = (token, code)
        return found

    def _billing_card(self, company, currency, day):
        """Return the card of one customer that can be charged and None, or why there is none."""
        self.ensure_one()
        return self._billing_cards_of(company, currency, day)[self.id]

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
