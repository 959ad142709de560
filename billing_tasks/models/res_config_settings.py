from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .. import server_limits
from .billing_task_health import HEALTH_PARAMETER
from .billing_task_housekeeping import (
    DEFAULT_RETENTION_DAYS,
    MAX_RETENTION_DAYS,
    RETENTION_PARAMETER,
)
from .billing_task_pump import ENGINE_PARAMETER
from .billing_task_queue import DEFAULT_WORKERS, WORKER_CRONS, WORKERS_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_task_workers = fields.Integer(
        string="Billing Workers",
        default=DEFAULT_WORKERS,
        help="How many billing tasks run at once. 0 pauses the queue.",
    )
    billing_task_retention_days = fields.Integer(
        string="Keep Billing Tasks (days)",
        default=DEFAULT_RETENTION_DAYS,
        help="Ended tasks and their activity logs are removed after so many days. 0 keeps them.",
    )
    billing_task_engine = fields.Selection(
        [("cron", "Scheduled actions"), ("queue_job", "Queue Job")],
        default="cron",
        required=True,
        help="What carries the workers. With Queue Job they can run on many machines.",
    )
    billing_queue_job_installed = fields.Boolean(compute="_compute_billing_queue_job_installed")
    billing_task_warnings = fields.Text(compute="_compute_billing_task_warnings")
    billing_health_key = fields.Char(
        string="Key of the Health Address",
        config_parameter=HEALTH_PARAMETER,
        readonly=True,
        groups="base.group_system",
        help="Monitoring systems send it. Without one the address answers nobody.",
    )
    billing_health_address = fields.Char(compute="_compute_billing_health_address")

    @api.depends("billing_task_workers")
    def _compute_billing_queue_job_installed(self):
        self.billing_queue_job_installed = "queue.job" in self.env

    @api.depends("billing_task_workers")
    def _compute_billing_health_address(self):
        self.billing_health_address = f"{self.get_base_url()}/billing_operations/health"

    @api.depends("billing_task_workers", "billing_task_engine")
    def _compute_billing_task_warnings(self):
        for settings in self:
            warnings = settings._billing_limit_warnings(server_limits.limits())
            settings.billing_task_warnings = "\n".join(warnings)

    def _billing_limit_warnings(self, limits):
        """Return what is too small in the server's configuration for the chosen workers, as texts.

        :param limits: ``server_limits.ServerLimits``.
        """
        self.ensure_one()
        warnings = []
        if not self.billing_task_workers:
            warnings.append(self.env._("No workers: billing tasks wait until there is one."))
        by_cron = self.billing_task_engine == "cron"
        wanted = self.billing_task_workers + 1
        if by_cron and limits.cron_threads < wanted:
            warnings.append(
                self.env._(
                    "max_cron_threads is %(have)s. Set it to %(wanted)s, one more than the workers, or"
                    " mails and other scheduled actions wait behind billing tasks.",
                    have=limits.cron_threads,
                    wanted=wanted,
                )
            )
        real = limits.real_cron if by_cron else limits.real
        option = "limit_time_real_cron" if by_cron else "limit_time_real"
        if 0 < real < server_limits.ENOUGH_REAL:
            warnings.append(
                self.env._(
                    "%(option)s is %(have)s s: a longer task is killed and tried again until its retries"
                    " are used up. %(enough)s s work well.",
                    option=option,
                    have=real,
                    enough=server_limits.ENOUGH_REAL,
                )
            )
        if 0 < limits.cpu < server_limits.ENOUGH_CPU:
            warnings.append(
                self.env._(
                    "limit_time_cpu is %(have)s s: a task that computes longer is killed. %(enough)s s"
                    " work well.",
                    have=limits.cpu,
                    enough=server_limits.ENOUGH_CPU,
                )
            )
        return warnings

    @api.constrains("billing_task_workers", "billing_task_retention_days", "billing_task_engine")
    def _check_billing_task_settings(self):
        for settings in self:
            if not 0 <= settings.billing_task_workers <= WORKER_CRONS:
                raise ValidationError(
                    self.env._("The number of billing workers is between 0 and %s.", WORKER_CRONS)
                )
            if not 0 <= settings.billing_task_retention_days <= MAX_RETENTION_DAYS:
                raise ValidationError(
                    self.env._(
                        "Ended billing tasks are kept for 1 to %s days, or for ever with 0.",
                        MAX_RETENTION_DAYS,
                    )
                )
            if settings.billing_task_engine == "queue_job" and "queue.job" not in self.env:
                raise ValidationError(
                    self.env._("Install the addon Queue Job before it can carry billing tasks.")
                )

    def action_new_health_key(self):
        """Give the health address a new key; the one before is good no longer."""
        self.env["billing.task"]._new_health_key()
        return self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_settings"
        )

    def action_drop_health_key(self):
        """Switch the health address off."""
        self.env["billing.task"]._drop_health_key()
        return self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_settings"
        )

    @api.model
    def get_values(self):
        # By hand, since a 0 that pauses the queue is a value, not a missing one.
        tasks = self.env["billing.task"]
        return {
            **super().get_values(),
            "billing_task_workers": tasks._worker_count(),
            "billing_task_retention_days": tasks._retention_days(),
            "billing_task_engine": "queue_job" if tasks._uses_queue_job() else "cron",
        }

    def set_values(self):
        result = super().set_values()
        self.ensure_one()
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param(WORKERS_PARAMETER, str(self.billing_task_workers))
        parameters.set_param(RETENTION_PARAMETER, str(self.billing_task_retention_days))
        parameters.set_param(ENGINE_PARAMETER, self.billing_task_engine)
        self.env["billing.task"]._wake_workers()
        return result
