import logging
from collections import defaultdict
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL, format_datetime

from ...billing_tasks.texts import labels
from ..mails import queue_mails

_logger = logging.getLogger(__name__)

KEEP_DAYS = 90


class ServiceTaskDigest(models.Model):
    """The daily digest of overdue service tasks: one line a department and day, with who was told.

    A department's manager is told of it once a day (by the company's calendar), however often
    the scheduled action runs. Who manages several departments gets one mail for all of them.
    Where a department has no manager who can be reached by e-mail, the one above counts. Written
    by the scheduled action alone; billing managers read it; removed after some months.
    """

    _name = "service.task.digest"
    _description = "Digest of Overdue Service Tasks"
    _order = "day desc, id desc"
    _log_access = False
    _rec_name = "day"

    day = fields.Date(required=True, readonly=True, help="By the calendar of the company.")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    department_id = fields.Many2one(
        "hr.department", required=True, readonly=True, index=True, ondelete="cascade"
    )
    user_id = fields.Many2one("res.users", string="Told", readonly=True, ondelete="set null")
    task_count = fields.Integer(readonly=True)
    mail_id = fields.Many2one(
        "mail.mail",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_system",
    )
    mail_problem = fields.Char(readonly=True, help="Why the mail did not leave, and what to do.")

    _once_a_day = models.UniqueIndex(
        "(company_id, department_id, day)", "The department was told of this day already."
    )

    @api.model
    def _cron_send(self):
        """Queue today's mails of every company."""
        overdue = self.env["service.task"].search([("is_overdue", "=", True)], order="deadline, id")
        for company, tasks in overdue.grouped("company_id").items():
            self._send(company, tasks)

    @api.model
    def _send(self, company, tasks):
        """Queue one mail to each manager with the overdue tasks of departments that were not told
        of today; return the mails."""
        by_manager = defaultdict(self.env["service.task"].browse)
        for department, group in tasks.grouped("department_id").items():
            user = department._responsible_user(
                lambda user: user.email and company in user.company_ids
            )
            if not user:
                _logger.warning(
                    "%s overdue service tasks of %s: nobody with an e-mail address manages %s",
                    len(group),
                    company.name,
                    department.display_name or "them",
                )
            elif self._note(company, department, user, len(group)):
                by_manager[user] |= group
        mails = queue_mails(
            self.env,
            [
                self._prepare_mail(company, user, tasks.filtered(lambda t, mine=mine: t in mine))
                for user, mine in by_manager.items()
            ],
        )
        for (user, mine), mail in zip(by_manager.items(), mails, strict=True):
            noted = [
                ("company_id", "=", company.id),
                ("day", "=", company._billing_today()),
                ("department_id", "in", mine.department_id.ids),
                ("user_id", "=", user.id),
            ]
            self.search(noted).sudo().mail_id = mail
        return mails

    def _mail_ended(self, problem):
        """Keep why the mail did not leave.

        :param problem: False where it did
        """
        self.sudo().mail_problem = problem

    @api.model
    def _note(self, company, department, user, count) -> bool:
        """Write down that a department is told today; False where it was already."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO service_task_digest
                            (day, company_id, department_id, user_id, task_count)
                     VALUES (%s, %s, %s, %s, %s)
                ON CONFLICT (company_id, department_id, day) DO NOTHING
                """,
                company._billing_today(),
                company.id,
                department.id,
                user.id,
                count,
            )
        )
        return bool(self.env.cr.rowcount)

    @api.model
    def _prepare_mail(self, company, user, tasks) -> dict:
        """Return the mail to one manager, in the manager's language and time zone."""
        zone = user.tz or company.resource_calendar_id.tz or "UTC"
        tasks = tasks.with_context(lang=user.lang or "en_US")
        env = tasks.env
        types = labels(tasks, "type")
        cell = Markup('<td style="padding:4px 12px 4px 0">%s</td>')
        rows = Markup().join(
            Markup("<tr>%s</tr>")
            % Markup().join(
                cell % value
                for value in (
                    Markup('<a href="%s/odoo/service-tasks/%s">%s</a>')
                    % (task.get_base_url(), task.id, task.number),
                    types[task.type],
                    task.service_id.display_name,
                    task.department_id.name,
                    task.user_id.name or env._("nobody yet"),
                    format_datetime(env, task.deadline, tz=zone, dt_format="short"),
                )
            )
            for task in tasks
        )
        intro = env._("These service tasks of your departments are overdue:")
        subject = env._("One overdue service task")
        if len(tasks) > 1:
            subject = env._("%s overdue service tasks", len(tasks))
        sender = company.partner_id
        return {
            "subject": subject,
            "body_html": Markup("<p>%s</p><table>%s</table>") % (intro, rows),
            "recipient_ids": [Command.link(user.partner_id.id)],
            "email_from": sender.email_formatted if sender.email else user.email_formatted,
            "author_id": sender.id,
            "auto_delete": True,
        }

    @api.autovacuum
    def _gc_digests(self):
        limit = fields.Date.today() - timedelta(days=KEEP_DAYS)
        self.search([("day", "<", limit)]).unlink()
