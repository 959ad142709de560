from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ...billing_tasks.proof import with_proof
from ...services.proration import to_decimal

DOCUMENT = "wallet document"


class BillingWallet(models.Model):
    """Top-ups and pay-outs follow documents of Odoo's accounting: payments and bank lines.

    What is posted is in the wallet; what is cancelled is taken back. Money that was spent cannot be
    taken back, and neither then can its document.
    """

    _inherit = "billing.wallet"

    payment_ids = fields.One2many("account.payment", "billing_wallet_id", string="Payments")
    payment_count = fields.Integer(compute="_compute_payment_count")

    @api.depends("payment_ids")
    def _compute_payment_count(self):
        counts = dict(
            self.env["account.payment"]._read_group(
                [("billing_wallet_id", "in", self.ids)], ["billing_wallet_id"], ["__count"]
            )
        )
        for wallet in self:
            wallet.payment_count = counts.get(wallet._origin, 0)

    # === ACTIONS === #

    def action_top_up(self):
        """Open the dialog that registers a payment of the customer."""
        self.ensure_one()
        self.check_access("write")
        self._deposit_account()
        return self._dialog(
            "billing.wallet.top.up", self.env._("Top Up"), {"default_wallet_id": self.id}
        )

    def action_open_payments(self):
        """Open the payments of these wallets."""
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Payments"),
            "res_model": "account.payment",
            "view_mode": "list,form",
            "domain": [("billing_wallet_id", "in", self.ids)],
            "context": {"create": False},
        }

    # === BUSINESS === #

    def _deposit_account(self):
        """Return the liability account on which the company keeps its customers' money.

        :raise UserError: saying where it is chosen
        """
        self.ensure_one()
        account = self.company_id.sudo().billing_wallet_account_id
        if not account:
            raise UserError(
                self.env._(
                    "Choose the account for customers' deposits of %s first: Settings, Billing,"
                    " Wallets.",
                    self.company_id.name,
                )
            )
        return account

    def _check_document(self, partner, company, currency):
        """Check that a payment or a bank line may top this wallet up.

        :raise UserError: it is of another customer, company or currency
        """
        self.ensure_one()
        if partner and partner.commercial_partner_id != self.partner_id:
            raise UserError(
                self.env._(
                    "Wallet %(wallet)s does not belong to %(customer)s.",
                    wallet=self.display_name,
                    customer=partner.display_name,
                )
            )
        if company != self.company_id or currency != self.currency_id:
            raise UserError(
                self.env._(
                    "Wallet %(wallet)s takes money in %(currency)s of %(company)s only.",
                    wallet=self.display_name,
                    currency=self.currency_id.name,
                    company=self.company_id.name,
                )
            )

    def _follow(self, document: str, record, amount, reason: str):
        """Have the wallet hold what a document says: no more, no less.

        :param document: the transaction's field with the document
        :param record: the document
        :param amount: what it brings (below zero: takes); 0 where it does not count
        """
        self.ensure_one()
        transactions = self.env["billing.wallet.transaction"]
        self._lock_balances()
        domain = Domain(document, "=", record.id) & Domain("kind", "!=", "void")
        booked = transactions.search(domain)
        standing = booked.filtered(lambda transaction: not transaction.void_ids)
        amount = to_decimal(amount)
        if standing and (
            standing.wallet_id != self or to_decimal(sum(standing.mapped("amount"))) != amount
        ):
            with_proof(standing, DOCUMENT)._void(self.env._("Cancelled: %s", reason))
            standing = transactions
        if amount and not standing:
            kind = "credit" if amount > 0 else "reimburse"
            values = {
                "source_key": f"{document}:{record.id}:{len(booked)}",
                "date": record.date,
                document: record.id,
            }
            self._book_one(kind, amount, reason, **values)
