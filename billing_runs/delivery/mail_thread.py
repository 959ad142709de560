from odoo import api, models
from odoo.tools import html2plaintext
from odoo.tools.mail import unfold_references


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        """Show on its bill that a bill's e-mail came back."""
        references = set(message_dict.get("bounced_msg_ids") or ())
        for header in ("references", "in_reply_to"):
            references.update(
                ref.strip() for ref in unfold_references(message_dict.get(header) or "")
            )
        if references:
            self.env["billing.delivery"].sudo()._receive_bounce(
                references, html2plaintext(message_dict.get("body") or "")
            )
        return super()._routing_handle_bounce(email_message, message_dict)
