from odoo import models
from odoo.tools import SQL

from ...billing_runs.invoicing.guards import changed_methods
from ..sets import values_of

#: what posting together does without, or does at once for all: an addon that changes it is obeyed
POSTING = {
    "account.payment": "write action_post _generate_journal_entry _synchronize_to_moves",
}
KNOWN = {("account_payment", "account.payment", "action_post")}  # of payments with tokens


class AccountPayment(models.Model):
    """Payments of one journal that are posted together."""

    _inherit = "account.payment"

    def _changed_posting(self):
        """Return what other addons change of the posting of payments."""
        return set(changed_methods(self.env, POSTING)) - KNOWN

    def _post_together(self):
        """Post drafts that have no token and no wallet, with the outcome of ``action_post``.

        Odoo writes each payment by itself once its entry is made, and asks for each number. Here all
        entries are made, linked and posted at once, by the builder's posting.
        """
        if not self:
            return
        changed = self._changed_posting()
        special = self.filtered(
            lambda payment: (
                payment.move_id
                or payment.payment_token_id
                or payment.billing_wallet_id
                or payment.payment_type != "inbound"
                or not payment.outstanding_account_id
                or payment.outstanding_account_id.account_type == "asset_cash"
            )
        )
        if changed or special:
            self.action_post()
            return
        # There is no distribution before, and posting makes the analytic items.
        moves = (
            self.env["account.move"]
            .with_context(skip_analytic_sync=True)
            .create([payment._generate_move_vals() for payment in self])
        )
        self.env.flush_all()
        for some in values_of(zip(self.ids, moves.ids, strict=True)):
            self.env.cr.execute(
                SQL(
                    "UPDATE account_payment p SET move_id = v.move, state = 'in_process'"
                    " FROM (VALUES %s) AS v(id, move) WHERE p.id = v.id",
                    some,
                )
            )
        self.invalidate_recordset(["move_id", "state"])
        self.modified(["move_id", "state"])
        self.env["billing.invoice.builder"]._post_invoices(moves.with_env(self.env))
