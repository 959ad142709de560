from odoo import api, fields, models
from odoo.exceptions import UserError


class BillingWalletTopUp(models.TransientModel):
    """A payment of the customer that is registered on the wallet by hand."""

    _name = "billing.wallet.top.up"
    _description = "Top Up Wallet"
    _check_company_auto = True

    wallet_id = fields.Many2one("billing.wallet", required=True, check_company=True)
    company_id = fields.Many2one(related="wallet_id.company_id")
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    amount = fields.Monetary(required=True, help="What the customer paid, with tax.")
    date = fields.Date(required=True, default=lambda self: self.env.company._billing_today())
    journal_id = fields.Many2one(
        "account.journal",
        compute="_compute_journal_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain="[('type', 'in', ('bank', 'cash', 'credit')), ('company_id', '=', company_id)]",
    )
    memo = fields.Char(help="Stands on the statement of the wallet and on the payment.")
    balance = fields.Monetary(related="wallet_id.balance", string="Balance Now")
    balance_after = fields.Monetary(compute="_compute_balance_after")

    @api.depends("wallet_id")
    def _compute_journal_id(self):
        journals = self.env["account.journal"]
        for dialog in self:
            dialog.journal_id = dialog.journal_id or journals.search(
                [
                    *journals._check_company_domain(dialog.company_id),
                    ("type", "in", ("bank", "cash")),
                ],
                limit=1,
            )

    @api.depends("wallet_id", "amount")
    def _compute_balance_after(self):
        for dialog in self:
            dialog.balance_after = dialog.balance + dialog.amount

    def action_apply(self):
        """Post the payment: the money is in the wallet with it."""
        self.ensure_one()
        self.wallet_id.check_access("write")
        if not self.journal_id:
            raise UserError(self.env._("Choose the journal that the money came to."))
        if self.currency_id.compare_amounts(self.amount, 0) <= 0:
            raise UserError(self.env._("The amount must be more than zero."))
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.wallet_id.partner_id.id,
                "company_id": self.company_id.id,
                "currency_id": self.currency_id.id,
                "journal_id": self.journal_id.id,
                "amount": self.amount,
                "date": self.date,
                "memo": self.memo or self.env._("Top-up of %s", self.wallet_id.number),
                "billing_wallet_id": self.wallet_id.id,
            }
        )
        payment.action_post()
        return {"type": "ir.actions.act_window_close"}
