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
        return super()._create_payment(**extra_create_values)
