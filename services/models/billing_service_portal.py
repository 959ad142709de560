from decimal import Decimal

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import format_date

from ...billing_tasks.texts import label
from ..periods import ONE_DAY

ENDED = ("terminated", "cancelled")
#: which services a customer looks at: domain
SHOWN = {
    "current": Domain("state", "not in", ENDED),
    "ended": Domain("state", "in", ENDED),
    "all": Domain.TRUE,
}


class BillingService(models.Model):
    """What the customer of a service reads of it in the portal.

    A service belongs to the company (or person) behind its customer, as Odoo's commercial partner:
    all logins of that company see it, those of no other one.
    """

    _inherit = "billing.service"

    @api.model
    def _portal_domain(self, partner) -> Domain:
        """Services of the company, or person, that a contact belongs to."""
        return Domain("partner_id.commercial_partner_id", "=", partner.commercial_partner_id.id)

    def _is_of(self, partner) -> bool:
        """Is this service of the company, or person, that a contact belongs to?"""
        self.ensure_one()
        owner = self.partner_id.commercial_partner_id
        return bool(owner) and owner == partner.commercial_partner_id

    @api.model
    def _portal_search_domain(self, text: str) -> Domain:
        """Services with ``text`` in their number, description, tariff, numbers or logins."""
        names = ("number", "name", "tariff_id.name", "identifier_ids.value")
        return Domain.OR(Domain(name, "ilike", text) for name in names)

    def _portal_identifiers(self):
        """Return the numbers and logins that the service has today."""
        self.ensure_one()
        today = self.company_id._billing_today()
        return self.identifier_ids.filtered(lambda row: not row.date_to or row.date_to > today)

    def _portal_state(self) -> str:
        """Return the state, and of a suspension who wanted it."""
        self.ensure_one()
        state = label(self, "state")
        if self.state != "suspended":
            return state
        reasons = {
            "client": self.env._("as you asked"),
            "unpaid": self.env._("invoices are unpaid"),
            "no_funds": self.env._("your balance is used up"),
        }
        reason = reasons.get(self.suspension_reason, self.env._("by us"))
        return self.env._("%(state)s: %(reason)s", state=state, reason=reason)

    def _portal_end(self) -> str:
        """Return what is known of the end; empty where none is agreed."""
        self.ensure_one()
        if not self.date_end or self.state == "cancelled":
            return ""
        last = format_date(self.env, self.date_end - ONE_DAY)
        if self.state == "terminated" or self.date_end <= self.company_id._billing_today():
            return self.env._("Its last day was %s.", last)
        return self.env._("It ends: the last day is %s.", last)

    # === MONEY === #

    def _portal_price(self) -> str:
        """Return what a full period costs, with its add-ons."""
        self.ensure_one()
        amount = sum((line.total for line in self._price_lines()), Decimal(0))
        return self.tariff_id._price_text(self.currency_id.round(float(amount)))

    def _portal_next_charge(self) -> dict:
        """Return what rating charges next, calls not counted: ``amount``, and ``when`` in words;
        nothing where nothing is left to charge."""
        self.ensure_one()
        day = self.next_billing_date
        if not day:
            return {}
        if day > self.company_id._billing_today():
            when = format_date(self.env, day)
        elif self.classification == "prepaid":
            when = self.env._("with the next debit")
        else:
            when = self.env._("with the next bill")
        return {"amount": self.tariff_id._money_text(self.next_billing_amount), "when": when}
