from odoo import api, models
from odoo.exceptions import UserError

from ...services.loose_many2one import LooseMany2one


class BillingCharge(models.Model):
    """Charges that a wallet paid: settled without a document, by one transaction."""

    _inherit = "billing.charge"

    # The database refuses to delete transactions, whoever names them.
    wallet_transaction_id = LooseMany2one(
        "billing.wallet.transaction",
        index="btree_not_null",
        readonly=True,
        copy=False,
        check_company=True,
        ondelete="restrict",
        help="The debit of the wallet that paid this charge.",
    )

    returned_transaction_id = LooseMany2one(
        "billing.wallet.transaction",
        index="btree_not_null",
        readonly=True,
        copy=False,
        check_company=True,
        ondelete="restrict",
        help="The debit that paid this charge before it was taken back.",
    )

    _debited_is_settled = models.Constraint(
        "CHECK(wallet_transaction_id IS NULL OR state = 'settled')",
        "A charge that a wallet paid is settled.",
    )

    def action_open_wallet_transaction(self):
        """Open the debit that paid this charge."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "billing.wallet.transaction",
            "res_id": self.wallet_transaction_id.id,
            "view_mode": "form",
        }

    @api.private
    def _reopen(self):
        """Also: what a wallet paid is open again once its debit was voided."""
        paid = self.wallet_transaction_id
        if standing := paid.filtered(lambda debit: not debit.void_ids):
            raise UserError(
                self.env._(
                    "Charge %(charge)s was paid from a wallet. Void transaction %(transaction)s"
                    " instead.",
                    charge=self.filtered(lambda c: c.wallet_transaction_id in standing)[
                        0
                    ].display_name,
                    transaction=standing[0].display_name,
                )
            )
        for charge in self.filtered("wallet_transaction_id"):
            charge.returned_transaction_id = charge.wallet_transaction_id
            charge.wallet_transaction_id = False
        return super()._reopen()

    @api.private
    def _forgive(self, reason: str):
        """settled → waived: what was paid from a wallet is given back, for ``reason``."""
        self._reopen()
        self._waive(reason)
