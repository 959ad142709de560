from odoo import fields, models


class PaymentTransaction(models.Model):
    """A payment of several invoices at once that takes the customer's credits off first."""

    _inherit = "payment.transaction"

    billing_credit_line_ids = fields.Many2many(
        "account.move.line",
        "billing_transaction_credit_rel",
        "transaction_id",
        "line_id",
        string="Credits Set Off",
        readonly=True,
        copy=False,
        help="Open items that are matched with the invoices before the payment is.",
    )

    def _create_payment(self, **extra_create_values):
        self.ensure_one()
        credits = self.billing_credit_line_ids.filtered(
            lambda line: not line.reconciled and line.parent_state == "posted"
        )
        if credits:
            owed = self.invoice_ids.line_ids.filtered(
                lambda line: (
                    line.account_id == credits.account_id[:1]
                    and line.parent_state == "posted"
                    and not line.reconciled
                )
            )
            if owed:
                (owed + credits).reconcile()
        payment = super()._create_payment(**extra_create_values)
        self._tell_of_credit(payment)
        return payment

    def _tell_of_credit(self, payment):
        """Say on the invoices what of a payment was not needed: who pays twice has it as a credit."""
        lines = payment.move_id.line_ids.filtered(
            lambda line: line.account_id == payment.destination_account_id and not line.reconciled
        )
        left = -sum(lines.mapped("amount_residual_currency"))
        if not self.invoice_ids or self.currency_id.compare_amounts(left, 0) <= 0:
            return
        self._log_message_on_linked_documents(
            self.env._(
                "%(amount)s of the payment %(payment)s was not needed: what it was for is paid "
                "already. It is kept as the customer's credit; set it off or pay it back.",
                amount=self.currency_id.format(left),
                payment=payment._get_html_link(),
            )
        )
