import contextlib
import logging
import smtplib

from psycopg2 import errors

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import mute_logger

from ...billing_tasks.exceptions import RetryTask
from ...billing_tasks.mail_answers import explain_no_session, explain_refusal, server_address
from .smtp_answers import judge_failure

_logger = logging.getLogger(__name__)


class BillingDelivery(models.Model):
    """The task ``email_bills``: one e-mail after the other, each at most once.

    The queue commits ``sending`` before an e-mail leaves and the outcome after it.
    What breaks off in between becomes ``unknown`` and is left to a person.
    """

    _inherit = "billing.delivery"

    # === PREPARE === #

    @api.model
    def _email_prepare(self, task):
        """Take the next e-mail of the task's documents and mark it ``sending``.

        :return: the intent, None when none is left
        :raise RetryTask: what is left was tried already and has to wait
        """
        moves = self.env["account.move"].browse(task.parameters["move_ids"]).exists()
        self._create_missing(moves)
        pending = Domain("move_id", "in", moves.ids) & Domain(
            [("channel", "=", "email"), ("state", "=", "pending")]
        )
        tried = pending & Domain("try_date", ">=", task.started_date)
        down = self.search(tried & Domain("error_code", "=", "server"), limit=1)
        if not down:
            left = self.search(pending & ~tried, order="id")
            total = self.search_count([("move_id", "in", moves.ids), ("channel", "=", "email")])
            task._progress(total - len(left), total)
            for delivery in left:
                if delivery._take(task):
                    return {"reference": delivery.message_reference}
        waiting = down or self.search(tried, limit=1)
        if waiting:
            raise RetryTask(waiting.error_message)
        return None

    @api.model
    def _create_missing(self, moves):
        """Create the first e-mail of each document to each of its recipients."""
        known = set(
            self.search([("move_id", "in", moves.ids), ("channel", "=", "email")]).move_id.ids
        )
        self.create(
            [
                self._prepare_values(move, recipient)
                for move in moves
                if move.id not in known
                and not move._is_out_of_date()  # cancelled since it was asked for
                and move._billing_channel() == "email"
                for recipient in move._billing_recipients()
            ]
        )

    def _take(self, task):
        """Lock a pending e-mail and mark it ``sending``; False where it is another's now."""
        if not self.try_lock_for_update(allow_referencing=True):
            return False
        self.invalidate_recordset()
        if self.state != "pending":
            return False
        values = {"task_id": task.id, "try_date": fields.Datetime.now()}
        problem = self._problem()
        if problem:
            values.update(error_code="not_deliverable", error_message=problem)
            self._set_state("error", values)
            return False
        self._set_state("sending", values)
        return True

    def _problem(self):
        """Return why the document cannot be sent, in the user's words, or None."""
        if self.move_id.state != "posted":
            return self.env._("%s is not posted any more.", self.move_id.display_name)
        if not self.move_id.invoice_pdf_report_id:
            return self.env._("%s has no PDF.", self.move_id.display_name)
        if self.move_id._is_out_of_date() and self.attempt == 1:
            return self.env._("%s was cancelled by a credit note.", self.move_id.display_name)
        return None

    # === CALL === #

    @api.model
    def _email_call(self, task, intent):
        """Hand one e-mail to the mail server; reads only.

        :return: dict ``{"state", "code", "message"}``
        """
        delivery = self.search([("message_reference", "=", intent["reference"])])
        company = delivery.company_id
        server = self.env["ir.mail_server"].with_context(
            domain_bounce_address=company.bounce_email,
            domain_notifications_email=company.default_from_email,
        )
        try:
            template = delivery._template()
            message = delivery._build_message(server, template)
        except Exception as error:  # noqa: BLE001 - nothing left yet: one bill's error
            _logger.exception("The e-mail %s cannot be built", intent["reference"])
            return {"state": "error", "code": "not_deliverable", "message": str(error)}
        try:
            session = self._connect(
                server, mail_server_id=template.mail_server_id.id, smtp_from=message["From"]
            )
        except (UserError, OSError, smtplib.SMTPException) as error:
            # SMTPException is an OSError; a UserError says that there is no server.
            address = server_address(self.env, message["From"], template.mail_server_id)
            text = explain_no_session(self.env, error, address)
            return {"state": "pending", "code": "server", "message": text}
        try:
            server.send_email(message, smtp_session=session)
        except Exception as error:  # noqa: BLE001 - judged, and written on the delivery
            verdict, text = judge_failure(error)
            state = {"refused": "error", "later": "pending", "unknown": "unknown"}[verdict]
            code = "broken_off" if verdict == "unknown" else verdict
            if verdict == "refused":
                text = explain_refusal(self.env, text, delivery.recipient)
            return {"state": state, "code": code, "message": text}
        finally:
            if session:
                with contextlib.suppress(OSError):
                    session.quit()
        return {"state": "sent"}

    def _connect(self, server, **options):
        """Return an SMTP session.

        A server that signs in with a token may have to store a new one, which this
        read-only transaction refuses: that is done in one of its own.
        """
        try:
            with self.env.cr.savepoint(flush=False), mute_logger("odoo.sql_db"):
                return server._connect__(**options)
        except errors.ReadOnlySqlTransaction:
            with self.env.registry.cursor() as cr:
                return server.with_env(server.env(cr=cr))._connect__(**options)

    def _template(self):
        """Return the e-mail template: the company's own for invoices, else Odoo's."""
        move = self.move_id
        own = move.company_id.billing_mail_template_id
        if own and move.move_type == "out_invoice":
            return own
        return move._get_mail_template()

    def _build_message(self, server, template):
        """Return the e-mail, in the customer's language."""
        move = self.move_id
        lang = template._render_lang(move.ids)[move.id] if template.lang else move.partner_id.lang
        template = template.with_context(lang=lang or self.env.lang)
        sender = self._author().email_formatted
        if not sender:
            sender = template._render_field("email_from", move.ids)[move.id]
        attachments = self.env["account.move.send"]._get_invoice_extra_attachments(move)
        attachments += move.billing_bill_id._get_annexes(move)
        return server._build_email__(
            email_from=sender or move.company_id.email_formatted,
            email_to=[self.recipient],
            subject=template._render_field("subject", move.ids)[move.id],
            body=template._render_field("body_html", move.ids, options={"post_process": True})[
                move.id
            ],
            subtype="html",
            reply_to=move._notify_get_reply_to(default=sender)[move.id],
            message_id=self.message_reference,
            attachments=[(file.name, file.raw, file.mimetype) for file in attachments],
        )

    def _author(self):
        """Return the person who asked for the e-mails; empty for the system itself."""
        requester = self.env["res.users"].browse(self.env.context.get("billing_task_requester_id"))
        partner = requester.partner_id
        return partner if partner.email and requester.id != self.env.uid else partner.browse()

    # === RECORD === #

    @api.model
    def _email_record(self, task, intent, answer):
        """Write what became of an e-mail."""
        delivery = self.search([("message_reference", "=", intent["reference"])])
        if delivery.state != "sending":
            return  # it came back faster than its acceptance could be written
        state = answer["state"]
        values = {"error_code": answer.get("code"), "error_message": answer.get("message")}
        if state == "sent":
            values["done_date"] = fields.Datetime.now()
        delivery._set_state(state, values)
        if state == "sent":
            delivery._log_sent()
        else:
            task._log(f"{delivery.display_name}: {answer.get('message')}", level="warning")

    def _log_sent(self):
        """Put the e-mail on the document's record, so that replies find it."""
        message = self.move_id._message_log(
            body=self.env._("Sent by e-mail to %s.", self.recipient),
            author_id=self._author().id or self.env.user.partner_id.id,
        )
        message.message_id = self.message_reference

    @api.model
    def _email_unknown(self, task, intent):
        """Leave an e-mail to a person of which nobody knows whether it left."""
        delivery = self.search([("message_reference", "=", intent["reference"])])
        if delivery.state == "sending":
            message = self.env._(
                "It broke off while it was handed to the mail server. Find out there or from the"
                " customer whether it arrived; then mark it as delivered, or deliver it again."
            )
            delivery._set_state("unknown", {"error_code": "broken_off", "error_message": message})
            task._log(f"{delivery.display_name}: {message}", level="warning")
