from odoo import api, fields, models
from odoo.exceptions import UserError

#: states in which a receivable line is on its way to be collected
LIVE_STATES = ("confirmed", "submitted", "unknown")
#: states in which the money was asked for, and did not come back
COLLECTED_STATES = ("submitted", "done", "unknown")
EXCLUSIONS = [
    ("no_mandate", "No active mandate"),
    ("account", "The account cannot be debited"),
    ("address", "Address missing"),
    ("no_card", "No saved card"),
    ("card_expired", "The card has expired"),
    ("provider", "The card's provider is not set up to charge cards"),
    ("card_currency", "The card's provider does not take the currency"),
    ("declined", "The card was declined"),
    ("not_charged", "The card was not charged"),
    ("one_off", "The mandate is for one collection"),
    ("hold", "Collection hold"),
    ("small", "Below the minimum amount"),
    ("covered", "Covered by credits"),
    ("elsewhere", "In another payment run"),
    ("by_hand", "Left out by hand"),
    ("paid", "Paid meanwhile"),
    ("changed", "The invoice was changed"),
]
#: who has to do something about what was left out
TO_CLEAR_UP = ("no_mandate", "account", "address", "no_card", "card_expired", "provider")


class BillingPaymentLine(models.Model):
    """One receivable line of an invoice, an instalment say, in one payment run.

    States: ``draft`` would be collected; ``excluded`` is left out, for the reason in its code;
    ``confirmed`` is fixed; ``submitted`` is in the file, and its payment is posted, or its card is to be
    charged, perhaps again; ``done`` the money has come; ``unknown`` nobody knows whether it was
    collected; ``rejected`` the bank did not take it, or the card was declined to the end; ``returned`` it
    was taken back; ``cancelled`` with its run, or because it was paid meanwhile.

    Billing users see lines and leave them out; all else is written by the run.
    """

    _name = "billing.payment.line"
    _description = "Collection"
    _inherit = ["billing.state.mixin"]
    _order = "run_id desc, id"
    _rec_name = "reference"
    _check_company_auto = True
    _own_fields = frozenset(
        {
            "amount", "credited", "mandate_id", "sequence_type", "reference", "error_code",
            "message", "payment_id", "mandate_before", "notice_date", "move_line_id", "move_id",
            "due_date", "collection_date", "token_id", "return_code", "return_date", "return_move_id",
            "bank_fee",
        }
    )  # fmt: skip

    run_id = fields.Many2one(
        "billing.payment.run", required=True, index=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="run_id.company_id", store=True, precompute=True, required=True, index=True
    )
    method = fields.Selection(related="run_id.method", store=True, precompute=True)
    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, index=True, readonly=True
    )
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Receivable",
        readonly=True,
        index=True,
        ondelete="set null",
        help="Gone where the invoice was changed after all; not while it is being collected.",
    )
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    due_date = fields.Date(readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(readonly=True)
    credited = fields.Monetary(
        string="Taken Off", readonly=True, help="Credit notes and payments that are used first."
    )
    mandate_id = fields.Many2one(
        "billing.mandate", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    token_id = fields.Many2one(
        "payment.token",
        string="Saved Card",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    sequence_type = fields.Char(string="Sequence", readonly=True)
    collection_date = fields.Date(readonly=True)
    reference = fields.Char(
        string="Collection Reference",
        readonly=True,
        copy=False,
        help="Names the collection in the file, on statements and in returns.",
    )
    state = fields.Selection(
        [
            ("draft", "To Collect"),
            ("excluded", "Left Out"),
            ("confirmed", "Confirmed"),
            ("submitted", "Submitted"),
            ("done", "Collected"),
            ("unknown", "Unknown"),
            ("rejected", "Rejected"),
            ("returned", "Returned"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="draft",
        readonly=True,
        index=True,
    )
    error_code = fields.Selection(
        EXCLUSIONS, string="Reason", readonly=True, index="btree_not_null"
    )
    message = fields.Char(string="What Happened", readonly=True)
    notice_date = fields.Datetime(string="Customer Told", readonly=True, copy=False)
    payment_id = fields.Many2one(
        "account.payment", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    mandate_before = fields.Json(
        readonly=True, help="What the mandate had announced before this collection."
    )

    _collected_once = models.UniqueIndex(
        "(move_line_id) WHERE state IN ('confirmed', 'submitted', 'unknown')",
        "This invoice, or this instalment, is being collected already.",
    )
    _live_with_receivable = models.Constraint(
        "CHECK(state NOT IN ('confirmed', 'submitted', 'unknown') OR move_line_id IS NOT NULL)",
        "The invoice is being collected: it cannot be changed meanwhile.",
    )
    _reference_once = models.UniqueIndex(
        "(company_id, reference) WHERE reference IS NOT NULL",
        "There is already a collection with this reference.",
    )
    _amount_positive = models.Constraint(
        "CHECK(state IN ('excluded', 'cancelled') OR amount > 0)",
        "Only amounts above zero can be collected.",
    )
    _excluded_for_a_reason = models.Constraint(
        "CHECK(state <> 'excluded' OR error_code IS NOT NULL)", "A line is left out for a reason."
    )
    _debited_with_mandate = models.Constraint(
        "CHECK(method <> 'direct_debit' OR state NOT IN ('confirmed', 'submitted')"
        " OR (mandate_id IS NOT NULL AND reference IS NOT NULL AND sequence_type IS NOT NULL))",
        "A direct debit has a mandate, a sequence type and a reference.",
    )
    _charged_with_reference = models.Constraint(
        "CHECK(method <> 'card' OR state NOT IN ('confirmed', 'submitted', 'unknown')"
        " OR reference IS NOT NULL)",
        "A collection by card has a reference.",
    )
    _run_state_idx = models.Index("(run_id, state)")

    @api.depends("reference", "move_id")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.reference or line.move_id.name or ""

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "draft": {"excluded", "confirmed", "cancelled"},
            "excluded": {"draft", "cancelled"},
            "confirmed": {"draft", "submitted", "cancelled"},
            "submitted": {"done", "unknown", "rejected", "returned", "cancelled"},
            "done": {"returned", "rejected"},
            "unknown": {"submitted", "done", "rejected", "returned"},
            # A card that was declined may turn out as charged.
            "rejected": {"done"},
            "returned": set(),
            "cancelled": set(),
        }

    # === ACTIONS === #

    def action_exclude(self):
        """Leave lines out of their runs."""
        lines = self._as_user()
        lines.run_id._check_state("draft")
        lines.run_id._check_idle()
        lines._set_state("excluded", {"error_code": "by_hand"}, sources=("draft",))
        return True

    def action_include(self):
        """Take lines back that were left out by hand."""
        lines = self._as_user()
        lines.run_id._check_state("draft")
        lines.run_id._check_idle()
        if wrong := lines.filtered(lambda line: line.error_code != "by_hand"):
            raise UserError(
                self.env._(
                    "Only what was left out by hand can be taken back, not %s. Clear up the reason "
                    "and select anew.",
                    ", ".join(wrong.move_id.mapped("name")[:5]),
                )
            )
        lines._set_state("draft", {"error_code": False})
        return True

    def action_open_invoice(self):
        """Open the line's invoice."""
        self.ensure_one()
        self.check_access("read")
        self.move_id.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Invoice"),
            "res_model": self.move_id._name,
            "res_id": self.move_id.id,
            "view_mode": "form",
        }

    def _as_user(self):
        self.run_id._as_user()
        return self.sudo()
