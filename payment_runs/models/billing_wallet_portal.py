import math

from odoo import models
from odoo.exceptions import UserError


class BillingWallet(models.Model):
    """Customers who switch the top-up by card of their own wallet on and off in the portal."""

    _inherit = "billing.wallet"

    def _offers_top_up(self):
        """Return whether the company lets the customer switch it on."""
        self.ensure_one()
        company = self.company_id.sudo()
        return bool(
            self.state == "open"
            and company.billing_top_up_portal
            and company.billing_wallet_account_id
            and company._card_providers()
        )

    def _top_up_card(self):
        """Return the card that would be charged, none where the customer has none that can be."""
        self.ensure_one()
        company = self.company_id
        card, code = self.partner_id._billing_card(
            company, self.currency_id, company._billing_today()
        )
        return self.env["payment.token"] if code else card.sudo()

    def _top_up_most(self):
        """Return how much a month a customer may have charged at most, in the wallet's currency."""
        self.ensure_one()
        company = self.company_id.sudo()
        return company.currency_id._convert(
            company.billing_top_up_most, self.currency_id, company, company._billing_today()
        )

    def _agree_to_top_up(self, threshold, amount, ceiling, person):
        """Switch the top-up by card on as the customer wants it.

        :param person: the contact who agreed
        :raise UserError: it cannot be so, and why
        """
        self.ensure_one()
        if not self._offers_top_up():
            raise UserError(
                self.env._("Topping up by card cannot be switched on here: contact us.")
            )
        card = self._top_up_card()
        if not card:
            raise UserError(self.env._("Save a card first that does not expire this month."))
        numbers = (threshold, amount, ceiling)
        if not all(number is not None and math.isfinite(number) for number in numbers):
            raise UserError(self.env._("Write all three amounts as numbers."))
        currency = self.currency_id
        threshold, amount, ceiling = map(currency.round, numbers)
        if currency.compare_amounts(threshold, 0) < 0:
            raise UserError(self.env._("The balance to top up at cannot be below zero."))
        if currency.compare_amounts(amount, 0) <= 0:
            raise UserError(self.env._("Say how much is topped up each time."))
        most = self._top_up_most()
        if currency.compare_amounts(ceiling, most) > 0:
            raise UserError(
                self.env._("At most %s a month can be topped up by card.", currency.format(most))
            )
        if currency.compare_amounts(ceiling, amount) < 0:
            raise UserError(self.env._("The most a month has to be one top-up at least."))
        self.write(
            {
                "top_up_by_card": True,
                "top_up_threshold": threshold,
                "top_up_amount": amount,
                "top_up_ceiling": ceiling,
            }
        )
        self.message_post(
            body=self.env._(
                "%(person)s agreed in the portal: %(text)s The card is now %(card)s.",
                person=person.name,
                text=self._top_up_text(),
                card=card.display_name,
            ),
            author_id=person.id,
        )

    def _end_top_up(self, person):
        """Switch the top-up by card off; what waits to be charged is not charged any more.

        :param person: the contact who wants it so
        """
        self.ensure_one()
        if not self.top_up_by_card:
            return
        self.write({"top_up_by_card": False, "top_up_note": False})
        self.message_post(
            body=self.env._("%s switched topping up by card off in the portal.", person.name),
            author_id=person.id,
        )
