from odoo import models
from odoo.fields import Domain
from odoo.tools import format_date, formatLang

from ..accounts import masked


class BillingPaymentLine(models.Model):
    """What a customer is told of the collection: used by the mail's template."""

    _inherit = "billing.payment.line"

    def _notice_lines(self):
        """Return all lines of the customer in the run that are collected."""
        self.ensure_one()
        return self.search(
            Domain("run_id", "=", self.run_id.id)
            & Domain("partner_id", "=", self.partner_id.id)
            & Domain("state", "in", ("draft", "confirmed", "submitted")),
            order="id",
        )

    def _notice_total(self) -> str:
        self.ensure_one()
        total = sum(self._notice_lines().mapped("amount"))
        return formatLang(self.env, total, currency_obj=self.currency_id)

    def _notice_date(self) -> str:
        self.ensure_one()
        return format_date(self.env, self.collection_date)

    def _notice_account(self) -> str:
        """Return the debited account, so that only its owner can tell which it is."""
        self.ensure_one()
        return masked(self.mandate_id.iban)
