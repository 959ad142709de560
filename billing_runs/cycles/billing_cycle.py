from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...billing_tasks.texts import plural
from .criteria import CRITERIA, criterion_field, limit_field
from .dates import apply_day_rule, apply_due_rule

DAY_RULES = [
    ("run_date", "The day the run is for"),
    ("month_day", "Day of that month"),
    ("previous_month_day", "Day of the month before"),
    ("next_month_day", "Day of the month after"),
]


class BillingCycle(models.Model):
    """Billing cycle: what a company's runs have in common, and when they are due.

    States: ``draft`` ⇄ ``active`` ⇄ ``archived``. Runs are
    created from active cycles only. Users read cycles; managers edit, activate
    and archive them. A cycle with runs cannot be deleted, only archived.
    """

    _name = "billing.cycle"
    _description = "Billing Cycle"
    _inherit = [
        "billing.state.mixin",
        "mail.thread",
        "billing.limited.mixin",
        "billing.asking.mixin",
    ]
    _order = "company_id, name, id"
    _check_company_auto = True
    _limit_fields = (*CRITERIA, "month_ids", "spared_category_ids")

    name = fields.Char(required=True, translate=True, tracking=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    run_type = fields.Selection(
        [("postpaid", "Postpaid"), ("prepaid", "Prepaid")],
        required=True,
        default="postpaid",
        help="Postpaid runs make invoices; prepaid runs debit wallets, every day.",
    )
    state = fields.Selection(
        [("draft", "Draft"), ("active", "Active"), ("archived", "Archived")],
        required=True,
        default="draft",
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
    )
    # When
    recurrence_number = fields.Integer("Every", required=True, default=1)
    recurrence_unit = fields.Selection(
        [("day", "Days"), ("week", "Weeks"), ("month", "Months"), ("year", "Years")],
        required=True,
        default="month",
    )
    recurrence_text = fields.Char("Recurs", compute="_compute_recurrence_text")
    start_date = fields.Date(
        "First Run On",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1),
        help="Runs are due on this day and then at every recurrence, counted from it.",
    )
    month_ids = criterion_field(
        "billing_cycle_month_rel",
        "Months",
        "month",
        help="The months in which the cycle runs. Empty means every month.",
    )
    invoice_date_rule = fields.Selection(
        DAY_RULES, "Invoice Date", required=True, default="run_date"
    )
    invoice_date_day = fields.Integer("Invoice Day", default=1)
    transaction_date_rule = fields.Selection(
        [*DAY_RULES, ("invoice_date", "Same as the invoice date")],
        "Transaction Date",
        required=True,
        default="invoice_date",
    )
    transaction_date_day = fields.Integer("Transaction Day", default=1)
    cutoff_date_rule = fields.Selection(DAY_RULES, "Bill As Of", required=True, default="run_date")
    cutoff_date_day = fields.Integer("Bill As Of Day", default=31)
    due_rule = fields.Selection(
        [
            ("days", "Days after the invoice date"),
            ("month_end", "End of the month, after so many days"),
            ("next_month_day", "Day of the month after the invoice date"),
        ],
        required=True,
        default="days",
        help="Used for customers without payment terms, whose billing terms have none either.",
    )
    due_days = fields.Integer("Days", default=30)
    proximity_min = fields.Integer(
        "Earliest Shift",
        help="By how many days a run may move its due dates, at the least. A negative number is"
        " earlier, 0 to 0 not at all.",
    )
    proximity_max = fields.Integer("Latest Shift", help="By how many days at the most.")
    # How
    journal_id = fields.Many2one(
        "account.journal",
        required=True,
        check_company=True,
        domain=[("type", "=", "sale")],
        compute="_compute_journal_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="restrict",
    )
    invoice_grouping = fields.Selection(
        [("customer", "One invoice per customer"), ("service", "One invoice per service")],
        required=True,
        default="customer",
    )
    sign_off = fields.Boolean(
        "Sign-off Needed", help="Runs must be made ready and approved before bills are requested."
    )
    sign_off_by_other = fields.Boolean(
        "By Someone Else", help="Whoever made a run ready cannot approve it."
    )
    target_stage = fields.Selection(
        selection=lambda self: self.env["billing.run"]._selection_stage(),
        string="Execute Up To",
        help="The stage up to which its runs are executed unless somebody says otherwise. Empty"
        " means the last one.",
    )
    auto_send = fields.Boolean(
        "Send Automatically",
        help="When a run has its PDFs, bills are e-mailed and put into print bundles without"
        " anybody asking for it.",
    )
    # What prepaid runs do besides
    enable_estimation = fields.Boolean(
        "Estimate Depletion", default=True, help="Runs estimate how long the wallets will last."
    )
    estimation_days = fields.Integer(
        "Estimate at Most",
        default=180,
        help="So many days are looked ahead. A wallet that lasts longer has no estimate.",
    )
    burn_days = fields.Integer(
        "Usage of the Last",
        default=30,
        help="What calls cost a day is taken from so many days back.",
    )
    enable_stop = fields.Boolean(
        "Stop Services",
        help="Runs have services suspended whose wallets do not pay, from the next day on.",
    )
    enable_start = fields.Boolean(
        "Start Services",
        help="Runs have services resumed that were stopped and whose wallets pay again.",
    )
    stop_grace_days = fields.Integer(
        "Grace", help="So many days may be unpaid before a service is stopped."
    )
    switch_limit = fields.Integer(
        "Most a Run", help="A run stops and starts at most so many services each. 0: no limit."
    )
    switch_group_size = fields.Integer(
        "Customers a Group",
        help="Services are stopped and started for so many customers at once, group after group."
        " 0: all at once.",
    )
    switch_group_minutes = fields.Integer(
        "Pause between Groups", default=30, help="In minutes. Who pays meanwhile is not stopped."
    )
    spared_category_ids = limit_field(
        "res.partner.category",
        relation="billing_cycle_spared_category_rel",
        string="Never Stop",
        help="The services of customers with one of these classifications are not stopped.",
    )
    # Default criteria of its runs
    term_scheme_ids = limit_field(
        "billing.term.scheme",
        relation="billing_cycle_term_scheme_rel",
        string="Billing Terms",
        check_company=True,
    )
    frequency_ids = criterion_field("billing_cycle_frequency_rel", "Frequencies", "frequency")
    payment_preference_ids = criterion_field(
        "billing_cycle_payment_rel", "Payment Preferences", "payment"
    )
    presentment_ids = criterion_field(
        "billing_cycle_presentment_rel", "Presentment Preferences", "presentment"
    )
    partner_category_ids = limit_field(
        "res.partner.category",
        relation="billing_cycle_partner_category_rel",
        string="Customer Classifications",
    )
    run_ids = fields.One2many("billing.run", "cycle_id")
    run_count = fields.Integer(compute="_compute_run_count")
    next_run_date = fields.Date(compute="_compute_next_run_date")

    _name_company_unique = models.UniqueIndex(
        "(company_id, name)", "The company has a billing cycle of this name already."
    )
    _recurrence_positive = models.Constraint(
        "CHECK (recurrence_number > 0)", "A cycle recurs every 1 or more days, weeks or months."
    )
    _one_active_prepaid = models.UniqueIndex(
        "(company_id) WHERE run_type = 'prepaid' AND state = 'active'",
        "The company has an active prepaid billing cycle already. Archive that one first.",
    )
    _prepaid_every_day = models.Constraint(
        "CHECK (run_type <> 'prepaid' OR (recurrence_number = 1 AND recurrence_unit = 'day'))",
        "Prepaid billing cycles recur every day.",
    )
    _switches_not_negative = models.Constraint(
        "CHECK (stop_grace_days >= 0 AND switch_limit >= 0 AND switch_group_size >= 0"
        " AND switch_group_minutes >= 0)",
        "Days of grace, limits and groups cannot be negative.",
    )
    _estimation_days_range = models.Constraint(
        "CHECK (estimation_days BETWEEN 1 AND 1000)",
        "Depletion is estimated 1 to 1,000 days ahead.",
    )
    _burn_days_positive = models.Constraint(
        "CHECK (burn_days > 0)", "Usage is looked at for 1 or more days."
    )
    _proximity_ordered = models.Constraint(
        "CHECK (proximity_min <= proximity_max)",
        "The earliest shift of the due date must not be later than the latest one.",
    )
    _due_days_positive = models.Constraint(
        "CHECK (due_days >= 0)", "Invoices cannot be due before they are issued."
    )

    @api.constrains("invoice_date_day", "transaction_date_day", "cutoff_date_day")
    def _check_days(self):
        for cycle in self:
            days = (cycle.invoice_date_day, cycle.transaction_date_day, cycle.cutoff_date_day)
            if not all(1 <= day <= 31 for day in days):
                raise ValidationError(
                    self.env._(
                        "Billing cycle %(cycle)s: days of the month are numbers from 1 to 31"
                        " (31 means the last day).",
                        cycle=cycle.name,
                    )
                )

    @api.constrains("term_scheme_ids", "run_type")
    def _check_term_schemes(self):
        for cycle in self:
            wrong = cycle.term_scheme_ids.filtered_domain(
                [("classification", "!=", cycle.run_type)]
            )
            if wrong:
                raise ValidationError(
                    self.env._(
                        "Billing cycle %(cycle)s: the billing terms %(terms)s are of the other"
                        " classification. Remove them.",
                        cycle=cycle.name,
                        terms=", ".join(wrong.mapped("name")),
                    )
                )

    @api.onchange("run_type")
    def _onchange_run_type(self):
        if self.run_type == "prepaid":
            self.recurrence_number, self.recurrence_unit = 1, "day"

    @api.depends("company_id")
    def _compute_journal_id(self):
        for cycle in self:
            if cycle.journal_id.company_id != cycle.company_id:
                cycle.journal_id = self.env["account.journal"].search(
                    [
                        *self.env["account.journal"]._check_company_domain(cycle.company_id),
                        ("type", "=", "sale"),
                    ],
                    limit=1,
                )

    @api.depends("recurrence_number", "recurrence_unit")
    def _compute_recurrence_text(self):
        texts = {
            "day": (self.env._("Every day"), self.env._("Every %s days")),
            "week": (self.env._("Every week"), self.env._("Every %s weeks")),
            "month": (self.env._("Every month"), self.env._("Every %s months")),
            "year": (self.env._("Every year"), self.env._("Every %s years")),
        }
        for cycle in self:
            one, many = texts.get(cycle.recurrence_unit, ("", ""))
            number = cycle.recurrence_number
            cycle.recurrence_text = plural(number, one, many.replace("%s", str(number)))

    def _compute_run_count(self):
        counts = dict(
            self.env["billing.run"]._read_group(
                [("cycle_id", "in", self.ids)], ["cycle_id"], ["__count"]
            )
        )
        for cycle in self:
            cycle.run_count = counts.get(cycle, 0)

    @api.depends("recurrence_number", "recurrence_unit", "start_date", "month_ids", "state")
    def _compute_next_run_date(self):
        last = self._last_recurrences([("state", "!=", "cancelled")])
        for cycle in self:
            if cycle.state != "active" or cycle.recurrence_number < 1 or not cycle.start_date:
                cycle.next_run_date = False
                continue
            cycle.next_run_date = cycle._next_run_date(last.get(cycle))

    def _last_recurrences(self, domain):
        """Return ``{cycle: the last recurrence that has a run}`` among runs in a domain."""
        return dict(
            self.env["billing.run"]._read_group(
                [("cycle_id", "in", self.ids), ("cycle_date", "!=", False), *domain],
                ["cycle_id"],
                ["cycle_date:max"],
            )
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if active := self.filtered(lambda c: c.state == "active" and c.run_type == "prepaid"):
            raise UserError(
                self.env._(
                    "%(cycles)s cannot be deleted while it is active: prepaid services are billed by"
                    " it. Archive it first.",
                    cycles=", ".join(active.mapped("name")),
                )
            )
        used = self.filtered("run_ids")
        if used:
            raise UserError(
                self.env._(
                    "%(cycles)s cannot be deleted because billing runs were made from it."
                    " Archive it instead.",
                    cycles=", ".join(used.mapped("name")),
                )
            )

    # === ACTIONS === #

    def action_activate(self):
        """Let runs be created from the cycles."""
        self.check_access("write")
        self._set_state("active")

    def action_archive_cycle(self):
        """Stop new runs; those that exist go on."""
        self.check_access("write")
        self._set_state("archived")

    def action_draft(self):
        """Take cycles back to preparation: no runs are created until they are active again."""
        self.check_access("write")
        self._set_state("draft")

    def action_view_runs(self):
        """Open the cycle's runs."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_run"
        )
        action["domain"] = [("cycle_id", "=", self.id)]
        action["context"] = {"default_cycle_id": self.id}
        return action

    def action_create_run(self):
        """Create the run of the cycle's next run date and open it.

        Where an earlier one has not ended yet it asks first: both would bill the same.
        """
        self.ensure_one()
        if self._open_batch_runs():
            return self._ask("action_create_another_run")
        return self.action_create_another_run()

    def action_create_another_run(self):
        """Create the run of the cycle's next run date, whatever other run is open."""
        self.ensure_one()
        day = self.next_run_date or fields.Date.context_today(self)
        run = self._create_batch_run(day)
        return {
            "type": "ir.actions.act_window",
            "res_model": "billing.run",
            "res_id": run.id,
            "view_mode": "form",
        }

    # === BUSINESS === #

    @api.model
    def _get_transitions(self):
        return {
            "draft": {"active", "archived"},
            "active": {"draft", "archived"},
            "archived": {"draft", "active"},
        }

    def _create_run(self, reference_date, **values):
        """Create one run of the cycle.

        :param date reference_date: the day the run is for; the cycle's day rules
            turn it into the run's dates
        :param values: of the run, in place of what the cycle gives
        :return: the new ``billing.run``, pending
        :raise UserError: the cycle is not active
        """
        self.ensure_one()
        return self.env["billing.run"].create(
            {"cycle_id": self.id, **self._prepare_run_dates(reference_date), **values}
        )

    def _prepare_run_dates(self, reference_date):
        """Return the dates that the cycle's day rules give for a reference date."""
        self.ensure_one()
        invoice_date = apply_day_rule(self.invoice_date_rule, self.invoice_date_day, reference_date)
        transaction_date = (
            invoice_date
            if self.transaction_date_rule == "invoice_date"
            else apply_day_rule(
                self.transaction_date_rule, self.transaction_date_day, reference_date
            )
        )
        return {
            "invoice_date": invoice_date,
            "transaction_date": transaction_date,
            "cutoff_date": apply_day_rule(
                self.cutoff_date_rule, self.cutoff_date_day, reference_date
            ),
        }

    def _due_date(self, invoice_date):
        """Return the due date by the cycle's own rule."""
        self.ensure_one()
        return apply_due_rule(self.due_rule, self.due_days, invoice_date)
