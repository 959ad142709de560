from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...services.numbers import give_numbers
from ..cycles.criteria import CRITERIA, FILTERS, criterion_field, limit_field
from .stages import POSTPAID_STAGES, PREPAID_STAGES, Stages

EDITABLE_STATES = ("pending", "ready", "approved")
ENDED_STATES = ("completed", "completed_with_errors", "failed", "cancelled")
# How far a run is: its own methods and the queue's tasks write it.
PROGRESS_FIELDS = frozenset(
    {
        "stage",
        "target_stage",
        "cycle_date",
        "scheduled_date",
        "started_date",
        "ended_date",
        "ready_by_id",
        "approved_by_id",
        "successor_id",
        "canary_running",
        "stop_reason",
        "limits_passed",
    }
)
# What stays writable once bills were requested.
_UNLOCKED_FIELDS = PROGRESS_FIELDS | {"state", "message_main_attachment_id"}
PREPAID_FLAGS = ("enable_estimation", "enable_stop", "enable_start")
# The cycle gives it, the run may have its own.
_FROM_CYCLE = {
    "compute": "_compute_criteria",
    "store": True,
    "readonly": False,
    "precompute": True,
}


class BillingRun(models.Model):
    """A billing run: one company's batch of bills as of a date.

    States: ``pending`` → (``ready`` → ``approved``, where the cycle asks for
    sign-off) → ``requested`` → ``running`` → ``completed``,
    ``completed_with_errors`` or ``failed`` (no bill was produced);
    ``cancelled`` from anywhere before production, or once all of it was undone
    before the run ended. A run that has reached a target before its last stage
    waits in ``requested``; one that waits after posting can be closed, without PDFs.

    Users prepare, request and watch runs; only pending runs can be deleted, and
    nothing but the queue changes a run after bills were requested.
    """

    _name = "billing.run"
    _description = "Billing Run"
    _inherit = [
        "billing.state.mixin",
        "mail.thread",
        "mail.activity.mixin",
        "billing.task.mixin",
        "billing.limited.mixin",
        "billing.asking.mixin",
    ]
    _rec_name = "number"
    _order = "invoice_date desc, id desc"
    _check_company_auto = True
    _limit_fields = (*CRITERIA, *FILTERS)
    _own_fields = frozenset({"state"})
    _system_fields = PROGRESS_FIELDS

    number = fields.Char(required=True, readonly=True, copy=False, default="/", index="trigram")
    cycle_id = fields.Many2one(
        "billing.cycle",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        domain=[("state", "=", "active")],
        default=lambda self: self._default_cycle(),
        tracking=True,
    )
    # Not simply the cycle's: a run without one yet is offered the cycles of the company at hand.
    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        required=True,
        index=True,
        precompute=True,
    )
    no_active_cycle = fields.Boolean(compute="_compute_no_active_cycle")
    company_currency_id = fields.Many2one(related="company_id.currency_id")
    run_type = fields.Selection(related="cycle_id.run_type", store=True, precompute=True)
    mode = fields.Selection(
        [("batch", "Batch"), ("individual", "Individual")],
        "Type",
        required=True,
        default="batch",
        help="Batch runs bill everybody who is due, individual ones one customer.",
    )
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("ready", "Ready"),
            ("approved", "Approved"),
            ("requested", "Requested"),
            ("running", "Running"),
            ("completed", "Completed"),
            ("completed_with_errors", "Completed with Errors"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="pending",
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
    )
    stage = fields.Selection(
        selection="_selection_stage", string="Last Finished Stage", readonly=True, copy=False
    )
    target_stage = fields.Selection(
        selection="_selection_stage",
        string="Up to Stage",
        readonly=True,
        copy=False,
    )
    cycle_date = fields.Date(
        "Recurrence",
        readonly=True,
        copy=False,
        help="The cycle's recurrence that this run was created for.",
    )
    invoice_date = fields.Date(
        tracking=True,
        copy=False,
        help="The date shown on the invoices.",
    )
    cutoff_date = fields.Date(
        "Bill As Of",
        tracking=True,
        copy=False,
        help="The last day included: periods in advance that start, periods in arrears that end"
        " and usage dated on or before it are billed.",
    )
    transaction_date = fields.Date(
        tracking=True,
        copy=False,
        help="The accounting date of the invoices.",
    )
    due_date = fields.Date(
        tracking=True,
        copy=False,
        help="Optional. Set, it is the due date of every invoice in place of payment terms.",
    )
    scheduled_date = fields.Datetime(readonly=True, copy=False)
    started_date = fields.Datetime(readonly=True, copy=False)
    ended_date = fields.Datetime(readonly=True, copy=False)
    # Criteria
    term_scheme_ids = limit_field(
        "billing.term.scheme",
        relation="billing_run_term_scheme_rel",
        string="Billing Terms",
        check_company=True,
        **_FROM_CYCLE,
    )
    frequency_ids = criterion_field(
        "billing_run_frequency_rel", "Frequencies", "frequency", **_FROM_CYCLE
    )
    payment_preference_ids = criterion_field(
        "billing_run_payment_rel", "Payment Preferences", "payment", **_FROM_CYCLE
    )
    presentment_ids = criterion_field(
        "billing_run_presentment_rel", "Presentment Preferences", "presentment", **_FROM_CYCLE
    )
    partner_category_ids = limit_field(
        "res.partner.category",
        relation="billing_run_partner_category_rel",
        string="Customer Classifications",
        **_FROM_CYCLE,
    )
    auto_send = fields.Boolean(
        "Send Automatically",
        help="When the PDFs are ready, bills are e-mailed and put into print bundles without"
        " anybody asking for it.",
        **_FROM_CYCLE,
    )
    enable_estimation = fields.Boolean(
        "Estimate Depletion",
        help="The run estimates how long the wallets will last. Without, it is faster.",
        **_FROM_CYCLE,
    )
    enable_stop = fields.Boolean(
        "Stop Services",
        help="Services whose wallets do not pay are to be suspended from the next day on.",
        **_FROM_CYCLE,
    )
    enable_start = fields.Boolean(
        "Start Services",
        help="Services that were stopped are to be resumed when their wallets pay again.",
        **_FROM_CYCLE,
    )
    only_switches = fields.Boolean(
        "Only Stop and Start",
        help="The run rates and debits nothing: it stops and starts services.",
    )
    # Filters
    partner_ids = limit_field(
        "res.partner", relation="billing_run_partner_rel", string="Customers", check_company=True
    )
    service_ids = limit_field(
        "billing.service",
        relation="billing_run_service_rel",
        string="Services",
        check_company=True,
    )
    job_ids = limit_field(
        "billing.job", relation="billing_run_job_rel", string="Jobs", check_company=True
    )
    department_ids = limit_field(
        "hr.department",
        relation="billing_run_department_rel",
        string="Departments",
        check_company=True,
    )
    result_ids = fields.One2many("billing.run.result", "run_id", "Results", readonly=True)
    exception_ids = fields.One2many(
        "billing.run.exception", "run_id", "Exceptions by Code", readonly=True
    )

    _number_unique = models.UniqueIndex(
        "(company_id, number) WHERE number != '/'", "This billing run number is taken."
    )
    _recurrence_unique = models.UniqueIndex(
        "(cycle_id, cycle_date) WHERE cycle_date IS NOT NULL AND state != 'cancelled'",
        "The cycle has a run for this recurrence already.",
    )
    _due_after_invoice = models.Constraint(
        "CHECK (due_date IS NULL OR invoice_date IS NULL OR due_date >= invoice_date)",
        "The due date must not be before the invoice date.",
    )

    @api.constrains("term_scheme_ids", "cycle_id")
    def _check_term_schemes(self):
        for run in self:
            wrong = run.term_scheme_ids.filtered_domain([("classification", "!=", run.run_type)])
            if wrong:
                raise ValidationError(
                    self.env._(
                        "%(run)s: the billing terms %(terms)s are of the other classification."
                        " Remove them.",
                        run=run.number,
                        terms=", ".join(wrong.mapped("name")),
                    )
                )

    @api.constrains("only_switches", "enable_stop", "enable_start", "enable_estimation")
    def _check_switches(self):
        for run in self.filtered("only_switches"):
            if not any(run[name] for name in PREPAID_FLAGS):
                raise ValidationError(
                    self.env._(
                        "%(run)s rates and debits nothing: let it stop or start services, or"
                        " estimate.",
                        run=run.number,
                    )
                )

    @api.constrains("job_ids", "cycle_id")
    def _check_jobs(self):
        for run in self:
            if run.run_type == "prepaid" and run.job_ids:
                raise ValidationError(
                    self.env._(
                        "%(run)s: jobs are billed by invoices, not from wallets. Remove them.",
                        run=run.number,
                    )
                )

    @api.constrains("cycle_id")
    def _check_cycle_active(self):
        for run in self:
            if run.cycle_id.state != "active":
                raise ValidationError(
                    self.env._(
                        "Billing cycle %(cycle)s is not active. Activate it to create runs.",
                        cycle=run.cycle_id.name,
                    )
                )

    @api.model
    def _default_cycle(self):
        """Return the company's active cycle where there is exactly one."""
        cycles = self.env["billing.cycle"].search(self._active_cycles(), limit=2)
        return cycles if len(cycles) == 1 else cycles.browse()

    @api.model
    def _active_cycles(self):
        return [("company_id", "=", self.env.company.id), ("state", "=", "active")]

    @api.depends("cycle_id.company_id")
    def _compute_company_id(self):
        for run in self:
            run.company_id = run.cycle_id.company_id or self.env.company

    @api.depends("cycle_id")
    @api.depends_context("company")
    def _compute_no_active_cycle(self):
        for run in self:
            run.no_active_cycle = not run.cycle_id and not self.env["billing.cycle"].search_count(
                self._active_cycles(), limit=1
            )

    @api.depends("cycle_id")
    def _compute_criteria(self):
        for run in self:
            for name in (*CRITERIA, "auto_send", *PREPAID_FLAGS):
                run[name] = run.cycle_id[name]

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        cycles = self.env["billing.cycle"]
        give_numbers(self, vals_list, lambda vals: cycles.browse(vals.get("cycle_id")).company_id)
        runs = super().create(vals_list)
        if not self.env.su:
            # Scripts and crons say themselves what a run stands for.
            runs._take_recurrences()
        return runs

    def write(self, vals):
        locked = set() if self._is_own() else self._locked_fields(vals)
        if locked:
            for run in self.filtered(lambda r: r.state not in EDITABLE_STATES):
                raise UserError(
                    self.env._(
                        "%(run)s cannot be changed any more because its bills were requested"
                        " (%(fields)s).",
                        run=run.number,
                        fields=", ".join(
                            sorted(
                                self._fields[name]._description_string(self.env) for name in locked
                            )
                        ),
                    )
                )
        result = super().write(vals)
        if locked - {"invoice_message", "message_template_id"} and "state" not in vals:
            # What was signed off is no longer what would be billed.
            self.filtered(lambda r: r.state in ("ready", "approved"))._set_state("pending")
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_requested(self):
        for run in self:
            if run.state != "pending":
                raise UserError(
                    self.env._(
                        "%(run)s cannot be deleted: only pending runs can. Cancel it instead.",
                        run=run.number,
                    )
                )

    def _locked_fields(self, vals):
        """Return the names in ``vals`` that are fixed once bills were requested."""
        chatter = ("message_", "activity_", "website_message", "my_activity", "rating_")
        return {
            name for name in vals if name not in _UNLOCKED_FIELDS and not name.startswith(chatter)
        }

    # === BUSINESS === #

    def _converted(self, amount, source, target):
        """Return an amount of one currency in another, at the rate of the invoices' date."""
        self.ensure_one()
        return source._convert(amount, target, self.company_id, self.invoice_date)

    # === STAGES === #

    @api.model
    def _stage_registry(self, run_type):
        """Return the stages of runs of a type, in order: objects like those of ``runs/stages.py``.

        A floor above, or an addon, extends the list with ``super()``, and with that what engine,
        progress, results, Next Steps and selections know.
        """
        stages = {"postpaid": POSTPAID_STAGES, "prepaid": PREPAID_STAGES}
        return list(stages.get(run_type, ()))

    def _stages(self):
        """Return the stages of the run, in order."""
        self.ensure_one()
        registry = self._stage_registry(self.run_type)
        return Stages(stage for stage in registry if stage.is_in(self))

    @api.model
    def _known_stages(self):
        """Return the stages of all types of runs, each once."""
        run_types = self.env["billing.cycle"]._fields["run_type"].get_values(self.env)
        return list(dict.fromkeys(s for t in run_types for s in self._stage_registry(t)))

    @api.model
    def _selection_stage(self):
        """Return ``[(name, label)]`` of all stages."""
        return list({s.name: (s.name, self.env._(s.label)) for s in self._known_stages()}.values())

    def _target_place(self):
        """Return the place of the stage up to which the run is executed."""
        self.ensure_one()
        stages = self._stages()
        return stages.place(self.target_stage) if self.target_stage else len(stages) - 1
