import logging

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import is_html_empty

from ...billing_tasks.texts import label
from ..mails import queue_mails

_logger = logging.getLogger(__name__)

TEMPLATE = "billing_operations.mail_template_service_opening"


class ServiceOperation(models.Model):
    """The opening mail of a service: what the customer needs to begin using it.

    The template is rendered in the customer's language. Passwords are never in it: it carries a
    link to the portal page that shows them. Previews carry the plain address of that page; only
    the mail that leaves gets the token which opens it without login, and it is kept out of every
    history.
    """

    _inherit = "service.operation"

    opening_mail_id = fields.Many2one(
        "mail.mail",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_system",
    )
    opening_mail_state = fields.Selection(
        [("queued", "Queued"), ("sent", "Sent"), ("failed", "Failed")],
        string="Opening Mail Status",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )
    opening_mail_problem = fields.Char(
        readonly=True, copy=False, help="Why the opening mail did not leave, and what to do."
    )

    @api.depends("service_id")
    def _compute_portal_url(self):
        for operation in self:
            service = operation.service_id
            operation.portal_url = f"{service.get_base_url()}{service._portal_path()}"

    @api.depends("service_id.parameters", "service_task_id.parameters")
    @api.depends_context("lang")
    def _compute_opening_settings(self):
        """The main settings, as the service task has them, else the service."""
        for operation in self.sudo():
            task = operation.service_task_id
            source = task if task.state in ("new", "in_progress") else operation.service_id
            rows = [
                (row["string"], operation._parameter_text(row))
                for row in source.read(["parameters"])[0]["parameters"]
                if row["type"] != "separator"
            ]
            rows += [
                (label(identifier, "kind"), identifier.value)
                for identifier in operation.service_id.identifier_ids
                if not identifier.date_to
            ]
            operation.opening_settings = Markup().join(
                Markup("<li>%s: <strong>%s</strong></li>") % row for row in rows if row[1]
            )

    def _render_opening_mail(self) -> dict:
        """``{"subject": ..., "body": ...}`` as the template has it, in the customer's language.

        :raise UserError: where the template does not fit this service.
        """
        self.ensure_one()
        return self._render_mail(TEMPLATE) or {"subject": "", "body": ""}

    def _render_mail(self, template_xmlid) -> dict:
        """Return ``{"subject": ..., "body": ...}`` of a template, in the language that it names.

        :return: empty where the template was deleted
        :raise UserError: where the template does not fit this operation
        """
        self.ensure_one()
        operation = self.sudo().with_context(lang=self.sudo().partner_id.lang or self.env.lang)
        template = operation.env.ref(template_xmlid, raise_if_not_found=False)
        if not template:
            return {}
        try:
            rendered = {
                name: template._render_field(name, operation.ids, compute_lang=True)[operation.id]
                for name in ("subject", "body_html")
            }
        except UserError as error:
            _logger.warning(
                "A mail to the customer of %s cannot be made: %s", self.service_id, error
            )
            raise UserError(
                self.env._(
                    "the template “%(template)s” cannot be filled in for %(service)s. Have it "
                    "corrected.",
                    template=template.name,
                    service=operation.service_id.display_name,
                )
            ) from error
        return {"subject": rendered["subject"], "body": rendered["body_html"]}

    def _mail_values(self, partner, subject, body) -> dict:
        """Return the values of a mail to a customer, from the company."""
        sender = self.company_id.partner_id
        return {
            "subject": subject,
            "body_html": body,
            "recipient_ids": [Command.link(partner.id)],
            "email_from": sender.email_formatted or self.env.user.email_formatted,
            "reply_to": sender.email_formatted or False,
            "author_id": sender.id,
            "auto_delete": True,
        }

    def _send_opening_mail(self, subject=None, body=None):
        """Queue the opening mail in this transaction.

        :param subject, body: what the department made of the template; by default as rendered.
        """
        self.ensure_one()
        operation = self.sudo()
        partner = operation.partner_id
        if not partner.email:
            operation._note_in_histories(
                self.env._("no opening mail was sent: the customer has no e-mail address.")
            )
            return
        if not (subject and body):
            try:
                rendered = operation._render_opening_mail()
            except UserError as error:
                operation._note_in_histories(self.env._("no opening mail was sent: %s", error))
                return
            subject, body = subject or rendered["subject"], body or rendered["body"]
        body = Markup(body or "")
        if is_html_empty(body):
            operation._note_in_histories(
                self.env._("no opening mail was sent: its template is empty or was deleted.")
            )
            return
        link = Markup(operation.service_id._make_portal_link())
        plain = operation.portal_url
        # The token goes into this mail alone. Whoever reads a history finds the plain address.
        body = Markup(str(body).replace(plain, str(link)))
        values = operation._mail_values(partner, subject, body)
        operation._note_mail("opening", "queued", queue_mails(self.env, [values]))
        operation._note_in_histories(
            self.env._("the opening mail to %s was queued.", partner.email_formatted)
        )

    def _note_mail(self, kind, state, mail=None, problem=False):
        """Keep how a mail stands, and why it did not leave.

        :param kind: ``opening`` or ``result``
        """
        values = {f"{kind}_mail_state": state, f"{kind}_mail_problem": problem}
        if mail:
            values[f"{kind}_mail_id"] = mail.id
        self.sudo()._own().write(values)

    def _drop_failed_mail(self, kind):
        """Delete a mail that did not leave: Odoo could send it later, as a second one."""
        self[f"{kind}_mail_id"].filtered(lambda mail: mail.state == "exception").unlink()

    def _opening_mail_ended(self, problem):
        """Say in the histories what became of the opening mail.

        :param problem: why it did not leave; False where it did
        """
        for operation in self:
            address = operation.partner_id.email_formatted
            operation._note_mail("opening", "failed" if problem else "sent", problem=problem)
            text = self.env._("the opening mail to %s was sent.", address)
            if problem:
                text = self.env._(
                    "the opening mail to %(address)s did not leave. %(problem)s",
                    address=address,
                    problem=problem,
                )
            operation._note_in_histories(text)

    def action_send_opening_mail_again(self):
        """Queue opening mails anew that did not leave, as they were."""
        self._check_may_change()
        self.sudo()._send_opening_mail_again()
        return True

    def _send_opening_mail_again(self):
        for operation in self:
            if operation.opening_mail_state != "failed":
                raise UserError(
                    self.env._(
                        "Only an opening mail that did not leave can be sent again, not that of"
                        " %s.",
                        operation.display_name,
                    )
                )
            operation._drop_failed_mail("opening")
            task = operation.service_task_id
            operation._send_opening_mail(task.own_mail_subject, task.own_mail_body)
