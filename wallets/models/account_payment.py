from odoo import api, fields, models
from odoo.exceptions import UserError

COUNTED_STATES = ("in_process", "paid")


class AccountPayment(models.Model):
    """Payments into and out of wallets: on the account of customers' deposits."""

    _inherit = "account.payment"

    billing_wallet_id = fields.Many2one(
        "billing.wallet",
        string="Wallet",
        check_company=True,
        index="btree_not_null",
        copy=False,
        tracking=True,
        ondelete="restrict",
        domain="[('partner_id', '=', partner_id), ('currency_id', '=', currency_id)]",
        help="The wallet that this payment tops up, or that it pays out.",
    )

    @api.depends("billing_wallet_id")
    def _compute_destination_account_id(self):
        result = super()._compute_destination_account_id()
        for payment in self.filtered("billing_wallet_id"):
            payment.destination_account_id = payment.sudo().billing_wallet_id._deposit_account()
        return result

    @api.constrains("billing_wallet_id", "partner_id", "currency_id", "company_id", "partner_type")
    def _check_billing_wallet(self):
        for payment in self.filtered("billing_wallet_id"):
            payment.sudo().billing_wallet_id._check_document(
                payment.partner_id, payment.company_id, payment.currency_id
            )

    def write(self, vals):
        if "billing_wallet_id" in vals:
            for payment in self:
                if payment.state != "draft" and payment.billing_wallet_id.id != (
                    vals["billing_wallet_id"] or False
                ):
                    raise UserError(
                        self.env._(
                            "The wallet of payment %s cannot be changed any more: reset it to"
                            " draft first.",
                            payment.display_name,
                        )
                    )
        result = super().write(vals)
        if "state" in vals:
            self._follow_in_wallets()
        return result

    def _follow_in_wallets(self):
        """Have the wallets hold what the payments say, now that these were posted or cancelled."""
        for payment in self.filtered("billing_wallet_id").sudo():
            counts = payment.state in COUNTED_STATES and (
                not payment.move_id or payment.move_id.state == "posted"
            )
            sign = 1 if payment.payment_type == "inbound" else -1
            payment.billing_wallet_id._follow(
                "payment_id",
                payment,
                sign * payment.amount if counts else 0,
                payment.memo or self.env._("Payment %s", payment.display_name),
            )
