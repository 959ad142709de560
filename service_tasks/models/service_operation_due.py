import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import split_every

_logger = logging.getLogger(__name__)

BATCH = 20


class ServiceOperation(models.Model):
    """What comes with time alone: operations whose day has come, callbacks that stay away, and
    background tasks that somebody took out of the queue."""

    _inherit = "service.operation"

    @api.model
    def _cron_run_due(self):
        """Start what waited for its day, and hand over what software will not finish."""
        crons = self.env["ir.cron"]
        services = self._due_services()
        crons._commit_progress(remaining=len(services))
        for ids in split_every(BATCH, services.ids):
            self._start_due(services.browse(ids))
            crons._commit_progress(len(ids))
        self._hand_over_unanswered()
        self._hand_over_abandoned()

    @api.model
    def _due_services(self):
        """Return the services with a waiting operation whose day has come, in any company's zone."""
        tomorrow = fields.Date.add(fields.Date.today(), days=1)
        waiting = self.search([("state", "=", "pending"), ("effective_date", "<=", tomorrow)])
        return waiting.service_id.sorted("id")

    @api.model
    def _start_due(self, services):
        """Start the next operations of services. What goes wrong with one is logged and tried
        again an hour later; it stops no other."""
        services._lock_rows()
        for service in services:
            try:
                with self.env.cr.savepoint():
                    service._start_next_operation()
            except UserError as error:
                _logger.error(
                    "The next operation of service %s cannot start: %s", service.number, error
                )

    @api.model
    def _hand_over_unanswered(self):
        """Give operations whose callback is overdue to people."""
        now = fields.Datetime.now()
        accepted = self.search([("state", "=", "processing"), ("accepted_date", "!=", False)])
        for operation in accepted:
            hours = operation.module_id.callback_hours
            if operation.accepted_date < now - timedelta(hours=hours):
                operation._hand_over(
                    "unknown",
                    self.env._(
                        "It was accepted on %(date)s UTC, but no callback came within %(hours)s "
                        "hours.",
                        date=fields.Datetime.to_string(operation.accepted_date),
                        hours=hours,
                    ),
                )

    @api.model
    def _hand_over_abandoned(self):
        """Give operations whose background task was skipped or deleted to people."""
        processing = self.search([("state", "=", "processing"), ("accepted_date", "=", False)])
        for operation in processing:
            task = operation.billing_task_id
            if task.state in ("pending", "error", "running"):
                continue
            untouched = task and not task.intent
            operation._hand_over(
                "failed" if untouched else "unknown",
                self.env._("Its background task was taken out of the queue."),
            )
