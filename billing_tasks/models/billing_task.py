from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

from ..exceptions import TaskControl
from ..journal import Journal, insert_line, log_values
from ..redaction import plain_json, redact, secret_keys, storable_text

OPEN_STATES = ("pending", "error")
FINISHED_STATES = ("completed", "failed", "skipped")
LIVE_STATES = (*OPEN_STATES, "running")
MAX_PRIORITY = 9999


class BillingTask(models.Model):
    """One job in the queue of background work.

    States: ``pending`` waits for its turn, ``running`` is being worked on, ``completed`` went well,
    ``error`` hit a problem and is tried again at ``delay_date``, ``failed`` used up its retries or can
    never succeed, ``skipped`` was not needed or was superseded by a later task.

    Nobody creates tasks by hand: code enqueues them. *Billing Tasks* members see the queue of their
    companies and delete what is not running; billing managers also retry, skip and change the
    priority.

    Context keys, set by the runner and meant for it alone: ``billing_task_id`` (the task at work),
    ``billing_task_journal`` (where its log lines go), ``billing_task_requester_id`` (who is noted as
    asking for tasks that a handler enqueues).
    """

    _name = "billing.task"
    _description = "Billing Task"
    _inherit = ["billing.state.mixin"]
    _order = "id desc"

    type_id = fields.Many2one(
        "billing.task.type",
        string="Billing Task Type",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("running", "Running"),
            ("completed", "Completed"),
            ("error", "Error"),
            ("failed", "Failed"),
            ("skipped", "Skipped"),
        ],
        string="Billing Task Status",
        required=True,
        default="pending",
        readonly=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, readonly=True
    )
    partner_id = fields.Many2one(
        "res.partner", string="Customer", readonly=True, index="btree_not_null"
    )
    res_model = fields.Char(string="Task For Model", readonly=True)
    res_id = fields.Many2oneReference(string="Task For ID", model_field="res_model", readonly=True)
    parameters = fields.Json(readonly=True)
    priority = fields.Integer(
        required=True,
        default=50,
        readonly=True,
        aggregator=None,
        help="The lowest number runs first.",
    )
    retry_count = fields.Integer(
        readonly=True, help="How often the task was tried again after a problem."
    )
    max_retries = fields.Integer(readonly=True, aggregator=None)
    attempt_count = fields.Integer(
        string="Tries",
        readonly=True,
        help="How often the task was begun: retries, postponements and tries asked for by people"
        " included.",
    )
    postpone_count = fields.Integer(readonly=True, help="How often the task asked to be run later.")
    postponed_since = fields.Datetime(readonly=True)
    added_date = fields.Datetime(required=True, default=fields.Datetime.now, readonly=True)
    delay_date = fields.Datetime(
        required=True,
        default=fields.Datetime.now,
        readonly=True,
        help="The task does not run before this time.",
    )
    started_date = fields.Datetime(readonly=True)
    ended_date = fields.Datetime(readonly=True)
    duration = fields.Float(
        string="Duration (s)", readonly=True, aggregator="avg", help="Seconds of the last attempt."
    )
    test_mode = fields.Boolean(
        readonly=True, help="A dry run: its effects are undone, only its result is kept."
    )
    identity_key = fields.Char(readonly=True, help="Only one waiting task may have this key.")
    exclusive_key = fields.Char(
        readonly=True, help="Tasks with the same key never run at the same time."
    )
    attempt_token = fields.Char(readonly=True, copy=False)
    attempt_date = fields.Datetime(readonly=True)
    intent_state = fields.Selection(
        [("sending", "Sending"), ("unknown", "Outcome unknown")],
        readonly=True,
        help="Work outside of the database that was begun and whose outcome is not recorded yet.",
    )
    intent = fields.Json(readonly=True)
    log_ids = fields.One2many("billing.task.log", "task_id", string="Activity Log", readonly=True)
    error_code = fields.Char(readonly=True)
    error_message = fields.Char(readonly=True)
    result = fields.Json(readonly=True)
    superseded_by_id = fields.Many2one("billing.task", readonly=True, index="btree_not_null")
    requested_by_id = fields.Many2one("res.users", readonly=True)

    _claim_idx = models.Index("(priority, delay_date, id) WHERE state IN ('pending', 'error')")
    _age_idx = models.Index("(delay_date, id) WHERE state IN ('pending', 'error')")
    _running_idx = models.Index("(attempt_date) WHERE state = 'running'")
    _running_key_idx = models.Index(
        "(identity_key) WHERE state = 'running' AND identity_key IS NOT NULL"
    )
    _finished_idx = models.Index("(ended_date) WHERE state IN ('completed', 'failed', 'skipped')")
    _record_idx = models.Index("(res_model, res_id)")
    _identity_unique = models.UniqueIndex(
        "(identity_key) WHERE state IN ('pending', 'error') AND identity_key IS NOT NULL",
        "A task with the same identity key is waiting already.",
    )
    _parameters_object = models.Constraint(
        "CHECK (parameters IS NULL OR jsonb_typeof(parameters) = 'object')",
        "The parameters of a billing task must be a JSON object.",
    )
    _token_when_running = models.Constraint(
        "CHECK ((state = 'running') = (attempt_token IS NOT NULL))",
        "A billing task carries an attempt token while it runs, and only then.",
    )

    # === CONSTRAINTS === #

    @api.constrains("parameters")
    def _check_parameters(self):
        for task in self:
            task._validate_parameters(task.parameters)

    @api.model
    def _validate_parameters(self, parameters):
        """Raise where ``parameters`` are not a JSON object or carry what looks like a secret."""
        if parameters is None or parameters is False:
            return
        if not isinstance(parameters, dict):
            raise ValidationError(
                self.env._("The parameters of a billing task must be a JSON object.")
            )
        try:
            plain_json(parameters)
        except ValueError as error:
            raise ValidationError(
                self.env._("The parameters of a billing task must be plain JSON: %s", error)
            ) from error
        if secrets := secret_keys(parameters):
            raise ValidationError(
                self.env._(
                    "Billing tasks never carry secrets: remove %s from the parameters and let the"
                    " task read it from its own protected record.",
                    ", ".join(secrets),
                )
            )

    # === COMPUTE === #

    @api.depends("type_id")
    def _compute_display_name(self):
        for task in self:
            task.display_name = f"{task.type_id.name} #{task.id}"

    @api.model
    def _search_display_name(self, operator, value):
        """Find tasks by their number, with or without ``#``, or by the name of their type."""
        values = [value] if isinstance(value, str) else value
        if operator not in ("=", "in", "ilike", "like") or not values:
            return NotImplemented
        found = Domain.FALSE
        for text in map(str, values):
            number = text.rpartition("#")[2].strip()
            if number.isdecimal() and len(number) < 10:
                found |= Domain("id", "=", int(number))
            else:
                found |= Domain("type_id", "ilike", text)
        return found

    # === CRUD === #

    def unlink(self):
        self.check_access("unlink")
        self.sudo().filtered(lambda task: task.state != "running")._leave_intents()
        return super().unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if running := self.filtered(lambda task: task.state == "running"):
            raise UserError(
                self.env._(
                    "A running task cannot be deleted: %s. Wait until it has ended.",
                    ", ".join(running.mapped("display_name")),
                )
            )

    # === ACTIONS === #

    def action_retry_now(self):
        """Put tasks in error, failed or skipped back in the queue, due at once, with all their
        retries."""
        tasks = self._as_manager()
        if wrong := tasks.filtered(
            lambda task: task.state not in ("error", "failed", "skipped", "pending")
        ):
            raise UserError(
                self.env._(
                    "Only tasks that wait, are in error, failed or were skipped can be retried, not: %s.",
                    ", ".join(wrong.mapped("display_name")),
                )
            )
        tasks._requeue()
        tasks._log_each(self.env._("Retry asked for by %s.", self.env.user.name))
        tasks._wake_workers()
        return True

    def action_skip(self):
        """Take waiting or failed tasks out of the queue."""
        tasks = self._as_manager()
        if wrong := tasks.filtered(
            lambda task: task.state not in ("pending", "error", "failed", "skipped")
        ):
            raise UserError(
                self.env._(
                    "Only tasks that wait, are in error or failed can be skipped, not: %s.",
                    ", ".join(wrong.mapped("display_name")),
                )
            )
        tasks = tasks.filtered(lambda task: task.state != "skipped")
        tasks._set_state("skipped", {"ended_date": fields.Datetime.now()})
        tasks._log_each(self.env._("Skipped by %s.", self.env.user.name))
        tasks._leave_intents()
        return True

    def action_set_priority(self, priority):
        """Change the priority of waiting tasks; the lowest number runs first.

        :param int priority: the new priority.
        """
        tasks = self._as_manager()
        if type(priority) is not int or not 0 <= priority <= MAX_PRIORITY:
            raise UserError(
                self.env._(
                    "The priority is a whole number from 0 to %s; the lowest runs first.",
                    MAX_PRIORITY,
                )
            )
        if wrong := tasks.filtered(lambda task: task.state not in OPEN_STATES):
            raise UserError(
                self.env._(
                    "Only tasks that wait or are in error can get another priority, not: %s.",
                    ", ".join(wrong.mapped("display_name")),
                )
            )
        tasks.write({"priority": priority})
        tasks._log_each(
            self.env._(
                "Priority set to %(priority)s by %(user)s.",
                priority=priority,
                user=self.env.user.name,
            )
        )
        return True

    def _as_manager(self):
        """Return these tasks with the right to change them, after checking the user's.

        Tasks are not writable for anyone by access rights, so that states change by these methods
        only.
        """
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise AccessError(self.env._("Only billing managers may change billing tasks."))
        self.check_access("read")
        return self.sudo()

    # === BUSINESS === #

    def _log(self, message, level="info"):
        """Add a line to the activity log: seen at once, kept even if the attempt is rolled back.

        :param message: text; what looks like a secret is blotted out.
        :param level: ``info``, ``warning`` or ``error``.
        """
        self.ensure_one()
        journal = self.env.context.get("billing_task_journal")
        values = log_values(self.id, message, level)
        if isinstance(journal, Journal):
            journal.add(values)
        else:
            insert_line(self.env.cr, values)
            self.invalidate_recordset(["log_ids"])

    def _log_each(self, message):
        for task in self:
            task._log(message)

    def _progress(self, done, total):
        """Note how far the running attempt is. Cheap: at most one line a second is written."""
        self.ensure_one()
        journal = self.env.context.get("billing_task_journal")
        if isinstance(journal, Journal):
            journal.progress(self.id, int(done), int(total))

    @api.model
    def _note_progress(self, done, total):
        """Note how far the attempt at work here is, from code that does not know its task."""
        if task_id := self.env.context.get("billing_task_id"):
            self.browse(task_id)._progress(done, total)

    @api.model
    def _get_transitions(self):
        return {
            "pending": {"running", "skipped"},
            "running": {"completed", "error", "failed", "skipped", "pending"},
            "error": {"running", "pending", "skipped"},
            "failed": {"pending", "skipped"},
            "skipped": {"pending"},
            "completed": set(),
        }

    def _set_state(self, state, values=None, sources=None):
        # The token is that of the attempt at work, if there is one.
        return super()._set_state(state, {"attempt_token": False, **(values or {})}, sources)

    def _give_back(self):
        """Return a claimed task that may not start yet, as if it had not been claimed."""
        self.ensure_one()
        if successor := self._successor():
            values = {"superseded_by_id": successor.id, "ended_date": fields.Datetime.now()}
            self._set_state("skipped", values)
        else:
            self._log(
                self.env._("Given back: another task is at work on what this one needs alone.")
            )
            values = {"started_date": False, "attempt_count": self.attempt_count - 1}
            self._set_state("pending", values)

    def _requeue(self):
        """Make these tasks pending and due now, with their counters at zero.

        :raise UserError: where another task with the same identity key waits already, or is among
            these.
        """
        newest = {task.identity_key: task for task in self.sorted("id")}
        for task in self.filtered("identity_key"):
            other = newest[task.identity_key]
            if successor := task._successor() or (other - task):
                raise UserError(
                    self.env._(
                        "%(task)s cannot be retried: %(other)s does the same. Retry one of them.",
                        task=task.display_name,
                        other=successor.display_name,
                    )
                )
        now = fields.Datetime.now()
        values = {
            "delay_date": now,
            "retry_count": 0,
            "postpone_count": 0,
            "postponed_since": False,
            "error_code": False,
            "error_message": False,
            "superseded_by_id": False,
            "ended_date": False,
        }
        self.filtered(lambda task: task.state == "pending").write({"delay_date": now})
        self._set_state("pending", values)

    def _successor(self):
        """Return the waiting task with the same identity key, if any."""
        self.ensure_one()
        if not self.identity_key:
            return self.browse()
        return self.search(
            [
                ("identity_key", "=", self.identity_key),
                ("state", "in", OPEN_STATES),
                ("id", "!=", self.id),
            ],
            limit=1,
        )

    def _error_text(self, error):
        """Return what a person reads about an exception: its own words, redacted."""
        text = str(error.args[0]) if isinstance(error, UserError) and error.args else str(error)
        if not isinstance(error, UserError | TaskControl):
            text = f"{type(error).__name__}: {text}"
        return redact(storable_text(text))[:2000]

    @api.model
    def _live_domain(self, records=None, code=None):
        """Return the domain of tasks that run, or will run by themselves.

        :param records: only tasks for these records of one model
        :param code: only tasks of the type with this code
        """
        domain = Domain("state", "in", LIVE_STATES)
        if records is not None:
            domain &= Domain("res_model", "=", records._name) & Domain("res_id", "in", records.ids)
        if code is not None:
            domain &= Domain("type_id.code", "=", code)
        return domain

    # === HOOKS === #

    @api.model
    def _get_task_handlers(self):
        """Return ``{type code: handler}``; every package adds its own.

        A handler is a callable ``handler(task)`` or an ``ExternalHandler``, see
        ``billing_tasks/handlers.py``. It runs as OdooBot in the task's company, with the company's
        language and time zone.
        """
        return {}

    @api.model
    def _get_task_failure_handlers(self):
        """Return ``{type code: callable(task)}``, called when a task of that type fails for good.

        Runs in the transaction that marks the task ``failed``, after the attempt was rolled back:
        the place to leave the reason on the record that the task is for.
        """
        return {}
