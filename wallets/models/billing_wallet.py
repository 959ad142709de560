from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ...services.numbers import give_numbers

MANAGER = "billing_operations.group_billing_manager"
# What a wallet is for good once something was booked.
FIXED_FIELDS = ("partner_id", "company_id", "currency_id")
# An estimate is made every day; one that is older says nothing about today.
FRESH_DAYS = 2
# How much a customer may owe, and when he is told, is the managers' business.
MANAGER_FIELDS = ("credit_limit",)


class BillingWallet(models.Model):
    """What a customer paid in advance, in one currency of one company.

    States: ``open`` ⇄ ``locked``. A locked wallet takes money and gives none. The balance is gross
    money and changes by transactions alone: the database adds them up itself and refuses
    everything else. Granted money is a part of the balance that may expire; it is spent first. A
    wallet can be overdrawn down to its credit limit, never below.

    Billing users see wallets and make them; managers set credit limits, lock, credit, grant,
    reimburse, void and transfer. What was booked stays: a wallet with transactions cannot be
    deleted.
    """

    _name = "billing.wallet"
    _description = "Wallet"
    _inherit = ["billing.state.mixin", "billing.used.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "number desc, id desc"
    _rec_names_search = ["number", "partner_id"]
    _check_company_auto = True
    _own_fields = frozenset({"balance", "granted_balance", "low_since", "low_told"})
    _system_fields = frozenset({"state", "lock_reason", "depletion_date", "estimated_date"})

    number = fields.Char(readonly=True, copy=False, required=True, default="/")
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        check_company=True,
        tracking=True,
        ondelete="restrict",
        domain="[('parent_id', '=', False)]",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    state = fields.Selection(
        [("open", "Open"), ("locked", "Locked")],
        required=True,
        readonly=True,
        default="open",
        copy=False,
        tracking=True,
    )
    lock_reason = fields.Char(readonly=True, copy=False, tracking=True)
    balance = fields.Monetary(
        readonly=True, copy=False, default=0.0, help="All transactions together, tax included."
    )
    granted_balance = fields.Monetary(
        string="Of Which Granted",
        readonly=True,
        copy=False,
        default=0.0,
        help="The part of the balance that was given and not paid. It is spent first and can be"
        " neither paid out nor transferred.",
    )
    paid_balance = fields.Monetary(
        string="Of Which Paid",
        compute="_compute_pockets",
        help="What the customer paid and has not spent; below zero it is what he owes.",
    )
    available = fields.Monetary(
        compute="_compute_pockets", help="Balance and credit limit: what can be debited."
    )
    credit_limit = fields.Monetary(
        tracking=True, help="How far the balance may fall below zero. 0 means not at all."
    )
    low_balance = fields.Monetary(
        compute="_compute_low_balance",
        store=True,
        precompute=True,
        readonly=False,
        help="The customer is told once when the balance has fallen to it.",
    )
    low_since = fields.Datetime(
        readonly=True, copy=False, help="Since when the balance is at the threshold or below it."
    )
    low_told = fields.Boolean(
        string="Told",
        readonly=True,
        copy=False,
        help="Whether the customer was told that the balance is low, this time.",
    )
    depletion_date = fields.Date(
        string="Estimated Depletion",
        readonly=True,
        copy=False,
        help="The first day that the balance will not pay any more, as last estimated.",
    )
    estimated_date = fields.Date(
        string="Estimated On", readonly=True, copy=False, help="The day of the last estimate."
    )
    transaction_ids = fields.One2many(
        "billing.wallet.transaction", "wallet_id", string="Transactions", readonly=True
    )
    transaction_count = fields.Integer(compute="_compute_transaction_count")

    _number_unique = models.UniqueIndex(
        "(company_id, number)", "Another wallet of this company already has this number."
    )
    _customer_unique = models.UniqueIndex(
        "(partner_id, company_id, currency_id)",
        "The customer already has a wallet in this currency.",
    )
    _credit_limit_kept = models.Constraint(
        "CHECK(balance + COALESCE(credit_limit, 0) >= 0)",
        "The wallet does not hold that much: its balance would fall below its credit limit.",
    )
    _credit_limit_not_negative = models.Constraint(
        "CHECK(credit_limit >= 0)", "A credit limit cannot be negative."
    )
    _granted_within_balance = models.Constraint(
        "CHECK(granted_balance >= 0 AND granted_balance <= GREATEST(balance, 0))",
        "Granted money is a part of the balance.",
    )
    _locked_has_reason = models.Constraint(
        "CHECK(state <> 'locked' OR COALESCE(lock_reason, '') <> '')",
        "A locked wallet needs a reason.",
    )
    _to_tell = models.Index("(company_id) WHERE low_since IS NOT NULL AND low_told IS NOT TRUE")

    # === CONSTRAINTS === #

    @api.constrains("partner_id")
    def _check_customer(self):
        for wallet in self:
            customer = wallet.partner_id.commercial_partner_id
            if wallet.partner_id != customer:
                raise ValidationError(
                    self.env._(
                        "%(contact)s is a contact of %(customer)s: make the wallet for the"
                        " customer.",
                        contact=wallet.partner_id.display_name,
                        customer=customer.display_name,
                    )
                )

    # === COMPUTES === #

    @api.depends("number", "partner_id.display_name", "currency_id.name")
    def _compute_display_name(self):
        for wallet in self:
            number = wallet.number if wallet.number != "/" else self.env._("New Wallet")
            customer = wallet.partner_id.display_name
            wallet.display_name = (
                f"{number} {customer} ({wallet.currency_id.name})" if customer else number
            )

    @api.depends("company_id")
    def _compute_currency_id(self):
        for wallet in self:
            wallet.currency_id = wallet.currency_id or wallet.company_id.currency_id

    @api.depends("company_id", "currency_id")
    def _compute_low_balance(self):
        for wallet in self:
            company = wallet.company_id
            own = wallet.currency_id == company.currency_id
            if not wallet.low_balance:
                wallet.low_balance = company.billing_wallet_low_balance if own else 0.0

    @api.depends("balance", "granted_balance", "credit_limit")
    def _compute_pockets(self):
        for wallet in self:
            wallet.paid_balance = wallet.balance - wallet.granted_balance
            wallet.available = wallet.balance + wallet.credit_limit

    def _compute_transaction_count(self):
        counts = dict(
            self.env["billing.wallet.transaction"]._read_group(
                [("wallet_id", "in", self.ids)], ["wallet_id"], ["__count"]
            )
        )
        for wallet in self:
            wallet.transaction_count = counts.get(wallet._origin, 0)

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        give_numbers(self, vals_list)
        if any(vals.get(name) for vals in vals_list for name in MANAGER_FIELDS):
            self._check_manager()
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and set(vals).intersection(MANAGER_FIELDS):
            self._check_manager()
        fixed = [name for name in FIXED_FIELDS if name in vals]
        for wallet in self.filtered("transaction_ids") if fixed else ():
            for name in fixed:
                field = self._fields[name]
                value = field.convert_to_cache(vals[name], wallet, validate=False)
                if value != field.convert_to_cache(wallet[name], wallet, validate=False):
                    raise UserError(
                        self.env._(
                            "%(field)s of wallet %(wallet)s cannot be changed: it has"
                            " transactions. Make another wallet and transfer the balance.",
                            field=field._description_string(self.env),
                            wallet=wallet.display_name,
                        )
                    )
        result = super().write(vals)
        if "low_balance" in vals:
            self._note_low()
        return result

    @api.model
    def _get_own_text(self, names):
        return self.env._(
            "The balance of a wallet changes by its transactions, and its state with the buttons"
            " Lock and Unlock."
        )

    # === ACTIONS === #

    def action_credit(self):
        """Open the dialog that adds money with a reason."""
        self.ensure_one()
        return self._open_dialog("credit", self.env._("Credit"))

    def action_grant(self):
        """Open the dialog that gives money which may expire."""
        self.ensure_one()
        return self._open_dialog("grant", self.env._("Grant"))

    def action_reimburse(self):
        """Open the dialog that gives paid money back to the customer."""
        self.ensure_one()
        return self._open_dialog("reimburse", self.env._("Reimburse"))

    def action_transfer(self):
        """Open the dialog that moves paid money to another wallet."""
        self.ensure_one()
        return self._open_dialog("transfer", self.env._("Transfer"))

    def action_lock(self):
        """Open the dialog that asks why the wallet gives no money any more."""
        self.ensure_one()
        return self._open_dialog("lock", self.env._("Lock"))

    def action_unlock(self):
        """Let locked wallets give money again."""
        self._check_manager()
        self.check_access("write")
        self._set_state("open", {"lock_reason": False})
        return True

    def action_open_transactions(self):
        """Open the wallets' transactions."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.billing_wallet_transaction_action"
        )
        return action | {"domain": [("wallet_id", "in", self.ids)], "context": {}}

    def action_open_statement(self):
        """Open the dialog that prints the wallet's statement."""
        self.ensure_one()
        self.check_access("read")
        return self._dialog(
            "billing.wallet.statement",
            self.env._("Statement"),
            {"default_wallet_id": self.id},
        )

    def _open_dialog(self, operation: str, title: str) -> dict:
        self._check_manager()
        self.check_access("write")
        return self._dialog(
            "billing.wallet.dialog",
            title,
            {"default_wallet_id": self.id, "default_operation": operation},
        )

    @api.model
    def _dialog(self, model: str, title: str, context: dict) -> dict:
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": model,
            "view_mode": "form",
            "target": "new",
            "context": context,
        }

    @api.model
    def _check_manager(self):
        if not self.env.su and not self.env.user.has_group(MANAGER):
            raise UserError(
                self.env._(
                    "Only billing managers may set credit limits of wallets, lock them and book"
                    " by hand."
                )
            )

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {"open": {"locked"}, "locked": {"open"}}

    @api.model
    def _get_start_text(self):
        return self.env._("A wallet starts as open. Make it first, then lock it.")

    def _lock_wallet(self, reason: str):
        """open → locked: no money leaves the wallet, for ``reason``."""
        if not (reason or "").strip():
            raise UserError(self.env._("Say why the wallet is locked."))
        self._set_state("locked", {"lock_reason": reason.strip()})

    # === WHAT PEOPLE READ === #

    def _days_left_text(self) -> str:
        """Return in words how long the balance will last, as last estimated."""
        self.ensure_one()
        if not self.depletion_date:
            return ""
        today = self.company_id._billing_today()
        until = format_date(self.env, fields.Date.subtract(self.depletion_date, days=1))
        estimated = self.estimated_date
        if estimated and (today - estimated).days > FRESH_DAYS:
            return self.env._(
                "On %(day)s the balance was expected to last until %(until)s.",
                day=format_date(self.env, estimated),
                until=until,
            )
        days = (self.depletion_date - today).days
        if days <= 0:
            return self.env._("The balance does not pay for today.")
        if days == 1:
            return self.env._("The balance pays for today.")
        return self.env._(
            "The balance pays for about %(days)s days, until %(day)s.",
            days=days,
            day=until,
        )
