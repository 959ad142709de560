from odoo import api, fields, models
from odoo.exceptions import UserError

from ...services.proration import round_amount, smallest_coin, to_decimal
from ..pockets import move

SIGNS = {"credit": 1, "grant": 1, "reimburse": -1, "transfer": -1}


class BillingWalletDialog(models.TransientModel):
    """What a manager books on a wallet by hand: asked with the figures before and after, and why."""

    _name = "billing.wallet.dialog"
    _description = "Book on Wallet"
    _check_company_auto = True

    wallet_id = fields.Many2one("billing.wallet", required=True, check_company=True)
    company_id = fields.Many2one(related="wallet_id.company_id")
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    operation = fields.Selection(
        [
            ("credit", "Credit"),
            ("grant", "Grant"),
            ("reimburse", "Reimburse"),
            ("transfer", "Transfer"),
            ("void", "Void"),
            ("lock", "Lock"),
        ],
        required=True,
        readonly=True,
    )
    amount = fields.Monetary(help="With tax, in the currency of the wallet.")
    reason = fields.Char(required=True, help="Stands on the statement.")
    expiry_date = fields.Date(
        string="Valid Until", help="The last day on which it can be spent. Empty: without end."
    )
    journal_id = fields.Many2one(
        "account.journal",
        string="Pay Out From",
        check_company=True,
        domain="[('type', 'in', ('bank', 'cash', 'credit')), ('company_id', '=', company_id)]",
        help="The money is paid out by a payment of this journal. Empty: it is paid out otherwise.",
    )
    other_wallet_id = fields.Many2one(
        "billing.wallet",
        string="To Wallet",
        check_company=True,
        domain="[('company_id', '=', company_id), ('currency_id', '=', currency_id),"
        " ('id', '!=', wallet_id)]",
    )
    transaction_id = fields.Many2one(
        "billing.wallet.transaction", readonly=True, check_company=True
    )
    balance = fields.Monetary(string="Balance Now", compute="_compute_figures")
    paid_balance = fields.Monetary(string="Of Which Paid Now", compute="_compute_figures")
    balance_after = fields.Monetary(compute="_compute_figures")
    granted_after = fields.Monetary(string="Of Which Granted", compute="_compute_figures")
    other_balance_after = fields.Monetary(string="Their Balance After", compute="_compute_figures")
    effect = fields.Text(compute="_compute_effect")

    @api.depends("wallet_id", "operation", "amount", "other_wallet_id", "transaction_id")
    def _compute_figures(self):
        for dialog in self:
            pockets = dialog.wallet_id._pockets()
            dialog.balance = pockets.balance
            dialog.paid_balance = pockets.paid
            kind, amount, granted = dialog._movement()
            after = move(pockets, kind, amount, granted)
            dialog.balance_after = after.balance
            dialog.granted_after = after.granted
            dialog.other_balance_after = to_decimal(dialog.other_wallet_id.balance) - amount

    @api.depends("operation", "transaction_id")
    def _compute_effect(self):
        for dialog in self:
            charges = dialog.transaction_id.charge_ids
            texts = {
                "credit": self.env._("The money counts as paid: it can be paid out again."),
                "grant": self.env._(
                    "The money is spent before what was paid, and can be neither paid out nor"
                    " transferred."
                ),
                "reimburse": self.env._("Paid money is taken out, to give it back."),
                "transfer": self.env._("Paid money moves to the other wallet."),
                "void": self.env._("The transaction stays, and another one takes it back."),
                "lock": self.env._(
                    "The wallet takes money and gives none: services are not debited from it."
                ),
            }
            if dialog.operation == "void" and charges:
                texts["void"] = self.env._(
                    "The money comes back. What it paid is not owed any more: %s.",
                    ", ".join(charges.mapped("name")),
                )
            if dialog.operation == "void" and dialog.transaction_id.kind == "transfer":
                texts["void"] = self.env._("The transfer is taken back in both wallets.")
            dialog.effect = texts.get(dialog.operation)

    def _movement(self):
        """Return (kind, amount, granted amount) of what would be booked on the wallet."""
        self.ensure_one()
        if self.operation == "void":
            booking = self.transaction_id._void_booking("")
            return "void", to_decimal(booking["amount"]), to_decimal(booking["granted"])
        amount = round_amount(to_decimal(self.amount), smallest_coin(self.currency_id))
        return self.operation, amount * SIGNS.get(self.operation, 0), to_decimal(0)

    def action_apply(self):
        """Book it; the wallet's own methods check rights and figures again."""
        self.ensure_one()
        wallet = self.wallet_id
        wallet._check_manager()
        wallet.check_access("write")
        if self.operation == "credit":
            wallet._credit(self.amount, self.reason)
        elif self.operation == "grant":
            wallet._grant(self.amount, self.reason, self.expiry_date or None)
        elif self.operation == "reimburse" and self.journal_id:
            self._pay_out()
        elif self.operation == "reimburse":
            wallet._reimburse(self.amount, self.reason)
        elif self.operation == "transfer":
            if not self.other_wallet_id:
                raise UserError(self.env._("Choose the wallet to transfer to."))
            self.other_wallet_id.check_access("write")
            wallet._transfer(self.other_wallet_id, self.amount, self.reason)
        elif self.operation == "void":
            self.transaction_id.check_access("read")
            if self.transaction_id.wallet_id != wallet:
                raise UserError(self.env._("This transaction belongs to another wallet."))
            self.transaction_id._void(wallet._needed(self.reason))
        else:
            wallet._lock_wallet(self.reason)
        return {"type": "ir.actions.act_window_close"}

    def _pay_out(self):
        """Post a payment to the customer: the money leaves the wallet with it."""
        wallet = self.wallet_id
        payment = self.env["account.payment"].create(
            {
                "payment_type": "outbound",
                "partner_type": "customer",
                "partner_id": wallet.partner_id.id,
                "company_id": wallet.company_id.id,
                "currency_id": wallet.currency_id.id,
                "journal_id": self.journal_id.id,
                "amount": wallet._positive(self.amount),
                "memo": wallet._needed(self.reason),
                "billing_wallet_id": wallet.id,
            }
        )
        payment.action_post()
