from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_date, formatLang

from ..accounts import masked
from .billing_payment_line import LIVE_STATES

#: states in which customers can take a mandate back
REVOCABLE_STATES = ("active", "blocked")


class Revoking(NamedTuple):
    """What taking a mandate back would come to: sentences for the customer."""

    #: what is collected all the same, since the bank was told already
    sent: list[str]
    #: what is not collected any more, and is to be paid otherwise
    dropped: list[str]


class BillingMandate(models.Model):
    """Mandates as their customers see them in the portal, where they take them back."""

    _inherit = "billing.mandate"

    @api.model
    def _mandates_of(self, customer):
        """Return the mandates that a customer was asked for or has given, of all companies."""
        mandates = self.with_context(active_test=False).search(
            [
                ("partner_id.commercial_partner_id", "=", customer.id),
                ("state", "!=", "cancelled"),
            ],
            order="company_id, sequence, id",
        )
        states = list(self._fields["state"].get_values(self.env))
        return mandates.sorted(lambda mandate: states.index(mandate.state))

    # === TEXTS === #

    def _portal_state(self):
        """Return the state of a mandate in words for its customer."""
        self.ensure_one()
        day = self.ended_date and format_date(self.env, self.ended_date)
        return {
            "draft": self.env._("To sign"),
            "active": self.env._("Active"),
            "blocked": self.env._("Stopped by your bank"),
            "expired": self.env._("Expired"),
            "revoked": self.env._("Revoked on %s", day) if day else self.env._("Revoked"),
            "ended": self.env._("Ended"),
            "cancelled": self.env._("Cancelled"),
        }[self.state]

    def _portal_use(self):
        """Return in one sentence what a mandate is used for."""
        self.ensure_one()
        company = self.company_id
        if self.state == "draft":
            return self.env._("Sign it, and we can debit your account.")
        if self.state == "blocked":
            return self.env._(
                "A collection came back from your bank, so we do not use it. Please contact us."
            )
        if self.state != "active":
            return self.env._("We do not use it any more.")
        if self.kind == "one_off":
            return self.env._("For one collection only.")
        customer = self.partner_id.commercial_partner_id.with_company(company).sudo()
        if customer.billing_payment_preference != "direct_debit":
            return self.env._("Not used at present: your bills are paid otherwise.")
        today = company._billing_today()
        first = self.with_company(company).sudo()._usable(self.partner_id, today)
        if first.get(self.partner_id.id) == self:
            return self.env._("All your bills from %s are debited with it.", company.name)
        return self.env._("In reserve: another mandate is used first.")

    def _portal_account(self):
        """Return the account as pages show it."""
        self.ensure_one()
        return masked(self.iban)

    def _pending_collections(self):
        """Return the collections with a mandate whose money has not come yet."""
        lines = self.env["billing.payment.line"].sudo()
        return lines.search(
            [("mandate_id", "in", self.ids), ("state", "in", LIVE_STATES)],
            order="collection_date, id",
        )

    def _next_debit_text(self):
        """Return how much is debited next, and when; nothing where nothing is announced."""
        self.ensure_one()
        today = self.company_id._billing_today()
        lines = self._pending_collections().filtered(
            lambda line: line.collection_date and line.collection_date >= today
        )
        if not lines:
            return ""
        day = lines[0].collection_date
        lines = lines.filtered(
            lambda line: line.collection_date == day and line.currency_id == lines[0].currency_id
        )
        return self.env._(
            "%(amount)s on %(day)s",
            amount=formatLang(
                self.env, sum(lines.mapped("amount")), currency_obj=lines[0].currency_id
            ),
            day=format_date(self.env, day),
        )

    # === REVOKING === #

    def _may_be_revoked(self):
        """Return whether the customer can take the mandate back."""
        self.ensure_one()
        return self.state in REVOCABLE_STATES

    def _revoking(self):
        """Return what taking the mandate back would come to, as :class:`Revoking`."""
        self.ensure_one()
        sent, dropped = [], []
        for line in self._pending_collections():
            values = {
                "amount": formatLang(self.env, line.amount, currency_obj=line.currency_id),
                "invoice": line.move_id.name,
                "day": format_date(self.env, line.collection_date),
            }
            if line.state == "confirmed":
                dropped.append(
                    self.env._("%(amount)s of %(invoice)s, planned for %(day)s", **values)
                )
            else:
                sent.append(self.env._("%(amount)s of %(invoice)s on %(day)s", **values))
        return Revoking(sent, dropped)

    def _revoke_by(self, person):
        """Take a mandate back for its customer; again is no-op.

        :param person: the contact who wants it so
        :raise UserError: it cannot be taken back
        """
        self.ensure_one()
        if self.state != "revoked" and not self._may_be_revoked():
            raise UserError(self.env._("Mandate %s is not in use any more.", self.reference))
        revoked = self._set_state("revoked", {"ended_date": self.company_id._billing_today()})
        if revoked:
            revoked.message_post(
                body=self.env._("%s revoked the mandate in the portal.", person.name),
                author_id=person.id,
            )
