from odoo import fields, models
from odoo.tools import format_date, formatLang

from ...billing_runs.layouts.means import SEPA_DIRECT_DEBIT, PaymentMeans
from ..target import next_open
from .billing_payment_line import LIVE_STATES


class AccountMove(models.Model):
    """An invoice knows in which payment runs it is, and says how it is collected."""

    _inherit = "account.move"

    billing_payment_line_ids = fields.One2many(
        "billing.payment.line",
        "move_id",
        string="Collections",
        groups="billing_operations.group_billing_user",
    )

    def _billing_payment_means(self):
        means = super()._billing_payment_means()
        for company, moves in self.grouped("company_id").items():
            if company._creditor_id():
                means.update(moves.with_company(company)._debit_means())
            if company._card_providers():
                means.update(moves.with_company(company)._card_means())
        return means

    def _debit_means(self):
        """Return ``{invoice: PaymentMeans}`` of one company's invoices that are debited."""
        open_moves = self.filtered(
            lambda move: (
                move.move_type == "out_invoice"
                and move.state == "posted"
                and move.currency_id.name == "EUR"
            )
        )
        lines = self.env["billing.payment.line"].sudo()
        found = lines.search(
            [
                ("move_id", "in", open_moves.ids),
                ("method", "=", "direct_debit"),
                ("state", "in", LIVE_STATES),
            ],
            order="collection_date desc, id desc",
        )
        live = {line.move_id.id: line for line in found}
        waiting = open_moves.filtered(lambda move: move.id not in live and move.amount_residual > 0)
        mandates = waiting._debit_mandates()
        means = {}
        for move in open_moves:
            line = live.get(move.id)
            if line:
                means[move] = move._say_debit(line.mandate_id, line.amount, line.collection_date)
            elif mandate := mandates.get(move.commercial_partner_id.id):
                if move.amount_residual > 0:
                    day = move._expected_debit_date()
                    means[move] = move._say_debit(mandate, move.amount_residual, day)
        return means

    def _debit_mandates(self):
        """Return ``{customer id: mandate}`` of the invoices' customers who pay by direct debit."""
        today = self.env.company._billing_today()
        partners = self.commercial_partner_id.sudo().filtered(
            lambda partner: partner.billing_payment_preference == "direct_debit"
        )
        held = partners._held_from_collection(today)
        partners = partners.filtered(lambda partner: partner.id not in held)
        return self.env["billing.mandate"].sudo()._usable(partners, today)

    def _expected_debit_date(self):
        """Return the day on which an invoice is collected by itself; None where a person decides or
        there is more than one day."""
        company = self.company_id
        due = self.line_ids.filtered(lambda line: line.account_type == "asset_receivable")
        if not company.sudo().billing_collect_automatically or len(due) != 1:
            return None
        first = self.env["billing.payment.run"]._earliest_date(company)
        day = max(due.date_maturity or self.invoice_date, first)
        return next_open(day) if company.sudo().billing_debit_target else day

    def _say_debit(self, mandate, amount, day):
        """Return how an invoice is collected, in the language of the environment."""
        total = formatLang(self.env, amount, currency_obj=self.currency_id)
        if day:
            note = self.env._(
                "We collect %(amount)s on %(day)s from your account by SEPA direct debit.",
                amount=total,
                day=format_date(self.env, day),
            )
        else:
            note = self.env._(
                "We collect %s from your account by SEPA direct debit and tell you beforehand on which day.",
                total,
            )
        return PaymentMeans(
            code=SEPA_DIRECT_DEBIT,
            note=note,
            day=day,
            mandate=mandate.reference,
            creditor=self.company_id._creditor_id(),
            account=mandate.iban or "",
        )
