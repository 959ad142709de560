from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_date

from ...billing_runs.cycles.criteria import limit_field
from ...services.numbers import NEW, give_numbers
from ..target import after_open_days, earliest_collection, next_open

ENDED_STATES = ("done", "partly_failed", "cancelled")


class BillingPaymentRun(models.Model):
    """One collection of open invoices from many customers.

    States: ``draft`` is being prepared: its lines show what would be collected and what not, and why;
    ``confirmed`` has its lines fixed, and customers are told; ``submitted`` has its file and its
    payments; ``done`` all money has come; ``partly_failed`` some was rejected or came back;
    ``cancelled`` before anything was submitted.

    Billing users prepare, confirm, submit and cancel runs. Downloading the file for the bank takes a
    right of its own. Only drafts can be deleted.
    """

    _name = "billing.payment.run"
    _description = "Payment Run"
    _inherit = [
        "billing.asking.mixin",
        "billing.limited.mixin",
        "billing.state.mixin",
        "billing.task.mixin",
        "mail.thread",
    ]
    _order = "id desc"
    _rec_name = "number"
    _check_company_auto = True
    _limit_fields = ("partner_ids",)
    _own_fields = frozenset({"commenced_date", "completed_date", "problem", "is_automatic"})

    number = fields.Char(default=NEW, readonly=True, required=True, copy=False)
    reference = fields.Char(string="Our Reference", help="Your own words for this run.")
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self._default_currency()
    )
    method = fields.Selection(
        [("direct_debit", "Direct Debit"), ("card", "Card")],
        required=True,
        default="direct_debit",
        index=True,
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("confirmed", "Confirmed"),
            ("submitted", "Submitted"),
            ("done", "Done"),
            ("partly_failed", "Partly Failed"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="draft",
        readonly=True,
        index=True,
        copy=False,
        tracking=True,
    )
    billing_run_id = fields.Many2one(
        "billing.run",
        string="Only of Billing Run",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="Empty: invoices of any billing run, and others.",
    )
    wanted_date = fields.Date(
        string="Collect On",
        compute="_compute_wanted_date",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        copy=False,
        help="Banks settle on open days only: from a closed one the collection moves to the next.",
    )
    collection_date = fields.Date(
        compute="_compute_collection_date",
        store=True,
        precompute=True,
        help="The day on which the money is taken.",
    )
    date_text = fields.Char(compute="_compute_date_text")
    payment_date = fields.Date(
        compute="_compute_payment_date",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        help="The day with which the payments are booked. By itself the collection date.",
    )
    minimum_invoice_date = fields.Date(
        string="Invoices From", help="Invoices dated before are left out."
    )
    due_date_to = fields.Date(
        string="Due Until",
        compute="_compute_due_date_to",
        store=True,
        precompute=True,
        readonly=False,
        help="Invoices due later are left out. Empty: whenever they are due.",
    )
    minimum_amount = fields.Monetary(help="Smaller amounts of one invoice are left for later.")
    partner_ids = limit_field(
        "res.partner",
        string="Only Customers",
        domain="[('parent_id', '=', False)]",
        help="Empty: all customers who pay that way.",
    )
    line_ids = fields.One2many("billing.payment.line", "run_id", string="Lines")
    commenced_date = fields.Datetime(string="Commenced", readonly=True, copy=False)
    completed_date = fields.Datetime(string="Completed", readonly=True, copy=False)
    problem = fields.Text(string="What Went Wrong", readonly=True, copy=False)

    # === COMPUTES === #

    @api.model
    def _default_currency(self):
        return self.env.ref("base.EUR", raise_if_not_found=False) or self.env.company.currency_id

    @api.depends("method", "company_id")
    def _compute_wanted_date(self):
        for run in self:
            if run.company_id:
                run.wanted_date = self._earliest_date(run.company_id, run.method)

    @api.model
    def _earliest_date(self, company, method="direct_debit"):
        """Return the first day on which a company can collect what it confirms today."""
        company = company.sudo()
        if method == "card":
            return company._billing_today() + timedelta(days=company.billing_card_notice_days)
        return earliest_collection(
            company._billing_today(),
            company.billing_prenotification_days,
            company.billing_debit_lead_days,
            company.billing_debit_target,
        )

    @api.depends("wanted_date", "company_id", "method")
    def _compute_collection_date(self):
        for run in self:
            day = run.wanted_date
            run.collection_date = day and run._open_day(day)

    def _open_day(self, day):
        if self.method == "card":
            return day
        return next_open(day) if self.company_id.sudo().billing_debit_target else day

    @api.depends("wanted_date", "collection_date")
    @api.depends_context("lang")
    def _compute_date_text(self):
        for run in self:
            run.date_text = (
                self.env._(
                    "Banks are closed on %(wanted)s: the money is taken on %(day)s.",
                    wanted=format_date(self.env, run.wanted_date),
                    day=format_date(self.env, run.collection_date),
                )
                if run.wanted_date != run.collection_date
                else False
            )

    @api.depends("collection_date")
    def _compute_payment_date(self):
        for run in self:
            run.payment_date = run.collection_date

    @api.depends("collection_date")
    def _compute_due_date_to(self):
        for run in self:
            run.due_date_to = run.collection_date

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "draft": {"confirmed", "cancelled"},
            "confirmed": {"draft", "submitted", "cancelled"},
            "submitted": {"done", "partly_failed"},
            "done": {"partly_failed"},
            "partly_failed": set(),
            "cancelled": set(),
        }

    @api.model
    def _get_start_text(self):
        return self.env._("A new payment run starts as a draft. Use Confirm and Submit.")

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        give_numbers(self, vals_list)
        return super().create(vals_list)

    def write(self, vals):
        changed = vals.keys() - {"reference"} - self._own_fields
        if changed and not self._is_own() and not self.env.su:
            fixed = self.filtered(lambda run: run.state != "draft")
            if fixed:
                raise UserError(
                    self.env._(
                        "%s: the dates and limits are fixed once the run is confirmed. Reset it to "
                        "draft first.",
                        ", ".join(fixed.mapped("number")),
                    )
                )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if kept := self.filtered(lambda run: run.state != "draft"):
            raise UserError(
                self.env._(
                    "Only drafts can be deleted, not %s. Cancel them instead.",
                    ", ".join(kept.mapped("number")),
                )
            )

    @api.constrains("method", "currency_id")
    def _check_currency(self):
        for run in self:
            if run.method == "direct_debit" and run.currency_id.name != "EUR":
                raise ValidationError(
                    self.env._("SEPA direct debits are in euros, not in %s.", run.currency_id.name)
                )

    # === ACTIONS === #

    def action_select(self):
        """Look for what can be collected, anew, and show it with what is left out and why."""
        runs = self._as_user()
        runs._check_state("draft")
        runs._check_idle()
        for run in runs:
            run._prepare("select")
        return True

    def action_confirm(self):
        """Fix the lines and tell the customers."""
        runs = self._as_user()
        runs._check_state("draft")
        runs._check_idle()
        for run in runs:
            run._prepare("confirm")
        return True

    def action_draft(self):
        """Take a confirmed run back to prepare it anew."""
        runs = self._as_user()
        runs._check_state("confirmed")
        runs._check_idle()
        for run in runs:
            run._release_lines("draft")
        runs._set_state("draft", {"problem": False})
        return True

    def action_submit(self):
        """Have the file made and the payments posted, or the cards charged, by background tasks."""
        runs = self._as_user()
        runs._check_state("confirmed")
        runs._check_idle()
        for run in runs:
            if run.method == "direct_debit":
                run._check_lead()
            run._enqueue("submit")
        return True

    def action_cancel(self):
        """Give up runs before anything is submitted."""
        runs = self._as_user()
        runs._to_move("cancelled")
        runs._check_idle()
        for run in runs:
            run._release_lines("cancelled")
        runs._set_state("cancelled", {"completed_date": fields.Datetime.now()})
        return True

    def action_complete(self):
        """Say that the money of all open lines has come."""
        runs = self._as_user()
        if cards := runs.filtered(lambda run: run.method == "card"):
            raise UserError(
                self.env._(
                    "%s: what becomes of cards is said of each charge.",
                    ", ".join(cards.mapped("number")),
                )
            )
        runs._check_state("submitted", "done", "partly_failed")
        for run in runs:
            run._settle(run.line_ids.filtered(lambda line: line.state == "submitted"))
        return True

    def _as_user(self):
        """Return the runs with the right to move them, after checking the user's."""
        if not self.env.su:
            if not self.env.user.has_group("billing_operations.group_billing_user"):
                raise AccessError(self.env._("Only billing users may work on payment runs."))
            self.check_access("write")
        return self.sudo()

    def _check_state(self, *states):
        wrong = self.filtered(lambda run: run.state not in states)
        if wrong:
            names = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(runs)s: this is for runs in the state %(states)s.",
                    runs=", ".join(wrong.mapped("number")),
                    states=", ".join(names[state] for state in states),
                )
            )

    def _check_idle(self):
        """Check that nothing is under way."""
        tasks = self.env["billing.task"].sudo()
        for run in self:
            live = tasks._live_domain(run, run._task_code())
            if run.preparing_count or tasks.search_count(live, limit=1):
                raise UserError(
                    self.env._("%s: its tasks are under way. Wait until they are done.", run.number)
                )

    def _check_dates(self):
        """Check that there is time to tell the customers, and the bank.

        :raise UserError: naming the first day that is possible
        """
        self.ensure_one()
        first = self._earliest_date(self.company_id, self.method)
        if self.method == "card" and self.collection_date < first:
            raise UserError(
                self.env._(
                    "%(run)s cannot collect on %(day)s: customers are told %(notice)s days before."
                    " Choose %(first)s or later.",
                    run=self.number,
                    day=format_date(self.env, self.collection_date),
                    notice=self.company_id.billing_card_notice_days,
                    first=format_date(self.env, first),
                )
            )
        if self.collection_date < first:
            raise UserError(
                self.env._(
                    "%(run)s cannot collect on %(day)s: customers are told %(notice)s days before, "
                    "and the bank needs the file %(lead)s open days before. Choose %(first)s or "
                    "later.",
                    run=self.number,
                    day=format_date(self.env, self.collection_date),
                    notice=self.company_id.billing_prenotification_days,
                    lead=self.company_id.billing_debit_lead_days,
                    first=format_date(self.env, first),
                )
            )

    def _check_lead(self):
        """Check that the bank still gets the file in time."""
        self.ensure_one()
        company = self.company_id
        first = after_open_days(company._billing_today(), company.billing_debit_lead_days)
        if self.collection_date < first:
            raise UserError(
                self.env._(
                    "%(run)s is too late for %(day)s: the bank needs the file %(lead)s open days "
                    "before. Reset it to draft and choose %(first)s or later.",
                    run=self.number,
                    day=format_date(self.env, self.collection_date),
                    lead=company.billing_debit_lead_days,
                    first=format_date(self.env, first),
                )
            )
