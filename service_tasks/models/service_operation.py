import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...billing_tasks.texts import label

#: what is being worked on: at most one operation of a service
IN_HAND = ("processing", "manual", "failed", "unknown")
OPEN = ("pending", *IN_HAND)
OPERATION_TYPES = [
    ("setup", "Set Up"),
    ("change", "Change"),
    ("delete", "Delete"),
    ("suspend", "Suspend"),
    ("resume", "Resume"),
]


class ServiceOperation(models.Model):
    """One asked-for change of one service, from the request until it is carried out.

    States: ``pending`` waits for its day or its turn; ``processing`` is with software (a background
    task, or a callback that is awaited); ``manual`` is a service task of a department; ``failed`` and
    ``unknown`` were processing, and a person now has a service task to finish or check them; ``done``
    was carried out and applied to the service; ``cancelled`` was withdrawn or superseded.

    One operation of a service is in hand at a time (processing, manual, failed or unknown; a
    unique index holds it). The rule for later ones:

    * they wait as ``pending`` and start one at a time, by effective date, then in the order of
      request, each not before its effective date and not before the one in hand has ended;
    * a request for the very same thing, waiting or in hand, is the same operation;
    * the last wish counts: ``delete`` supersedes all that wait with its effective date or a later
      one, and so does one of ``suspend`` and ``resume`` to others of these two. Changes queue;
    * what is in hand is never superseded, since somebody may have done it already.

    Billing users ask for operations and cancel them; nobody creates or writes them otherwise.
    """

    _name = "service.operation"
    _description = "Service Operation"
    _inherit = ["billing.state.mixin"]
    _order = "id desc"
    _check_company_auto = True

    key = fields.Char(
        string="Idempotency Key",
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: uuid.uuid4().hex,
        help="By this key other systems recognise a repeated request.",
    )
    service_id = fields.Many2one(
        "billing.service",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        check_company=True,
    )
    company_id = fields.Many2one(
        related="service_id.company_id", store=True, precompute=True, required=True, index=True
    )
    partner_id = fields.Many2one(
        related="service_id.partner_id", string="Customer", store=True, index=True
    )
    module_id = fields.Many2one(
        "service.processing.module",
        string="Processing Module",
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    type = fields.Selection(OPERATION_TYPES, required=True, readonly=True)
    requested = fields.Json(readonly=True, help="The old and the new values of what was asked for.")
    effective_date = fields.Date(
        required=True, readonly=True, help="The first day on which it counts."
    )
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("processing", "Processing"),
            ("manual", "With Staff"),
            ("failed", "Failed"),
            ("unknown", "Outcome Unknown"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="pending",
        copy=False,
        index=True,
    )
    source = fields.Selection(
        [("client", "Customer"), ("staff", "Staff"), ("billing", "Billing")],
        required=True,
        readonly=True,
        default="staff",
    )
    requested_by_id = fields.Many2one(
        "res.users", readonly=True, default=lambda self: self.env.user
    )
    billing_task_id = fields.Many2one(
        "billing.task",
        string="Background Task",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    service_task_ids = fields.One2many(
        "service.task", "operation_id", string="All Service Tasks", readonly=True
    )
    service_task_id = fields.Many2one(
        "service.task", readonly=True, copy=False, ondelete="set null"
    )
    payload = fields.Json(
        readonly=True, copy=False, help="What the module is told, the same at every attempt."
    )
    accepted_date = fields.Datetime(
        readonly=True, help="When the other side accepted it, to finish it later."
    )
    done_date = fields.Datetime(readonly=True, copy=False)
    message = fields.Text(readonly=True, copy=False, help="How it ended, or why it did not.")
    answered_attempt = fields.Char(readonly=True, copy=False)
    portal_url = fields.Char(compute="_compute_portal_url")
    opening_settings = fields.Html(compute="_compute_opening_settings", sanitize=False)

    _key_unique = models.UniqueIndex("(key)", "Another operation has this key.")
    _one_in_hand = models.UniqueIndex(
        "(service_id) WHERE state IN ('processing', 'manual', 'failed', 'unknown')",
        "Another operation of this service is being worked on.",
    )
    _pending_idx = models.Index("(effective_date, id) WHERE state = 'pending'")

    # === COMPUTES === #

    @api.depends("type", "service_id")
    def _compute_display_name(self):
        for operation in self:
            service = operation.service_id.sudo().display_name
            operation.display_name = f"{label(operation, 'type')}: {service}"

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        self.browse().check_access("create")
        if not self._is_own():
            raise UserError(self._get_own_text(set()))
        return super().create(vals_list)

    @api.model
    def _own_names(self, names):
        return set(names)

    @api.model
    def _get_own_text(self, names):
        return self.env._(
            "Operations are asked for with the buttons of a service and change by being carried "
            "out; they cannot be edited."
        )

    # === ACTIONS === #

    def action_cancel(self):
        """Withdraw operations that are not carried out yet, and their service tasks."""
        self._check_may_change()
        self.sudo()._cancel(self.env._("Cancelled by %s.", self.env.user.name))
        return True

    def action_retry(self):
        """Let the module try failed operations again, under the same key."""
        self._check_may_change()
        for operation in self.sudo():
            if operation.state != "failed" or not operation.module_id._is_automatic():
                raise UserError(
                    self.env._(
                        "Only a failed operation of an automatic module can be tried again, not: "
                        "%s.",
                        operation.display_name,
                    )
                )
            operation._set_state("processing", {"message": False, "accepted_date": False})
            operation._enqueue()
        return True

    def action_ask_again(self):
        """Ask the other side what became of operations whose outcome is unknown. Nothing is done
        again by it: who answers that nothing was received makes the operation a failed one, which
        can be tried again."""
        self._check_may_change()
        for operation in self.sudo():
            if operation.state != "unknown" or not operation.module_id._can_ask():
                raise UserError(
                    self.env._(
                        "What became of %s cannot be asked for. Look it up at the other side; "
                        "then close its service task where it was done, else do it by hand or "
                        "cancel it.",
                        operation.display_name,
                    )
                )
            operation._enqueue()
            if not operation.billing_task_id.intent:
                operation.billing_task_id._write_intent("sending", operation._intent())
        return True

    def action_open_service_task(self):
        """Open the service task of this operation."""
        self.ensure_one()
        self.check_access("read")
        self.env["service.task"].check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "service.task",
            "res_id": self.service_task_id.id,
            "views": [(False, "form")],
        }

    def _check_may_change(self):
        """Operations change for people who may change their services."""
        self.check_access("read")
        if not self.env.su:
            self.service_id._check_billing_user()

    # === BUSINESS === #

    @api.model
    def _get_transitions(self):
        return {
            "pending": {"processing", "manual", "cancelled"},
            "processing": {"done", "failed", "unknown", "cancelled"},
            "manual": {"done", "cancelled"},
            "failed": {"processing", "done", "cancelled"},
            "unknown": {"processing", "done", "failed", "cancelled"},
            "done": set(),
            "cancelled": set(),
        }

    def _set_state(self, state, values=None, sources=None):
        if state == "done":
            values = {"done_date": fields.Datetime.now(), **(values or {})}
        return super()._set_state(state, values, sources)

    def _cancel(self, reason: str, tell=True):
        """Withdraw operations. One whose request may be under way at the other side cannot be.

        :param bool tell: whether customers are told of what they had asked for in the portal
        """
        self.service_id._lock_rows()
        for operation in self.filtered(lambda operation: operation.state in OPEN):
            operation._stop_processing(self.env._("The operation was cancelled."))
            task = operation.service_task_id
            operation._undo_announcement()
            operation._set_state("cancelled", {"message": reason})
            if task.state in ("new", "in_progress"):
                task._set_state("cancelled", {"cancel_reason": reason})
            operation._note_on_service(reason)
            if tell:
                operation._tell_customer()
        self.service_id._start_next_operation()

    def _stop_processing(self, why: str):
        """Take the background task of an operation out of the queue, if nothing left yet.

        :raise UserError: where the request may be under way, or is accepted.
        """
        if self.state != "processing":
            return
        task = self.billing_task_id
        if task.state == "running" or task.intent or self.accepted_date:
            raise UserError(
                self.env._(
                    "%s is being carried out right now by software. Wait for its end.",
                    self.display_name,
                )
            )
        if task.state in ("pending", "error"):
            task._set_state("skipped", {"ended_date": fields.Datetime.now()})
            task._log(why)

    def _note_on_service(self, text: str):
        """Write a line in the history of the service."""
        for operation in self:
            operation._note_on(operation.service_id, text)

    def _note_in_histories(self, text: str):
        """Write a line in the histories of the service and of the service task, if there is one."""
        self._note_on_service(text)
        for operation in self.filtered("service_task_id"):
            operation._note_on(operation.service_task_id, text)

    def _note_on(self, record, text: str):
        record.message_post(
            body=self.env._("%(type)s: %(text)s", type=label(self, "type"), text=text),
            message_type="comment",
            subtype_xmlid="mail.mt_note",
        )
