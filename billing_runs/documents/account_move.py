from odoo import api, fields, models
from odoo.fields import Domain

from ..layouts import structured


class AccountMove(models.Model):
    _inherit = "account.move"

    billing_pdf_gone = fields.Char(
        "What Became of the PDF",
        readonly=True,
        copy=False,
        help="Why the document has no PDF any more: said in its history when it is made again.",
    )

    def _may_be_known(self):
        """Return whether the customer may have the document: it has its PDF, or had one."""
        return bool(self.invoice_pdf_report_id or self.is_move_sent)

    @api.model
    def _may_be_known_domain(self):
        """Return the domain of the documents of which :meth:`_may_be_known` is true."""
        return Domain("is_move_sent", "=", True) | Domain("invoice_pdf_report_file", "!=", False)

    def _detach_attachments(self):
        """Keep in mind that the PDF was set aside, for a document is rendered once."""
        made = self.filtered("invoice_pdf_report_id")
        for move in made:
            move.billing_pdf_gone = self.env._(
                "%(name)s was set aside when %(user)s reset the document to draft.",
                name=move.invoice_pdf_report_id.name,
                user=self.env.user.name,
            )
        result = super()._detach_attachments()
        # They are made again with the PDF.
        self.filtered("billing_call_annex_ids").billing_call_annex_ids = False
        # Odoo takes the attachment away from the field behind its back.
        made.invalidate_recordset(["invoice_pdf_report_id", "invoice_pdf_report_file"])
        return result

    def _get_invoice_legal_documents(self, filetype, allow_fallback=False):
        """Complete the structured invoice that is made for being looked at."""
        found = super()._get_invoice_legal_documents(filetype, allow_fallback=allow_fallback)
        # One that was sent is complete, and stays as it was.
        if filetype == "ubl" and found and self.is_sale_document() and not self.ubl_cii_xml_id:
            found["content"] = structured.complete(self.sudo(), found["content"])
        return found
