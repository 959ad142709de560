from odoo import api, fields, models
from odoo.exceptions import AccessError

from ...billing_tasks.texts import labels

CODES = [
    ("unknown_number", "Number not known"),
    ("number_inactive", "Number not in service"),
    ("no_rate_plan", "No rate plan"),
    ("no_rate", "No rate"),
    ("currency_mismatch", "Plan in another currency"),
    ("malformed", "Lines that cannot be read"),
    ("out_of_window", "Too old"),
    ("duplicate_record", "Had already"),
    ("fixed_fee_unmatched", "Fixed fee without a service"),
    ("fixed_fee_terminated", "Fixed fee of an ended service"),
    ("fixed_fee_loss", "Fixed fee above what is charged"),
]
FIXED_FEE_CODES = ("fixed_fee_unmatched", "fixed_fee_terminated", "fixed_fee_loss")
ACCEPT_REASONS = [
    ("test", "Test calls"),
    ("carrier", "The carrier's mistake"),
    ("goodwill", "Goodwill"),
    ("too_old", "Too old to be billed"),
    ("small", "Too small to pursue"),
    ("own", "Our own use"),
    ("other", "Another reason"),
]


class BillingError(models.Model):
    """One cause that keeps usage from being billed: all calls that it stops, and what they cost.

    States: ``open`` waits to be corrected; ``resolved``: nothing of it is left, because the cause was
    corrected and its calls were rated; ``accepted``: given up for a reason, its calls are not billed.
    One open cause stands once. Counts and costs are counted by the database after each import and
    correction; the cost is what is known of it, at least.

    Billing users see errors; managers correct, reprocess and accept. Nobody creates or deletes them.
    """

    _name = "billing.error"
    _description = "Billing Error"
    _inherit = ["billing.state.mixin", "billing.task.mixin"]
    _order = "state, record_count desc, id desc"
    _check_company_auto = True
    _own_fields = frozenset(
        {
            *("record_count", "cost", "seconds", "is_cost_partial", "first_date", "last_date"),
            *("first_line", "last_line"),
        }
    )

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    code = fields.Selection(CODES, string="Problem", required=True, readonly=True)
    key = fields.Char(
        required=True, readonly=True, help="Tells the causes of one kind of problem apart."
    )
    state = fields.Selection(
        [("open", "Open"), ("resolved", "Resolved"), ("accepted", "Accepted")],
        required=True,
        default="open",
        readonly=True,
    )
    record_count = fields.Integer(string="Calls", readonly=True, help="Calls or lines.")
    seconds = fields.Float(string="Duration (s)", digits=(18, 0), readonly=True)
    cost = fields.Monetary(readonly=True, help="What the carriers charge for them, at least.")
    is_cost_partial = fields.Boolean(
        string="At Least", readonly=True, help="The carrier does not say what some of them cost."
    )
    first_date = fields.Date(string="First", readonly=True)
    last_date = fields.Date(string="Last", readonly=True)
    first_line = fields.Integer(
        readonly=True, aggregator=None, help="Of the lines of the file that could not be read."
    )
    last_line = fields.Integer(readonly=True, aggregator=None)
    age = fields.Integer(string="Age (days)", compute="_compute_age")
    identifier = fields.Char(string="Number", readonly=True)
    prefix = fields.Char(
        readonly=True, help="What all numbers that were called have at their beginning."
    )
    carrier_id = fields.Many2one(
        "cdr.carrier", readonly=True, ondelete="cascade", help="Empty: of several carriers."
    )
    file_id = fields.Many2one("cdr.file", string="CDR File", readonly=True, ondelete="cascade")
    plan_id = fields.Many2one("cdr.rate.plan", readonly=True, ondelete="set null")
    service_id = fields.Many2one("billing.service", readonly=True, ondelete="set null")
    tariff_id = fields.Many2one("billing.tariff", readonly=True, ondelete="set null")
    department_id = fields.Many2one(
        "hr.department", string="Owner", help="The department that corrects it."
    )
    accept_reason = fields.Selection(ACCEPT_REASONS, string="Accepted For", readonly=True)
    accept_note = fields.Char(string="Note", readonly=True)
    closed_by_id = fields.Many2one("res.users", readonly=True)
    closed_date = fields.Datetime(string="Closed On", readonly=True)

    _open_once = models.UniqueIndex(
        "(company_id, code, key) WHERE state = 'open'", "This cause is open already."
    )
    _reason_when_accepted = models.Constraint(
        "CHECK(state <> 'accepted' OR accept_reason IS NOT NULL)",
        "A billing error is accepted for a reason.",
    )
    _open_idx = models.Index("(company_id, code) WHERE state = 'open'")

    # === COMPUTES === #

    @api.depends("code", "identifier", "prefix", "plan_id", "tariff_id", "file_id", "service_id")
    def _compute_display_name(self):
        names = labels(self, "code")
        for error in self:
            parts = (
                error.identifier,
                error.tariff_id.display_name if error.code == "no_rate_plan" else False,
                error.plan_id.display_name if error.code == "no_rate" else False,
                error.prefix if error.code == "no_rate" else False,
                error.file_id.display_name,
            )
            what = ", ".join(filter(None, parts)) or error.key
            error.display_name = f"{names[error.code]}: {what}" if what else names[error.code]

    @api.depends("first_date", "state")
    def _compute_age(self):
        for error in self:
            today = (error.company_id or self.env.company)._billing_today()
            first = error.first_date or today
            error.age = (today - first).days if error.state == "open" else 0

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "open": {"resolved", "accepted"},
            "resolved": set(),
            "accepted": {"open"},
        }

    @api.model
    def _get_own_text(self, names):
        return self.env._(
            "Billing errors are counted by the system, and closed with their buttons."
        )

    @api.model
    def _fixed_fee_codes(self):
        """Return the problems that are about lines of fixed fees."""
        return FIXED_FEE_CODES

    def _as_manager(self):
        """Return these errors with the right to work on them, after checking the user's."""
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise AccessError(self.env._("Only billing managers may work on billing errors."))
        self.check_access("read")
        return self.sudo()
