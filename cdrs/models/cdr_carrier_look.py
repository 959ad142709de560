from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .cdr_carrier_fetch import SERVERS

#: Odoo's incoming mail servers from which mails are fetched
MAIL_SERVERS = [("state", "=", "done"), ("server_type", "!=", "local")]


class CdrCarrier(models.Model):
    """Whose files can be looked for now, and looking in the mailboxes of Odoo's incoming mail
    servers."""

    _inherit = "cdr.carrier"

    def _fetch_mails(self):
        """Have Odoo's incoming mail servers looked at now, for carriers that send e-mails.

        :raise UserError: there is none
        """
        if not self:
            return
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
