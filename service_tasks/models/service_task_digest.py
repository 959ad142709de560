from collections import defaultdict

from markupsafe import Markup

from odoo import api, models
from odoo.fields import Command
from odoo.tools import format_datetime


class ServiceTask(models.Model):
    """The daily digest: each responsible manager gets one mail with all that is overdue."""

    _inherit = "service.task"

    @api.model
    def _cron_digest(self):
        """Queue one mail per manager with the overdue tasks of his departments. A department
        without a manager counts to the one above."""
        by_manager = defaultdict(self.browse)
        for task in self.search([("is_overdue", "=", True)], order="deadline, id"):
            user = task.department_id._responsible_user()
            if user.email:
                by_manager[user] |= task
        mails = [
            tasks.with_context(lang=user.lang or "en_US", tz=user.tz or "UTC")._prepare_digest(user)
            for user, tasks in by_manager.items()
        ]
        return self.env["mail.mail"].sudo().create(mails)

    def _prepare_digest(self, user) -> dict:
        types = dict(self._fields["type"]._description_selection(self.env))
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
                    task.department_id.name or "",
                    task.user_id.name or self.env._("nobody yet"),
                    format_datetime(self.env, task.deadline, dt_format="short"),
                )
            )
            for task in self
        )
        intro = self.env._("These service tasks of your departments are overdue:")
        return {
            "subject": self.env._("%s overdue service tasks", len(self)),
            "body_html": Markup("<p>%s</p><table>%s</table>") % (intro, rows),
            "recipient_ids": [Command.link(user.partner_id.id)],
            "email_from": user.company_id.partner_id.email_formatted or user.email_formatted,
            "author_id": user.company_id.partner_id.id,
            "auto_delete": True,
        }
