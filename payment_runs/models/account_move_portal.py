from odoo import models

from ...billing_runs.portal.standing import Collection
from .billing_payment_line import LIVE_STATES


class AccountMove(models.Model):
    """An invoice that is being collected says so to its customer, and is not paid twice by accident."""

    _inherit = "account.move"

    def _live_collections(self):
        """Return ``{invoice: collections}`` of those that are in a payment run that was confirmed."""
        found = {}
        for move in self:
            lines = move.sudo().billing_payment_line_ids
            if lines := lines.filtered(lambda line: line.state in LIVE_STATES):
                found[move] = lines
        return found

    def _billing_collections(self):
        found = super()._billing_collections()
        for move, lines in self._live_collections().items():
            told = found.get(move)
            if text := lines._under_way_text():
                found[move] = Collection(text, under_way=True)
            elif not told:
                found[move] = lines._portal_collection()
        return found

    def _has_to_be_paid(self):
        """Offer no payment on Odoo's pages of what is being collected."""
        return super()._has_to_be_paid() and not self._live_collections()

    def _get_online_payment_error(self):
        error = super()._get_online_payment_error()
        if found := self._billing_collections().get(self):
            error = "\n".join(filter(None, (found.note, error)))
        return error
