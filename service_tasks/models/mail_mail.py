import sys

from odoo import models

from ...billing_tasks.mail_answers import (
    answer_of,
    explain_no_session,
    explain_refusal,
    original_error,
    server_address,
)


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Tell operations and digests how their mails ended: what was sent is deleted next, what
        failed stays behind where nobody looks."""
        model = self.env["service.operation"].sudo()
        digests = self.env["service.task.digest"].sudo()
        operations = model.search([("opening_mail_id", "in", self.ids)])
        results = model.search([("result_mail_id", "in", self.ids)])
        digests = digests.search([("mail_id", "in", self.ids)])
        for mail in operations.opening_mail_id | results.result_mail_id | digests.mail_id:
            problem = False
            if mail.state == "exception":
                problem = mail._explain_failure(failure_type, sys.exception())
            operations.filtered(lambda o, mail=mail: o.opening_mail_id == mail)._opening_mail_ended(
                problem
            )
            results.filtered(lambda o, mail=mail: o.result_mail_id == mail)._result_mail_ended(
                problem
            )
            digests.filtered(lambda d, mail=mail: d.mail_id == mail)._mail_ended(problem)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def _explain_failure(self, failure_type, error):
        """Return why this mail did not leave, in the user's words.

        :param error: what was raised; None where the mail was not tried
        """
        self.ensure_one()
        if failure_type == "mail_smtp" and error:
            address = server_address(self.env, self.email_from, self.mail_server_id)
            return explain_no_session(self.env, error, address)
        code, answer = answer_of(original_error(error)) if error else (None, self.failure_reason)
        recipient = ", ".join(self.recipient_ids.mapped("email_formatted")) or self.email_to
        return explain_refusal(self.env, f"{code} {answer}" if code else answer, recipient)
