from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import is_html_empty

from ..mails import queue_mails

DONE_TEMPLATE = "billing_operations.mail_template_service_request_done"
REFUSED_TEMPLATE = "billing_operations.mail_template_service_request_refused"


class ServiceOperation(models.Model):
    """The result mail: customers are told how what they asked for in the portal ended.

    A request is told once, when it is done or cancelled. Nobody is told of what the office or billing
    asked for, nor of what the customer has withdrawn; an order that is done has its opening mail.
    Why something was cancelled is for the histories: the mail says that it was, and whom to ask.
    It goes to the login that asked, in its language, as long as that is still one of the customer's;
    else to the customer of the service.
    """

    _inherit = "service.operation"

    result_mail_id = fields.Many2one(
        "mail.mail",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_system",
    )
    result_mail_state = fields.Selection(
        [
            ("queued", "Queued"),
            ("sent", "Sent"),
            ("failed", "Failed"),
            ("not_sent", "Not Sent"),
        ],
        string="Result Mail Status",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="What became of the e-mail that tells the customer how the request ended.",
    )
    result_mail_problem = fields.Char(
        readonly=True, copy=False, help="Why the result mail did not leave, and what to do."
    )
    told_partner_id = fields.Many2one(
        "res.partner", string="Result Mail To", compute="_compute_told", compute_sudo=True
    )
    told_type = fields.Char(string="Request", compute="_compute_told", compute_sudo=True)
    told_day = fields.Char(string="Day", compute="_compute_told", compute_sudo=True)
    told_request = fields.Html(
        string="Asked For", compute="_compute_told", compute_sudo=True, sanitize=False
    )

    # === COMPUTES === #

    @api.depends("service_id", "requested_by_id", "requested", "effective_date", "state")
    @api.depends_context("lang")
    def _compute_told(self):
        """What the templates say, in the words of the portal."""
        for operation in self:
            partner = operation._get_told_partner()
            lines = operation._portal_lines(operation.partner_id)
            operation.told_partner_id = partner
            operation.told_type = operation._portal_type()
            operation.told_day = operation._portal_day()
            operation.told_request = Markup().join(Markup("<li>%s</li>") % line for line in lines)

    def _get_told_partner(self):
        """Return the contact that the result mail is for; none where it was not the customer who asked."""
        self.ensure_one()
        partner = self.partner_id
        if not self._is_asked_by(partner):
            return partner.browse()
        user = self.requested_by_id
        return user.partner_id if user.active and user.partner_id.email else partner

    # === SENDING === #

    def _tell_customer(self):
        """Queue the mails that say how customers' requests ended, in this transaction.

        Requests whose customers know already are left alone, so repeating it sends nothing.
        """
        for operation in self.sudo():
            partner = operation._get_told_partner()
            done = operation.state == "done"
            if operation.result_mail_state or not partner or (done and operation.type == "setup"):
                continue
            template = DONE_TEMPLATE if done else REFUSED_TEMPLATE
            if problem := operation._queue_result_mail(template, partner):
                operation._note_mail("result", "not_sent", problem=problem)
                operation._note_in_histories(
                    self.env._("the customer was not told how the request ended: %s", problem)
                )

    def _queue_result_mail(self, template, partner) -> str:
        """Queue a result mail.

        :return: why there is none to send; empty where it was queued
        """
        self.ensure_one()
        if not partner.email:
            return self.env._("the customer has no e-mail address.")
        try:
            rendered = self._render_mail(template)
        except UserError as error:
            return str(error)
        if is_html_empty(rendered.get("body")):
            return self.env._("its template is empty or was deleted.")
        mail = queue_mails(self.env, [self._mail_values(partner, **rendered)])
        self._note_mail("result", "queued", mail)
        self._note_in_histories(
            self.env._(
                "the e-mail that says how it ended was queued to %s.", partner.email_formatted
            )
        )
        return ""

    def _result_mail_ended(self, problem):
        """Keep what became of the result mail, and say in the histories where it did not leave.

        :param problem: why it did not leave; False where it did
        """
        for operation in self:
            operation._note_mail("result", "failed" if problem else "sent", problem=problem)
            if problem:
                operation._note_in_histories(
                    self.env._("the customer was not told how the request ended: %s", problem)
                )

    def action_send_result_mail_again(self):
        """Queue result mails anew that did not leave or could not be made."""
        self._check_may_change()
        for operation in self.sudo():
            if operation.result_mail_state not in ("failed", "not_sent"):
                raise UserError(
                    self.env._(
                        "Only an e-mail that did not leave can be sent again, not that of %s.",
                        operation.display_name,
                    )
                )
            operation._drop_failed_mail("result")
            operation._own().result_mail_state = False
            operation._tell_customer()
        return True
