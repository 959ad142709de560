from odoo import models


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    def unlink(self):
        """Keep in mind who deleted the PDF of a document, for a document is rendered once."""
        gone = {
            attachment.res_id: attachment.name
            for attachment in self.sudo()
            if attachment.res_model == "account.move"
            and attachment.res_field == "invoice_pdf_report_file"
        }
        result = super().unlink()
        for move in self.env["account.move"].sudo().browse(gone).exists():
            move.billing_pdf_gone = self.env._(
                "%(name)s was deleted by %(user)s.", name=gone[move.id], user=self.env.user.name
            )
        return result
