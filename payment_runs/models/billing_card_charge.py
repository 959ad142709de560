from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

#: states in which money is, or may be, on its way: one at a time for one collection or wallet
LIVE_CHARGES = ("waiting", "sending", "pending", "unknown")
#: states in which a person or the provider has yet to say what became of it
OPEN_CHARGES = ("pending", "unknown")
CODES = [
    ("declined", "Declined by the provider"),
    ("no_card", "No saved card"),
    ("card_expired", "The card has expired"),
    ("provider", "The provider is not set up to charge cards"),
    ("card_currency", "The provider does not take the currency"),
    ("not_charged", "A person found that it was not charged"),
    ("paid", "Paid meanwhile"),
    ("hold", "Collection hold"),
    ("changed", "The collection was changed"),
    ("by_hand", "Given up by hand"),
    ("ceiling", "Above the monthly ceiling"),
]
#: a second try can do no better
HARD_CODES = ("no_card", "card_expired")
#: what the company has to set right, and no customer answers for
OWN_CODES = ("provider", "card_currency")


class BillingCardCharge(models.Model):
    """One try to take one amount from a customer's saved card: the intent before it, the result after.

    States: ``waiting`` for its day; ``sending`` is committed before the provider is asked; then ``done``
    the card was charged; ``pending`` the provider is still at it; ``declined`` it was not charged;
    ``unknown`` nobody knows, and only a person or the provider can say; ``cancelled`` before anything
    was sent. What is declined may still turn out as done, where the provider says so later.

    Charges are made by payment runs and by wallets that top themselves up. Billing users see them, say
    what became of unknown ones and give up waiting ones; nobody makes or deletes them by hand.
    """

    _name = "billing.card.charge"
    _description = "Card Charge"
    _inherit = [
        "billing.asking.mixin",
        "billing.state.mixin",
        "mail.thread",
        "mail.activity.mixin",
    ]
    _order = "id desc"
    _rec_name = "reference"
    _check_company_auto = True
    _own_fields = frozenset(
        {
            "amount", "transaction_id", "token_id", "card", "sent_date", "ended_date", "code",
            "message", "payment_id", "problem", "not_before", "planned_date",
        }
    )  # fmt: skip

    reference = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        help="Names the charge at the provider and on its statements. No other has it.",
    )
    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, index=True, readonly=True
    )
    kind = fields.Selection(
        [("invoice", "Invoice"), ("top_up", "Top-up of a Wallet")], required=True, readonly=True
    )
    line_id = fields.Many2one(
        "billing.payment.line",
        string="Collection",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
    )
    run_id = fields.Many2one(
        related="line_id.run_id", store=True, precompute=True, index="btree_not_null"
    )
    move_id = fields.Many2one(related="line_id.move_id")
    wallet_id = fields.Many2one(
        "billing.wallet",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
    )
    attempt = fields.Integer(string="Try", required=True, readonly=True, default=1)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(required=True, readonly=True)
    planned_date = fields.Date(
        string="Planned For", required=True, readonly=True, help="The first day it may be charged."
    )
    not_before = fields.Datetime(
        readonly=True, help="Where the provider could not be reached: when it is tried again."
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("sending", "Being Charged"),
            ("done", "Charged"),
            ("pending", "Pending"),
            ("declined", "Declined"),
            ("unknown", "Unknown"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    token_id = fields.Many2one(
        "payment.token", string="Saved Card", readonly=True, ondelete="set null", index=True
    )
    card = fields.Char(readonly=True, help="The saved card as it was called when it was charged.")
    transaction_id = fields.Many2one(
        "payment.transaction",
        readonly=True,
        ondelete="restrict",
        copy=False,
    )
    sent_date = fields.Datetime(string="Sent", readonly=True)
    ended_date = fields.Datetime(string="Ended", readonly=True)
    code = fields.Selection(CODES, string="Reason", readonly=True)
    message = fields.Char(string="What Happened", readonly=True)
    payment_id = fields.Many2one("account.payment", readonly=True, index="btree_not_null")
    problem = fields.Char(
        string="Why It Is Not Booked", readonly=True, help="It was charged, its payment is missing."
    )
    can_ask_provider = fields.Boolean(compute="_compute_can_ask_provider")

    _reference_once = models.UniqueIndex(
        "(reference)", "There is already a charge with this reference."
    )
    _line_once = models.UniqueIndex(
        "(line_id) WHERE state IN ('waiting', 'sending', 'pending', 'unknown')",
        "This collection is being charged already.",
    )
    _wallet_once = models.UniqueIndex(
        "(wallet_id) WHERE state IN ('waiting', 'sending', 'pending', 'unknown')",
        "This wallet is being topped up already.",
    )
    _transaction_once = models.UniqueIndex(
        "(transaction_id) WHERE transaction_id IS NOT NULL", "A transaction is of one charge."
    )
    _payment_once = models.UniqueIndex(
        "(payment_id) WHERE payment_id IS NOT NULL", "A payment is of one charge."
    )
    _amount_positive = models.Constraint(
        "CHECK(amount > 0)", "Only amounts above zero can be charged."
    )
    _for_one_thing = models.Constraint(
        "CHECK((kind = 'invoice') = (line_id IS NOT NULL)"
        " AND (kind = 'top_up') = (wallet_id IS NOT NULL))",
        "A charge is for a collection or for a wallet.",
    )
    _sent_with_transaction = models.Constraint(
        "CHECK(state NOT IN ('sending', 'pending', 'unknown', 'done') OR transaction_id IS NOT NULL)",
        "What was sent has a transaction.",
    )
    _declined_for_a_reason = models.Constraint(
        "CHECK(state NOT IN ('declined', 'cancelled') OR code IS NOT NULL)",
        "A charge is declined or cancelled for a reason.",
    )
    _due_idx = models.Index("(planned_date) WHERE state = 'waiting'")
    _unbooked_idx = models.Index("(id) WHERE state = 'done' AND payment_id IS NULL")

    # === COMPUTES === #

    def _compute_can_ask_provider(self):
        for charge in self:
            provider = charge.sudo().transaction_id.provider_id
            charge.can_ask_provider = bool(provider) and provider._can_tell_of_charges()

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            # Done without being sent again: where it was sent before, and had been taken as not.
            "waiting": {"sending", "declined", "cancelled", "done"},
            "sending": {"waiting", "done", "pending", "declined", "unknown"},
            "pending": {"done", "declined", "unknown"},
            "unknown": {"waiting", "done", "pending", "declined"},
            "declined": {"done"},
            "done": set(),
            "cancelled": {"done"},
        }

    @api.model
    def _get_own_text(self, names):
        return self.env._("Charges are written by payment runs and wallets, not by hand.")

    # === MAKING === #

    @api.model
    def _make(self, vals_list):
        """Return new charges that wait for their day."""
        # What ended must be seen by the index before what follows it.
        self.flush_model(["state"])
        charges = self.sudo().with_context(tracking_disable=True, mail_create_nosubscribe=True)
        return charges.create(vals_list).with_env(self.sudo().env)

    # === READING === #

    def _lock(self):
        """Lock charges until the transaction ends, and read them anew."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                "SELECT id FROM billing_card_charge WHERE id = ANY(%s) ORDER BY id"
                " FOR NO KEY UPDATE",
                self.ids,
            )
        )
        self.invalidate_recordset()

    @api.model
    def _due_domain(self, company):
        """Return the domain of a company's charges whose day has come."""
        now = fields.Datetime.now()
        return (
            Domain("company_id", "=", company.id)
            & Domain("state", "=", "waiting")
            & Domain("planned_date", "<=", company._billing_today())
            & (Domain("not_before", "=", False) | Domain("not_before", "<=", now))
        )

    def _planned_text(self):
        """Return in words when a waiting charge will be tried."""
        self.ensure_one()
        return self.env._(
            "Tried again on %s.",
            format_date(self.env, self.planned_date),
        )

    # === RIGHTS === #

    def _as_user(self):
        """Return the charges with the right to move them, after checking the user's."""
        if not self.env.su:
            if not self.env.user.has_group("billing_operations.group_billing_user"):
                raise AccessError(self.env._("Only billing users may work on card charges."))
            self.check_access("read")
        return self.sudo()

    # === ACTIONS === #

    def action_open_invoice(self):
        """Open the invoice that the charge pays."""
        self.ensure_one()
        self.check_access("read")
        return self.line_id.action_open_invoice()

    def action_open_wallet(self):
        """Open the wallet that the charge tops up."""
        self.ensure_one()
        self.check_access("read")
        self.wallet_id.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Wallet"),
            "res_model": self.wallet_id._name,
            "res_id": self.wallet_id.id,
            "view_mode": "form",
        }
