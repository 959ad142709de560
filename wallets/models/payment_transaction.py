from odoo import api, fields, models


class PaymentTransaction(models.Model):
    """Online payments that top a wallet up."""

    _inherit = "payment.transaction"

    billing_wallet_id = fields.Many2one(
        "billing.wallet",
        string="Wallet",
        index="btree_not_null",
        readonly=True,
        ondelete="restrict",
        help="The wallet that this online payment tops up.",
    )

    @api.model
    def _compute_reference_prefix(self, separator, **values):
        """Name online top-ups after their wallet."""
        if wallet_id := values.get("billing_wallet_id"):
            return self.env["billing.wallet"].sudo().browse(wallet_id).number
        return super()._compute_reference_prefix(separator, **values)

    def _create_payment(self, **extra_create_values):
        """Put the money into the wallet."""
        if self.billing_wallet_id:
            extra_create_values["billing_wallet_id"] = self.billing_wallet_id.id
        return super()._create_payment(**extra_create_values)
