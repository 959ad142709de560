import logging
import secrets

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import consteq

from ...billing_tasks.texts import labels
from ...services.periods import next_due_day
from .service_operation import IN_HAND, OPEN

_logger = logging.getLogger(__name__)

LINK_DAYS = 30


class BillingService(models.Model):
    """Operations: the door by which everybody but billing's own arithmetic changes a service.

    The buttons and dialogs of a service ask for operations; the state follows when the operation
    is carried out, by software or by closing the service task.
    """

    _inherit = "billing.service"

    operation_ids = fields.One2many("service.operation", "service_id", readonly=True)
    operation_count = fields.Integer(compute="_compute_operations", compute_sudo=True)
    open_operation = fields.Char(
        string="In Progress",
        compute="_compute_operations",
        compute_sudo=True,
        help="What was asked for and is not carried out yet.",
    )
    operation_problem = fields.Char(
        string="Not Carried Out Yet",
        compute="_compute_operations",
        compute_sudo=True,
        help="Why software has not carried out yet what was asked for; it goes on trying.",
    )
    service_task_ids = fields.One2many("service.task", "service_id", readonly=True)
    service_task_count = fields.Integer(compute="_compute_service_task_count")
    portal_link_token = fields.Char(
        copy=False,
        readonly=True,
        exportable=False,
        groups="base.group_system",
        help="Opens the portal page of this service without login, for a while.",
    )
    portal_link_until = fields.Date(copy=False, readonly=True, groups="base.group_system")

    @api.depends("operation_ids.state")
    def _compute_operations(self):
        operations = self.env["service.operation"]
        counts = dict(
            operations._read_group([("service_id", "in", self.ids)], ["service_id"], ["__count"])
        )
        open_ones = operations.search(
            [("service_id", "in", self.ids), ("state", "in", OPEN)], order="effective_date, id"
        ).grouped("service_id")
        types = labels(operations, "type")
        states = labels(operations, "state")
        for service in self:
            service.operation_count = counts.get(service._origin, 0)
            service.open_operation = ", ".join(
                f"{types[operation.type]} ({states[operation.state].lower()})"
                for operation in open_ones.get(service._origin, ())
            )
            processing = open_ones.get(service._origin, operations).filtered(
                lambda operation: operation.state == "processing"
            )
            service.operation_problem = processing[:1]._problem_text() or False

    @api.depends_context("uid")
    def _compute_service_task_count(self):
        if not self.env["service.task"].has_access("read"):
            self.service_task_count = 0
            return
        counts = dict(
            self.env["service.task"]._read_group(
                [("service_id", "in", self.ids)], ["service_id"], ["__count"]
            )
        )
        for service in self:
            service.service_task_count = counts.get(service._origin, 0)

    # === ACTIONS === #

    def action_activate(self):
        """Ask for ordered services to be set up."""
        self.request_operation("setup")
        return True

    def action_cancel(self):
        """Cancel orders that come to nothing, and what was asked for them."""
        self._check_billing_user()
        operations = self.env["service.operation"].sudo()
        waiting = operations.search([("service_id", "in", self.ids), ("state", "in", OPEN)])
        waiting.filtered(lambda op: op.service_id.state == "ordered")._cancel(
            self.env._("The order was cancelled.")
        )
        return super().action_cancel()

    def action_give_to_staff(self):
        """Give what software has not carried out yet on these services to their departments."""
        self._check_billing_user()
        waiting = self.operation_ids.filtered(lambda operation: operation.state == "processing")
        return waiting.action_give_to_staff()

    def action_open_operations(self):
        """Open what was asked for on these services."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.service_operation_action"
        )
        return action | {"domain": [("service_id", "in", self.ids)], "context": {}}

    def action_open_service_tasks(self):
        """Open the service tasks of these services."""
        self.check_access("read")
        self.env["service.task"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.service_task_action"
        )
        return action | {"domain": [("service_id", "in", self.ids)], "context": {}}

    # === BUSINESS === #

    def _billing_task_domain(self):
        """The background work on a service is for its operations."""
        operations = Domain("res_model", "=", "service.operation")
        operations &= Domain("res_id", "in", self.sudo().operation_ids.ids)
        return super()._billing_task_domain() | operations

    def request_operation(self, type, values=None, *, effective_date=None, source="staff"):
        """Ask for one operation on each of these services. The one public door to them.

        :param str type: ``setup``, ``change``, ``delete``, ``suspend`` or ``resume``.
        :param dict values: ``change``: what ``_change`` takes; ``suspend``: ``reason``; ``setup``:
            ``parameters``.
        :param effective_date: first day on which it counts; default today, for a set-up the
            wished start. With a day in the future the operation waits for it.
        :param str source: who asked: ``client``, ``staff`` or ``billing``.
        :return: the operations, in the order of the services.
        :raise AccessError: people need the billing user's rights on the services.
        :raise UserError: where the service cannot take it.
        """
        if not self.env.su:
            self.check_access("write")
            if not self.env.user.has_group("billing_operations.group_billing_user"):
                raise AccessError(self.env._("Only billing users may change services."))
        operations = self.env["service.operation"].sudo()
        self._lock_rows()
        found = operations.browse()
        for service in self.sudo():
            found |= operations._request(service, type, values, effective_date, source)
        return found.with_env(self.env)

    def _start_next_operation(self):
        """Start the next waiting operation of each service that has none in hand."""
        operations = self.env["service.operation"].sudo()
        for service in self.sudo():
            today = service.company_id._billing_today()
            while not operations.search_count(
                [("service_id", "=", service.id), ("state", "in", IN_HAND)], limit=1
            ):
                waiting = operations.search(
                    [
                        ("service_id", "=", service.id),
                        ("state", "=", "pending"),
                        ("effective_date", "<=", today),
                    ],
                    order="effective_date, id",
                    limit=1,
                )
                if not waiting:
                    break
                waiting._start()

    @api.model
    def _cron_terminate_ended(self):
        """Ask for services whose agreed end has come to be deleted: switching them off is work,
        too. Billing has stopped at their end already."""
        tomorrow = fields.Date.add(fields.Date.today(), days=1)
        ended = self.search(
            [("state", "in", ("active", "suspended")), ("date_end", "<=", tomorrow)]
        )
        for service in ended:
            if service.date_end > service.company_id._billing_today() or any(
                op.type == "delete" and op.state in OPEN for op in service.operation_ids
            ):
                continue
            try:
                with self.env.cr.savepoint():
                    service.request_operation(
                        "delete", effective_date=service.date_end, source="billing"
                    )
            except UserError as error:
                _logger.error("Service %s cannot be ended: %s", service.number, error)

    def _parameter_values(self) -> dict:
        """Return {name: plain value} of the parameters."""
        self.ensure_one()
        rows = self.read(["parameters"], load=None)[0]["parameters"]
        return self.env["billing.tariff"]._plain_parameters(rows)

    def _first_cutoff(self, schedule, day):
        """Return the first cutoff that bills something of a service served and unrated from ``day``."""
        self.ensure_one()
        scheme = self.term_scheme_id
        return next_due_day(schedule, day, self.date_end or None, scheme.timing, scheme.proration)

    # === PORTAL === #

    def _portal_path(self) -> str:
        self.ensure_one()
        return f"/my/services/{self.id}"

    def _make_portal_link(self) -> str:
        """Return a link to the portal page that opens without login for 30 days."""
        self.ensure_one()
        service = self.sudo()
        today = fields.Date.today()
        if not service.portal_link_token or (service.portal_link_until or today) <= today:
            service.portal_link_token = secrets.token_urlsafe(32)
        service.portal_link_until = fields.Date.add(today, days=LINK_DAYS)
        return f"{service.get_base_url()}{service._portal_path()}?token={service.portal_link_token}"

    def _opens_with(self, token: str) -> bool:
        """Is ``token`` the one of a link that is still good?"""
        self.ensure_one()
        service = self.sudo()
        good = service.portal_link_token and (
            service.portal_link_until and service.portal_link_until >= fields.Date.today()
        )
        return bool(good and token and consteq(service.portal_link_token, token))
