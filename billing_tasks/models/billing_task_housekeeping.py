from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import split_every

from .billing_task import FINISHED_STATES

RETENTION_PARAMETER = "billing_operations.task_retention_days"
DEFAULT_RETENTION_DAYS = 90
MAX_RETENTION_DAYS = 36500
_VACUUM_BATCH = 2000
_NOTICE_BATCH = 1000
_NOTICE_LINES = 20


class BillingTask(models.Model):
    """What happens to tasks that have ended: managers hear of failures, old ones are removed."""

    _inherit = "billing.task"

    failure_notified = fields.Boolean(
        readonly=True, copy=False, help="Billing managers were told that this task failed."
    )

    _unnotified_idx = models.Index("(id) WHERE state = 'failed' AND failure_notified IS NOT TRUE")

    # === FAILURE NOTICES === #

    @api.model
    def _cron_notify_failures(self):
        """Tell billing managers of the tasks that failed since the last time: each task once, and one
        notice for all of them."""
        failed = self.search(
            [("state", "=", "failed"), ("failure_notified", "=", False)],
            order="id",
            limit=_NOTICE_BATCH,
        )
        for tasks in failed.grouped("company_id").values():
            tasks._notify_failures()
            self.env["ir.cron"]._commit_progress(len(tasks))
        if len(failed) == _NOTICE_BATCH:
            self.env["ir.cron"]._commit_progress(remaining=1)

    def _notify_failures(self):
        """Send one notice on these tasks of one company to its managers, in each one's language."""
        company = self.company_id
        group = self.env.ref("billing_operations.group_billing_manager")
        managers = group.all_user_ids.filtered(lambda user: company in user.company_ids)
        for lang, users in managers.grouped("lang").items():
            tasks = self.with_context(lang=lang or "en_US")
            self.env["mail.thread"].with_company(company).message_notify(
                partner_ids=users.partner_id.ids,
                subject=tasks._failure_subject(),
                body=tasks._failure_body(),
                email_layout_xmlid="mail.mail_notification_light",
            )
        self.failure_notified = True

    def _failure_subject(self):
        if len(self) == 1:
            return self.env._(
                "%(company)s: the billing task %(task)s failed",
                company=self.company_id.name,
                task=self.display_name,
            )
        return self.env._(
            "%(company)s: %(count)s billing tasks failed",
            company=self.company_id.name,
            count=len(self),
        )

    def _failure_body(self):
        """Return the notice as HTML: each task with its link, customer and error."""
        base = self.env["ir.config_parameter"].sudo().get_param("web.base.url")
        lines = Markup().join(
            Markup("<li><a href='%s'>%s</a>%s: %s</li>")
            % (
                f"{base}/odoo/billing-tasks/{task.id}",
                task.display_name,
                f" ({task.record_name})" if task.record_name else "",
                (task.error_message or "")[:300],
            )
            for task in self[:_NOTICE_LINES]
        )
        more = len(self) - _NOTICE_LINES
        rest = Markup("<p>%s</p>") % self.env._("… and %s more.", more) if more > 0 else ""
        return Markup("<p>%s</p><ul>%s</ul>%s") % (
            self.env._(
                "These tasks will not be tried again by themselves. Fix the cause, then open them"
                " and choose Retry Now, or skip them."
            ),
            lines,
            rest,
        )

    # === VACUUM === #

    @api.model
    def _retention_days(self):
        """Return after how many days ended tasks are removed; 0 keeps them."""
        # Without a default the answer to "not set" would be False, which is the number 0.
        value = self.env["ir.config_parameter"].sudo().get_param(RETENTION_PARAMETER, None)
        try:
            return min(max(int(value), 0), MAX_RETENTION_DAYS)
        except (TypeError, ValueError):
            return DEFAULT_RETENTION_DAYS

    @api.autovacuum
    def _gc_ended_tasks(self):
        """Remove ended tasks older than the setting, a batch at a time."""
        days = self._retention_days()
        if not days:
            return 0, 0
        limit = fields.Datetime.now() - timedelta(days=days)
        domain = [("state", "in", FINISHED_STATES), ("ended_date", "<", limit)]
        tasks = self.search(domain, order="ended_date", limit=_VACUUM_BATCH)
        for ids in split_every(500, tasks.ids):
            self.browse(ids).unlink()
        return len(tasks), int(len(tasks) == _VACUUM_BATCH)
