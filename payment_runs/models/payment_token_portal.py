from odoo import api, models


class PaymentToken(models.Model):
    """Saved cards as their customers see them beside their mandates."""

    _inherit = "payment.token"

    @api.model
    def _cards_of(self, person):
        """Return the saved cards that a contact may use: the own ones and those of the company, as on
        Odoo's page of payment methods."""
        owners = person | person.commercial_partner_id
        return self.search([("partner_id", "in", owners.ids)], order="company_id, id desc")

    def _portal_use(self):
        """Return in sentences what a card is charged for by itself."""
        self.ensure_one()
        company = self.company_id
        customer = self.partner_id.commercial_partner_id.with_company(company).sudo()
        first = customer._billing_cards(company)[:1] == self
        texts = []
        if first and customer.billing_payment_preference == "card":
            texts.append(self.env._("All your bills from %s are charged to it.", company.name))
        wallets = self.env["billing.wallet"].sudo()
        if first and wallets.search_count(
            [
                ("partner_id", "=", customer.id),
                ("company_id", "=", company.id),
                ("top_up_by_card", "=", True),
            ],
            limit=1,
        ):
            texts.append(self.env._("It tops up your balance."))
        return texts or [self.env._("Charged only where you choose it to pay.")]
