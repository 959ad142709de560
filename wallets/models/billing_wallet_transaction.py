from odoo import api, fields, models
from odoo.exceptions import UserError

from ...billing_tasks.texts import label
from ...services.loose_many2one import HeldMany2one, LooseMany2one
from ..triggers import TRANSACTION_TRIGGERS, WALLET_ROOM, WALLET_TRIGGERS


class BillingWalletTransaction(models.Model):
    """One movement of a wallet's money: booked once, never changed, never deleted.

    Kinds: ``credit`` (a top-up or goodwill), ``debit`` (what services cost), ``reimburse`` (paid back
    to the customer), ``void`` (takes another transaction back), ``transfer`` (to or from another
    wallet), ``grant`` (given, and spent before what was paid), ``expiry`` (what is left of a grant
    when its time is over). ``amount`` is signed; ``granted_amount`` is by how much the granted part
    of the balance changed. ``balance_after`` is checked by the database when it is booked.

    Nobody writes transactions, nor the system: they are booked by ``_book``. Billing users read
    them; managers void.

    Source keys: ``payment_id:<id>:<number>``, ``statement_line_id:<id>:<number>``,
    ``manual:<random>``, ``transfer:<random>:out`` and ``:in``, ``void:<id>``,
    ``expiry:<grant id>:<number>``. Packages above add their own prefixes.
    """

    _name = "billing.wallet.transaction"
    _description = "Wallet Transaction"
    _order = "id desc"
    _check_company_auto = True

    # The database looks a statement's wallets up together, as it adds to their balances.
    wallet_id = HeldMany2one(
        "billing.wallet", required=True, readonly=True, ondelete="restrict", check_company=True
    )
    partner_id = fields.Many2one(related="wallet_id.partner_id", string="Customer")
    # Those of the wallet, which the database compares: the wallet holds on to their records.
    company_id = LooseMany2one("res.company", required=True, readonly=True)
    currency_id = LooseMany2one("res.currency", required=True, readonly=True)
    date = fields.Date(required=True, readonly=True, help="By the calendar of the company.")
    kind = fields.Selection(
        [
            ("credit", "Credit"),
            ("debit", "Debit"),
            ("reimburse", "Reimbursement"),
            ("void", "Void"),
            ("transfer", "Transfer"),
            ("grant", "Grant"),
            ("expiry", "Expiry"),
        ],
        required=True,
        readonly=True,
    )
    name = fields.Char(string="Description", compute="_compute_name")
    amount = fields.Monetary(
        required=True, readonly=True, help="What came in; what went out is negative. With tax."
    )
    granted_amount = fields.Monetary(
        string="Granted",
        required=True,
        readonly=True,
        default=0.0,
        help="By how much the granted part of the balance changed.",
    )
    balance_after = fields.Monetary(
        required=True, readonly=True, aggregator=None, help="The wallet's balance afterwards."
    )
    reason = fields.Char(readonly=True)
    expiry_date = fields.Date(
        string="Valid Until",
        readonly=True,
        help="The last day on which granted money can be spent. Empty: without end.",
    )
    service_id = HeldMany2one(
        "billing.service",
        index="btree_not_null",
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    # The database refuses to delete transactions, whoever names them.
    voided_id = LooseMany2one(
        "billing.wallet.transaction",
        string="Takes Back",
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    void_ids = fields.One2many(
        "billing.wallet.transaction", "voided_id", string="Voided By", readonly=True
    )
    grant_id = LooseMany2one(
        "billing.wallet.transaction",
        readonly=True,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
        help="The grant of which this is what was left.",
    )
    other_wallet_id = HeldMany2one(
        "billing.wallet",
        readonly=True,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
        help="Where transferred money came from or went to.",
    )
    charge_ids = fields.One2many(
        "billing.charge", "wallet_transaction_id", string="Charges", readonly=True
    )
    source_key = fields.Char(required=True, readonly=True)
    can_void = fields.Boolean(compute="_compute_can_void")

    _source_once = models.UniqueIndex(
        "(company_id, source_key)", "This was booked already: a source is booked once."
    )
    _voided_once = models.UniqueIndex(
        "(voided_id) WHERE voided_id IS NOT NULL", "This transaction was taken back already."
    )
    _sign_fits_kind = models.Constraint(
        "CHECK(CASE WHEN kind IN ('credit', 'grant') THEN amount > 0"
        " WHEN kind IN ('debit', 'reimburse', 'expiry') THEN amount < 0 ELSE amount <> 0 END)",
        "Credits and grants add money; debits, reimbursements and expiries take it.",
    )
    _void_takes_back = models.Constraint(
        "CHECK((kind = 'void') = (voided_id IS NOT NULL))",
        "A void takes back one transaction, and nothing else does.",
    )
    _transfer_has_other = models.Constraint(
        "CHECK(kind <> 'transfer' OR other_wallet_id IS NOT NULL)",
        "A transfer is between two wallets.",
    )
    _expiry_has_grant = models.Constraint(
        "CHECK((kind = 'expiry') = (grant_id IS NOT NULL))", "An expiry ends one grant."
    )
    _has_reason = models.Constraint(
        "CHECK(kind IN ('debit', 'expiry') OR COALESCE(reason, '') <> '')",
        "What a person books needs a reason.",
    )
    _by_wallet = models.Index("(wallet_id, id)")
    _of_granted = models.Index("(wallet_id, id) WHERE granted_amount <> 0")
    _open_grants = models.Index("(expiry_date) WHERE kind = 'grant' AND expiry_date IS NOT NULL")

    def init(self):
        """Have the database add up balances and refuse what would rewrite them."""
        self.env.cr.execute(WALLET_ROOM)
        self.env.cr.execute(WALLET_TRIGGERS)
        self.env.cr.execute(TRANSACTION_TRIGGERS)

    # === COMPUTES === #

    @api.depends("kind", "reason", "service_id.display_name", "other_wallet_id.number")
    def _compute_name(self):
        for transaction in self:
            transaction.name = transaction._describe()

    @api.depends("name")
    def _compute_display_name(self):
        for transaction in self:
            transaction.display_name = f"{transaction.name} #{transaction.id}"

    def _describe(self) -> str:
        """Return what stands on the statement. Floors above say more about what they book."""
        self.ensure_one()
        kind = label(self, "kind")
        if self.kind == "debit" and self.service_id:
            return self.service_id.display_name
        if self.kind == "transfer":
            number = self.other_wallet_id.number
            if self.amount < 0:
                return self.env._(
                    "Transfer to %(wallet)s: %(reason)s", wallet=number, reason=self.reason
                )
            return self.env._(
                "Transfer from %(wallet)s: %(reason)s", wallet=number, reason=self.reason
            )
        return f"{kind}: {self.reason}" if self.reason else kind

    @api.depends("kind", "void_ids")
    def _compute_can_void(self):
        for transaction in self:
            transaction.can_void = not transaction._void_problem()

    # === ACTIONS === #

    def action_void(self):
        """Open the dialog that asks why the transaction is taken back."""
        self.ensure_one()
        self.wallet_id._check_manager()
        self.check_access("read")
        return self.wallet_id._dialog(
            "billing.wallet.dialog",
            self.env._("Void"),
            {
                "default_wallet_id": self.wallet_id.id,
                "default_operation": "void",
                "default_transaction_id": self.id,
            },
        )

    # === BUSINESS === #

    def _void_problem(self) -> str:
        """Return why the transaction cannot be taken back; nothing where it can."""
        self.ensure_one()
        if self.void_ids:
            return self.env._("%s was taken back already.", self.display_name)
        if self.kind == "void":
            return self.env._("A void cannot be taken back. Book the transaction anew.")
        if self.kind == "expiry":
            return self.env._("An expiry cannot be taken back. Grant the money anew.")
        if self.kind == "grant":
            return self.wallet_id._void_grant_problem(self)
        return self._document_problem()

    def _void(self, reason: str):
        """Take transactions back, each by another one, for ``reason``.

        A transfer is taken back in both wallets. What a debit paid is not owed any more: its
        charges are waived.

        :return: the new transactions
        """
        todo = self | self._partners_in_transfer()
        for transaction in todo:
            if problem := transaction._void_problem():
                raise UserError(problem)
        voids = self._book([transaction._void_booking(reason) for transaction in todo])
        todo.charge_ids._forgive(reason)
        return voids

    def _partners_in_transfer(self):
        """Return the other sides of these transfers."""
        keys = []
        for transaction in self.filtered(lambda t: t.kind == "transfer"):
            key, _colon, side = transaction.source_key.rpartition(":")
            keys.append(f"{key}:{'in' if side == 'out' else 'out'}")
        return self.search([("source_key", "in", keys), ("company_id", "in", self.company_id.ids)])

    def _void_booking(self, reason: str) -> dict:
        self.ensure_one()
        return {
            "wallet_id": self.wallet_id.id,
            "kind": "void",
            "amount": -self.amount,
            "granted": -self.granted_amount,
            "reason": reason,
            "voided_id": self.id,
            "service_id": self.service_id.id,
            "source_key": f"void:{self.id}",
        }
