from odoo import api, models
from odoo.tools import email_normalize


class CdrFile(models.Model):
    """Files that come by e-mail.

    The mail gateway never tries a mail again that fails on the way in, so nothing is read here: each
    attachment is stored as it came, and its task does the rest.
    """

    _inherit = "cdr.file"

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Store the files of a mail to a carrier's address; return the first one, which the mail itself
        is kept on."""
        carrier = self.env["cdr.carrier"].sudo().browse((custom_values or {}).get("carrier_id"))
        sender = email_normalize(msg_dict.get("email_from") or "") or ""
        subject = msg_dict.get("subject") or self.env._("E-mail without a subject")
        items = [
            (name or subject, content.encode() if isinstance(content, str) else content)
            for name, content, *_info in msg_dict.get("attachments") or ()
        ]
        hold = not carrier._is_listed(sender)
        if items:
            files = self._receive(carrier, items, "email", sender=sender, hold=hold)
            return files[:1]
        file = (
            self.sudo()
            .with_context(mail_create_nolog=True)
            ._own()
            .create(
                {
                    "name": subject,
                    "carrier_id": carrier.id,
                    "received_by": "email",
                    "sender": sender,
                    "state": "error",
                    "message": self.env._("The e-mail has no file attached."),
                }
            )
        )
        return self.browse(file.id)
