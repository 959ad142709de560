from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from .cdr_carrier_fetch import SERVERS

#: Odoo's incoming mail servers from which mails are fetched
MAIL_SERVERS = [("state", "=", "done"), ("server_type", "!=", "local")]


class CdrCarrier(models.Model):
    """Looking for files now, whichever way they come: on carriers' servers, and in the mailboxes of
    Odoo's incoming mail servers."""

    _inherit = "cdr.carrier"

    def action_fetch(self):
        """Have these carriers' servers looked at now, and the mailboxes to which they send."""
        by_mail = self.filtered(lambda carrier: carrier.way_in == "email")
        others = self - by_mail
        result = others and super(CdrCarrier, others).action_fetch()
        if by_mail:
            by_mail._fetch_mails()
            result = {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "info",
                    "message": self.env._(
                        "Servers and mailboxes are being looked at. New files come to CDRs."
                    ),
                },
            }
        return result

    def _fetch_mails(self):
        """Have Odoo's incoming mail servers looked at now."""
        if not self.env.su and not self.env.user.has_group(
            "billing_operations.group_billing_manager"
        ):
            raise AccessError(self.env._("Only billing managers may fetch CDR files."))
        self.check_access("read")
        if not self._has_mailbox():
            raise UserError(
                self.env._(
                    "No incoming mail server is set up in Odoo's Settings. E-mails of %s come when"
                    " your mail server passes them on.",
                    self[:1].name,
                )
            )
        self.env.ref("mail.ir_cron_mail_gateway_action").sudo()._trigger()

    def _has_mailbox(self):
        """Return whether Odoo fetches mails from a mailbox."""
        return bool(self.env["fetchmail.server"].sudo().search_count(MAIL_SERVERS, limit=1))

    def _that_can_be_fetched(self):
        """Return those of these carriers whose files can be looked for now."""
        ways = SERVERS
        if "email" in self.mapped("way_in") and self._has_mailbox():
            ways = (*ways, "email")
        return self.filtered(lambda carrier: carrier.way_in in ways)

    def _is_being_fetched(self):
        """Return whether a server of these carriers is looked at now, or is about to be."""
        servers = self.filtered(lambda carrier: carrier.way_in in SERVERS)
        if not servers:
            return False
        due = Domain("delay_date", "=", False) | Domain("delay_date", "<=", fields.Datetime.now())
        domain = (
            Domain("type_id.code", "=", "cdr_fetch")
            & Domain("res_model", "=", self._name)
            & Domain("res_id", "in", servers.ids)
            & (Domain("state", "=", "running") | Domain("state", "=", "pending") & due)
        )
        return bool(self.env["billing.task"].sudo().search_count(domain, limit=1))
