from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ...billing_tasks.texts import label
from .service_operation import OPERATION_TYPES

OPEN_STATES = ("new", "in_progress")
#: what the assignee fills in by hand
EDITABLE = {
    "activation_date",
    "parameters",
    "addon_line_ids",
    "send_opening_mail",
    "mail_subject",
    "mail_body",
    "own_mail_subject",
    "own_mail_body",
}


class ServiceTask(models.Model):
    """What staff must do by hand for one operation on a service, and then close.

    States: ``new`` waits for somebody of its department; ``in_progress`` has an assignee who works on
    it; ``done`` was closed, which applied the operation to the service and its billing; ``cancelled``
    was given up, with a reason, and the operation with it.

    A task is seen by the members of its department and of the departments above it, by its
    assignee, and by billing managers; by nobody else, billing users included. All of them may
    take it, hand it over and pass it on. Its assignee (and managers) fill in settings and
    add-ons and see the passwords of the service; the assignee closes it. Nobody creates or deletes
    tasks: they come from operations. The type, the texts and the state cannot be edited.
    """

    _name = "service.task"
    _description = "Service Task"
    _inherit = ["billing.state.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "deadline, id"
    _rec_name = "number"
    _check_company_auto = True
    _mail_post_access = "read"

    number = fields.Char(required=True, readonly=True, copy=False, default="/")
    operation_id = fields.Many2one(
        "service.operation", required=True, readonly=True, index=True, ondelete="cascade"
    )
    type = fields.Selection(OPERATION_TYPES, string="Task Type", required=True, readonly=True)
    service_id = fields.Many2one(
        "billing.service",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        check_company=True,
    )
    company_id = fields.Many2one(
        related="operation_id.company_id", store=True, precompute=True, required=True, index=True
    )
    tariff_id = fields.Many2one(
        "billing.tariff",
        required=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
        help="The tariff of the service; on a change to another tariff, that one.",
    )
    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, readonly=True, index=True
    )
    department_id = fields.Many2one(
        "hr.department",
        readonly=True,
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
    )
    in_my_departments = fields.Boolean(
        compute="_compute_in_my_departments",
        search="_search_in_my_departments",
        help="The task is of a department that you are a member of, or of one below it.",
    )
    user_id = fields.Many2one(
        "res.users", string="Assignee", readonly=True, index=True, tracking=True
    )
    state = fields.Selection(
        [
            ("new", "New"),
            ("in_progress", "In Progress"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="new",
        index=True,
        tracking=True,
        group_expand=True,
    )
    is_mine = fields.Boolean(compute="_compute_is_mine", help="You may fill it in.")
    is_assignee = fields.Boolean(compute="_compute_is_mine", help="You may close it.")
    deadline = fields.Datetime(readonly=True, index=True, tracking=True)
    is_overdue = fields.Boolean(compute="_compute_is_overdue", search="_search_is_overdue")
    activation_date = fields.Date(
        required=True,
        default=fields.Date.context_today,
        tracking=True,
        help="The first day on which the operation counts. Billing uses it.",
    )
    closed_date = fields.Datetime(readonly=True)
    closed_by_id = fields.Many2one("res.users", readonly=True)
    hours_to_close = fields.Float(
        readonly=True, aggregator="avg", help="Hours from the task's creation to its end."
    )
    cancel_reason = fields.Char(readonly=True, tracking=True)
    description = fields.Html(string="Task Description", readonly=True)
    close_actions = fields.Html(string="On Closing", readonly=True)
    service_description = fields.Html(readonly=True)
    money_effect = fields.Html(compute="_compute_money_effect", sanitize=False)
    parameters = fields.Properties(
        string="Main Settings", definition="tariff_id.parameter_definition", copy=True
    )
    required_parameters = fields.Char(compute="_compute_required_parameters", compute_sudo=True)
    addon_line_ids = fields.One2many("service.task.addon", "task_id", string="Add-ons")
    secret_ids = fields.Many2many(
        "billing.service.secret", string="Passwords", compute="_compute_secret_ids"
    )
    send_opening_mail = fields.Boolean(
        default=True, help="The customer gets the opening mail when the task is closed."
    )
    mail_recipient = fields.Char(string="To", compute="_compute_mail_recipient", compute_sudo=True)
    own_mail_subject = fields.Char(readonly=True)
    own_mail_body = fields.Html(readonly=True, sanitize="email_outgoing")
    mail_subject = fields.Char(
        string="Subject", compute="_compute_opening_mail", inverse="_inverse_mail_subject"
    )
    mail_body = fields.Html(
        string="Opening Mail",
        compute="_compute_opening_mail",
        inverse="_inverse_mail_body",
        sanitize="email_outgoing",
    )
    mail_problem = fields.Char(
        compute="_compute_mail_problem", help="Why the template gives no opening mail."
    )

    opening_mail_state = fields.Selection(related="operation_id.opening_mail_state")
    opening_mail_problem = fields.Char(related="operation_id.opening_mail_problem")

    _number_unique = models.UniqueIndex(
        "(company_id, number)", "Another service task of this company already has this number."
    )
    _one_open = models.UniqueIndex(
        "(operation_id) WHERE state IN ('new', 'in_progress')",
        "The operation already has an open service task.",
    )
    _assigned_in_progress = models.Constraint(
        "CHECK(state <> 'in_progress' OR user_id IS NOT NULL)",
        "A task in progress has an assignee.",
    )
    _open_idx = models.Index("(department_id, deadline) WHERE state IN ('new', 'in_progress')")

    # === COMPUTES === #

    @api.depends("number", "type")
    def _compute_display_name(self):
        for task in self:
            task.display_name = f"{task.number} {label(task, 'type')}".strip()

    @api.depends("department_id")
    @api.depends_context("uid")
    def _compute_in_my_departments(self):
        mine = self._my_departments()
        for task in self:
            task.in_my_departments = task.department_id in mine

    def _search_in_my_departments(self, operator, value):
        if operator != "in":
            return NotImplemented
        mine = Domain("department_id", "in", self._my_departments().ids)
        if set(value) == {True}:
            return mine
        return ~mine if set(value) == {False} else Domain.TRUE

    @api.model
    def _my_departments(self):
        """Return the departments that the user is a member of, and all below them.

        Looked up at every question: a record rule's domain is cached, the answer to it is not, so
        a change of department counts at once."""
        employees = (
            self.env["hr.employee"]
            .sudo()
            .with_context(active_test=True)
            .search([("user_id", "=", self.env.uid)])
        )
        departments = self.env["hr.department"].sudo().with_context(active_test=False)
        return departments.search([("id", "child_of", employees.department_id.ids)])

    @api.depends("user_id", "state")
    @api.depends_context("uid")
    def _compute_is_mine(self):
        manager = self._is_manager()
        for task in self:
            is_open = task.state in OPEN_STATES
            task.is_assignee = is_open and task.user_id == self.env.user
            task.is_mine = is_open and (manager or task.user_id == self.env.user)

    @api.depends("deadline", "state")
    def _compute_is_overdue(self):
        now = fields.Datetime.now()
        for task in self:
            task.is_overdue = bool(
                task.state in OPEN_STATES and task.deadline and task.deadline < now
            )

    def _search_is_overdue(self, operator, value):
        if operator != "in":
            return NotImplemented
        overdue = Domain("state", "in", OPEN_STATES) & Domain(
            "deadline", "<", fields.Datetime.now()
        )
        if set(value) == {True}:
            return overdue
        return ~overdue if set(value) == {False} else Domain.TRUE

    @api.depends("activation_date", "state", "operation_id", "addon_line_ids.quantity")
    def _compute_money_effect(self):
        for task in self:
            if task.state not in OPEN_STATES or not task.activation_date:
                task.money_effect = False
                continue
            operation = task.sudo().operation_id._origin
            task.money_effect = operation._effect_html(
                task.activation_date, task._changed_quantities()
            )

    @api.depends("tariff_id")
    def _compute_required_parameters(self):
        for task in self:
            tariff = task.tariff_id
            rows = tariff._required_rows(tariff.parameter_definition)
            task.required_parameters = ", ".join(tariff._parameter_labels(rows))

    @api.depends("service_id", "user_id", "state")
    @api.depends_context("uid")
    def _compute_secret_ids(self):
        secrets = self.env["billing.service.secret"]
        for task in self:
            if task.is_mine or (self._is_manager() and task.id):
                domain = [("service_id", "=", task.sudo().service_id.id)]
                task.secret_ids = secrets.search(domain)
            else:
                task.secret_ids = False

    @api.depends("partner_id.email", "partner_id.name")
    def _compute_mail_recipient(self):
        for task in self:
            task.mail_recipient = task.partner_id.email and task.partner_id.email_formatted

    @api.depends("own_mail_subject", "own_mail_body", "parameters", "operation_id", "state")
    def _compute_opening_mail(self):
        for task in self:
            rendered, _problem = task._try_opening_mail()
            task.mail_subject = task.own_mail_subject or rendered["subject"]
            task.mail_body = task.own_mail_body or rendered["body"]

    # Not beside the two above: what shares a compute with a written field is not computed anew.
    @api.depends("own_mail_subject", "own_mail_body", "parameters", "operation_id", "state")
    def _compute_mail_problem(self):
        for task in self:
            _rendered, task.mail_problem = task._try_opening_mail()

    def _try_opening_mail(self) -> tuple[dict, str | bool]:
        """Return (what the template gives, where it is needed; why it gives nothing)"""
        nothing = {"subject": False, "body": False}
        own = self.own_mail_subject and self.own_mail_body
        if own or self.type != "setup" or self.state not in OPEN_STATES or not self._origin:
            return nothing, False
        try:
            return self.sudo().operation_id._render_opening_mail(), False
        except UserError as error:
            return nothing, str(error)

    def _inverse_mail_subject(self):
        for task in self:
            task.own_mail_subject = task.mail_subject

    def _inverse_mail_body(self):
        for task in self:
            task.own_mail_body = task.mail_body

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        self.browse().check_access("create")
        if not self._is_own():
            raise UserError(self.env._("Service tasks come from operations on services."))
        for vals in vals_list:
            if vals.get("number", "/") == "/":
                vals["number"] = self.env["ir.sequence"].sudo().next_by_code("service.task")
        return super().create(vals_list)

    def write(self, vals):
        if EDITABLE.intersection(vals) and not self._own_names(vals) and not self._is_own():
            self.check_access("write")
            self._check_editable()
        return super().write(vals)

    @api.model
    def _own_names(self, names):
        chatter = ("message_", "activity_")
        return {name for name in names if not name.startswith(chatter)} - EDITABLE

    @api.model
    def _get_own_text(self, names):
        return self.env._(
            "A service task changes with its buttons: Assign to Me, Hand Over, Pass to "
            "Department, Close and Cancel."
        )

    def copy(self, default=None):  # pylint: disable=method-required-super
        self.browse().check_access("create")
        raise UserError(self.env._("Service tasks come from operations and cannot be duplicated."))

    def _mail_get_partner_fields(self, introspect_fields=False):
        """The history is for staff: the customer is not proposed as a reader of messages."""
        return []

    def _check_editable(self):
        """Only the assignee of an open task, and managers, fill it in."""
        for task in self:
            if self._is_own() or task.is_mine:
                continue
            if task.state not in OPEN_STATES:
                raise UserError(
                    self.env._("%s is closed and cannot be edited any more.", task.display_name)
                )
            raise UserError(
                self.env._(
                    "%s is filled in by its assignee. Assign it to yourself first.",
                    task.display_name,
                )
            )

    def _is_manager(self) -> bool:
        return self.env.su or self.env.user.has_group("billing_operations.group_billing_manager")

    # === BUSINESS === #

    @api.model
    def _get_transitions(self):
        return {
            "new": {"in_progress", "done", "cancelled"},
            "in_progress": {"new", "done", "cancelled"},
            "done": set(),
            "cancelled": set(),
        }

    def _set_state(self, state, values=None, sources=None):
        # Who may do what with a task is checked by its buttons.
        tasks = self.sudo()
        if state not in ("done", "cancelled"):
            return super(ServiceTask, tasks)._set_state(state, values, sources)
        now = fields.Datetime.now()

        def closing(task):
            hours = (now - task.create_date).total_seconds() / 3600
            return {
                "closed_date": now,
                "closed_by_id": self.env.uid,
                "hours_to_close": hours,
                **(values or {}),
            }

        closed = super(ServiceTask, tasks)._set_state(state, closing, sources)
        closed.activity_ids.unlink()
        return closed
