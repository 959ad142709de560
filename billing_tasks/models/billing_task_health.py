import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

HEALTH_PARAMETER = "billing_operations.health_key"
#: how long a failed task counts as something that happens now
RECENT = timedelta(days=1)


class BillingTask(models.Model):
    """The queue as a monitoring system sees it: figures of all companies, without a customer's name."""

    _inherit = "billing.task"

    @api.model
    def _health_figures(self):
        """Return what the health address answers with, part by part.

        A floor above adds parts of its own with ``super()``: dicts of plain values without any
        customer's data; ``failed`` in one of them counts against it.
        """
        return {"queue": self._queue_figures(), "workers": self._worker_figures()}

    def _queue_figures(self):
        self.flush_model(["state", "delay_date", "ended_date"])
        self.env.cr.execute(
            SQL(
                """
                SELECT count(*) FILTER (WHERE state = 'pending'),
                       count(*) FILTER (WHERE state = 'error'),
                       count(*) FILTER (WHERE state = 'running'),
                       COALESCE(extract(epoch FROM %(now)s - min(delay_date) FILTER (
                           WHERE state IN ('pending', 'error') AND delay_date <= %(now)s)), 0)
                  FROM billing_task WHERE state IN ('pending', 'error', 'running')
                """,
                now=fields.Datetime.now(),
            )
        )
        waiting, retrying, running, oldest = self.env.cr.fetchone()
        recent = [("state", "=", "failed"), ("ended_date", ">", fields.Datetime.now() - RECENT)]
        return {
            "waiting": waiting,
            "retrying": retrying,
            "running": running,
            "oldest_due_seconds": round(float(oldest)),
            "failed": self.search_count(recent),
            "lost": len(self._dead_ids()) if running else 0,
        }

    def _worker_figures(self):
        self.env.cr.execute(
            SQL(
                """
                SELECT max(cron.lastcall) FROM ir_cron AS cron
                  JOIN ir_model_data AS data ON data.model = 'ir.cron' AND data.res_id = cron.id
                 WHERE data.module = 'billing_operations'
                   AND data.name LIKE %s
                """,
                "cron_billing_task_worker_%",
            )
        )
        (seen,) = self.env.cr.fetchone()
        self.env.cr.execute(SQL("SELECT count(*) FROM (%s) AS alive", self._alive()))
        (busy,) = self.env.cr.fetchone()
        age = (fields.Datetime.now() - seen).total_seconds() if seen else None
        return {
            "wanted": self._worker_count(),
            "busy": busy,
            "seen_seconds": None if age is None else round(max(age, 0.0)),
            "engine": "queue_job" if self._uses_queue_job() else "cron",
        }

    @api.model
    def _health_key(self):
        return self.env["ir.config_parameter"].sudo().get_param(HEALTH_PARAMETER) or ""

    @api.model
    def _new_health_key(self):
        """Make the health address answer to a new key alone.

        :raise AccessError: the user is no administrator
        """
        self._set_health_key(secrets.token_urlsafe(24))

    @api.model
    def _drop_health_key(self):
        """Make the health address answer nobody.

        :raise AccessError: the user is no administrator
        """
        self._set_health_key(False)

    def _set_health_key(self, key):
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only administrators set the key of the health address."))
        self.env["ir.config_parameter"].sudo().set_param(HEALTH_PARAMETER, key)
