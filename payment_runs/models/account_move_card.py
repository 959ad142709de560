from odoo import models
from odoo.tools import format_date, formatLang

from ...billing_runs.layouts.means import BANK_CARD, PaymentMeans
from .billing_payment_line import LIVE_STATES


class AccountMove(models.Model):
    """An invoice that is charged to a saved card says so, in place of the account to pay to."""

    _inherit = "account.move"

    def _card_means(self):
        """Return ``{invoice: PaymentMeans}`` of one company's invoices that are charged to cards."""
        open_moves = self.filtered(
            lambda move: move.move_type == "out_invoice" and move.state == "posted"
        )
        lines = self.env["billing.payment.line"].sudo()
        found = lines.search(
            [
                ("move_id", "in", open_moves.ids),
                ("method", "=", "card"),
                ("state", "in", (*LIVE_STATES, "rejected")),
            ],
            order="collection_date desc, id desc",
        )
        live = {line.move_id.id: line for line in found if line.state in LIVE_STATES}
        # What was declined to the end is paid otherwise.
        failed = found.filtered(lambda line: line.state == "rejected").move_id
        means = {}
        waiting = open_moves.filtered(lambda move: move.amount_residual > 0) - failed
        cards = (waiting | open_moves.browse(live))._cards_to_charge()
        for move in open_moves:
            line = live.get(move.id)
            card = cards.get(move.id)
            if line:
                day = line.next_try_date or line.collection_date
                card = line.token_id or card
                means[move] = move._say_card(card, line.amount, day)
            elif card and move in waiting:
                means[move] = move._say_card(
                    card, move.amount_residual, move._expected_charge_date()
                )
        return means

    def _cards_to_charge(self):
        """Return ``{invoice id: card}`` of invoices whose customers pay by card, and have one."""
        today = self.env.company._billing_today()
        cards = {}
        for currency, moves in self.grouped("currency_id").items():
            partners = moves.commercial_partner_id.sudo().filtered(
                lambda partner: partner.billing_payment_preference == "card"
            )
            held = partners._held_from_collection(today)
            charged = partners.filtered(lambda partner, held=held: partner.id not in held)
            usable = charged._billing_cards_of(self.env.company, currency, today)
            for move in moves:
                card, code = usable.get(move.commercial_partner_id.id, (None, "no_card"))
                if not code:
                    cards[move.id] = card
        return cards

    def _expected_charge_date(self):
        """Return the day on which an invoice is charged by itself; None where a person decides or there
        is more than one day."""
        company = self.company_id
        due = self.line_ids.filtered(lambda line: line.account_type == "asset_receivable")
        if not company.sudo().billing_collect_cards_automatically or len(due) != 1:
            return None
        first = self.env["billing.payment.run"]._earliest_date(company, "card")
        return max(due.date_maturity or self.invoice_date, first)

    def _say_card(self, card, amount, day):
        """Return how an invoice is charged, in the language of the environment."""
        values = {
            "amount": formatLang(self.env, amount, currency_obj=self.currency_id),
            "card": card.display_name if card else self.env._("saved card"),
        }
        if day:
            note = self.env._(
                "We charge %(amount)s on %(day)s to your card %(card)s.",
                day=format_date(self.env, day),
                **values,
            )
        else:
            note = self.env._("We charge %(amount)s to your card %(card)s.", **values)
        return PaymentMeans(code=BANK_CARD, note=note, day=day)
