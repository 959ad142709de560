from odoo import fields, models

from ...billing_tasks.proof import has_proof
from .billing_wallet_payments import DOCUMENT


class BillingWalletTransaction(models.Model):
    """What a transaction stands for in Odoo's accounting."""

    _inherit = "billing.wallet.transaction"

    payment_id = fields.Many2one(
        "account.payment",
        readonly=True,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
    )
    statement_line_id = fields.Many2one(
        "account.bank.statement.line",
        string="Bank Line",
        readonly=True,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
    )

    def action_open_document(self):
        """Open the payment, or the journal entry of the bank line."""
        self.ensure_one()
        self.check_access("read")
        document = self.payment_id or self.statement_line_id.move_id
        return {
            "type": "ir.actions.act_window",
            "res_model": document._name,
            "res_id": document.id,
            "view_mode": "form",
        }

    def _document_problem(self) -> str:
        """Return why a transaction with a document is not taken back by itself."""
        self.ensure_one()
        if has_proof(self.env, DOCUMENT):
            return ""
        if self.payment_id:
            return self.env._(
                "%(transaction)s stands for payment %(payment)s. Cancel the payment instead.",
                transaction=self.display_name,
                payment=self.payment_id.display_name,
            )
        if self.statement_line_id:
            return self.env._(
                "%s stands for a line of a bank statement. Take the line off the wallet instead.",
                self.display_name,
            )
        return ""
