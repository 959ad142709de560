from odoo import models
from odoo.tools import format_date, formatLang

from ...billing_runs.portal.standing import Collection


class BillingPaymentLine(models.Model):
    """Collections as their customers read of them."""

    _inherit = "billing.payment.line"

    def _under_way_text(self):
        """Return what a customer is told while the money may have been asked for already; nothing
        where it certainly was not."""
        asked = self.filtered(lambda line: line._is_under_way())
        if not asked:
            return ""
        currency = asked.currency_id[:1]
        amount = formatLang(self.env, sum(asked.mapped("amount")), currency_obj=currency)
        if "unknown" in asked.mapped("state"):
            return self.env._(
                "We are finding out whether %s was collected already, and tell you.", amount
            )
        return self.env._("We are collecting %s at this moment.", amount)

    def _is_under_way(self):
        """Return whether the money may have been asked for."""
        self.ensure_one()
        if self.state == "submitted" and self.method == "card":
            return not self.next_try_date  # a charge that waits was not sent
        return self.state in ("submitted", "unknown")

    def _portal_collection(self):
        """Return how lines of one invoice are collected that were not sent yet."""
        days = set(self.mapped("collection_date")) - {False}
        total = formatLang(self.env, sum(self.mapped("amount")), currency_obj=self.currency_id[:1])
        if len(days) != 1:
            return Collection(self.env._("We collect %s from you.", total))
        [day] = days
        return Collection(
            self.env._(
                "We collect %(amount)s on %(day)s.", amount=total, day=format_date(self.env, day)
            ),
            day,
        )
