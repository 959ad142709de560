from typing import NamedTuple

from odoo import models
from odoo.fields import Domain
from odoo.tools import str2bool

#: what a customer pays at once: one bill; one bill although it is collected; all that is open
SCOPES = ("bill", "anyway", "all")


class ToPay(NamedTuple):
    """What a customer pays at once, all of one company, currency and account."""

    #: invoices to pay, the first due first
    invoices: object
    #: open journal items that are set off against them: credit notes, and payments without invoice
    credits: object
    #: what is left to pay
    amount: float
    #: ``{invoice: Collection}`` of those that are left out, since the company collects them
    collected: dict
    #: those that are left out, since their payment is being processed
    processing: object


class BillingBill(models.Model):
    """What customers pay in the portal: a bill, or all that is open together."""

    _inherit = "billing.bill"

    def _to_pay(self, scope):
        """Return what the customer of a bill pays at once.

        :param str scope: one of ``SCOPES``; ``all`` is what is open in the bill's company and currency,
            whatever made it
        :return: of :class:`ToPay`
        """
        self.ensure_one()
        open_ones = self._open_invoices() if scope == "all" else self._customer_documents()
        open_ones = open_ones.filtered(
            lambda move: (
                move.move_type == "out_invoice"
                and not self.currency_id.is_zero(move.amount_residual)
            )
        )
        collected = open_ones._billing_collections()
        if scope == "anyway":
            collected = {move: found for move, found in collected.items() if found.under_way}
        processing = open_ones._being_paid_online()
        invoices = open_ones - processing - open_ones.browse(move.id for move in collected)
        invoices = invoices.sorted(lambda move: (move._next_due() or move.invoice_date, move.id))
        # A payment settles what is owed on one account.
        account = invoices[:1]._receivable_account() if invoices else None
        invoices = invoices.filtered(lambda move: move._receivable_account() == account)
        credits = self._credits_to_use(scope, account)
        if collected or processing:
            credits = credits.browse()  # they may be meant for what is left out
        amount = self.currency_id.round(
            sum(invoices.mapped("amount_residual"))
            + sum(credits.mapped("amount_residual_currency"))
        )
        return ToPay(invoices, credits, max(amount, 0.0), collected, processing)

    def _open_invoices(self):
        """Return the open invoices of the bill's customer in its company and currency."""
        return self.env["account.move"].search(
            [
                ("commercial_partner_id", "=", self.partner_id.commercial_partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", ("not_paid", "partial", "in_payment")),
            ]
        )

    def _credits_to_use(self, scope, account):
        """Return the open journal items that are set off: those of the bill's own credit notes, or
        all of the customer."""
        lines = self.env["account.move.line"]
        if not account:
            return lines
        domain = Domain("account_id", "=", account.id) & Domain("reconciled", "=", False)
        domain &= Domain("parent_state", "=", "posted")
        domain &= Domain("amount_residual_currency", "<", 0)
        domain &= Domain("company_id", "=", self.company_id.id)
        domain &= Domain("currency_id", "=", self.currency_id.id)
        if scope == "all":
            customer = self.partner_id.commercial_partner_id
            domain &= Domain("partner_id.commercial_partner_id", "=", customer.id)
        else:
            domain &= Domain("move_id", "in", self._customer_documents().ids)
        return lines.search(domain, order="date_maturity, id")

    def _credit_left(self):
        """Return what the customer has paid too much, where nothing is open to set it off against."""
        self.ensure_one()
        customer = self.partner_id.commercial_partner_id
        lines = self.env["account.move.line"].search(
            [
                ("partner_id.commercial_partner_id", "=", customer.id),
                ("company_id", "=", self.company_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("account_id.account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("reconciled", "=", False),
            ]
        )
        owed = self.currency_id.round(sum(lines.mapped("amount_residual_currency")))
        return max(-owed, 0.0)

    def _paid_on_odoos_page(self, scope):
        """Return the one invoice that Odoo's own page knows more of: its instalments, or a discount
        for paying early. None where there is no such invoice."""
        to_pay = self._to_pay(scope)
        if len(to_pay.invoices) != 1 or to_pay.credits or scope == "anyway":
            return None
        invoice = to_pay.invoices
        values = invoice._get_invoice_next_payment_values()
        return invoice if values.get("installment_state") else None

    def _is_paid_online(self):
        """Return whether the bill's invoices can be paid in the portal: the setting is on, and a
        provider of its company takes payments there."""
        self.ensure_one()
        parameters = self.env["ir.config_parameter"].sudo()
        if not str2bool(parameters.get_param("account_payment.enable_portal_payment") or "False"):
            return False
        providers = self.env["payment.provider"].sudo()
        domain = Domain("state", "in", ("enabled", "test")) & Domain("is_published", "=", True)
        domain &= Domain("company_id", "=", self.company_id.id)
        return bool(providers.search_count(domain, limit=1))
