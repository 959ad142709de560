from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import config

from ..layouts import facturx, structured

# Proof that formatting asks, and what it is told: an object that no RPC call can forge.
_ERRORS = object()
#: where Odoo makes structured invoices, and puts them into PDFs by writing these anew
MAKES = "odoo.addons.account_edi_ubl_cii.models.account_move_send"
BEFORE = "_hook_invoice_document_before_pdf_report_render"
AFTER = "_hook_invoice_document_after_pdf_report_render"


class _Errors(dict):
    """``{document: exception}`` of one call of Odoo's send flow; ``ready`` has the PDFs that were made
    before it, by the document's id."""

    proof = _ERRORS
    ready = {}

    # Environments of equal contexts are one: each call has its own.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def by_formatting(sender, ready):
    """Return the sender for a batch whose errors are kept apart, and the dict that gets them.

    :param dict ready: :class:`~.laid_out.LaidOut` by the document's id, of those that are laid out
        already
    :return: ``(account.move.send, {document: exception})``
    """
    errors = _Errors()
    errors.ready = ready
    return sender.with_context(billing_layout_errors=errors), errors


class AccountMoveSend(models.AbstractModel):
    """Odoo's send flow gets the documents' PDFs from their company's bill layout."""

    _inherit = "account.move.send"

    @api.model
    def _prepare_invoice_pdf_report(self, invoices_data):
        """Lay out the documents, each by the engine that serves it.

        An error is its document's alone: the send flow goes on with the others.
        """
        groups, contents, finished, enclosed = {}, {}, {}, set()
        ready = self._laid_out_before()
        made = {
            move: data["ubl_cii_xml_attachment_values"]["raw"]
            for move, data in invoices_data.items()
            if data.get("ubl_cii_xml_options", {}).get("ubl_cii_format") == structured.FACTURX
        }
        for move, data in invoices_data.items():
            laid_out = ready.get(move.id)
            if laid_out and (not laid_out.enclosed or self._encloses(data)):
                engine, content = laid_out.engine, laid_out.content
                if isinstance(content, Exception):
                    content = engine.rescue(move, data["pdf_report"], content)
                elif laid_out.enclosed:
                    enclosed.add(move)
                contents[move] = content
                finished[move] = engine.finished
                continue
            report = data["pdf_report"]
            engine = move.company_id._bill_layout_of(move, report)
            groups.setdefault((engine.code, move.company_id, report), (engine, []))[1].append(move)
        for (_code, _company, report), (engine, moves) in groups.items():
            moves = self.env["account.move"].union(*moves)
            contents |= engine.render(moves, report, made)
            finished |= dict.fromkeys(moves, engine.finished)
        for move, content in contents.items():
            data = invoices_data[move]
            if isinstance(content, Exception):
                self._note_layout_error(move, data, content)
                continue
            data["billing_finished"] = finished[move]
            data["billing_enclosed"] = move in enclosed
            data["pdf_attachment_values"] = {
                "name": move._get_invoice_report_filename(report=data["pdf_report"]),
                "raw": content,
                "mimetype": "application/pdf",
                "res_model": move._name,
                "res_id": move.id,
                "res_field": "invoice_pdf_report_file",
            }

    @api.model
    def _hook_invoice_document_before_pdf_report_render(self, invoice, invoice_data):
        """Complete the structured invoice: it is attached, and what is sent to networks. One that
        was made for the PDF is not made a second time."""
        if self._attach_made(invoice, invoice_data):
            place = self._making_class(BEFORE)
            return super(place, self)._hook_invoice_document_before_pdf_report_render(
                invoice, invoice_data
            )
        result = super()._hook_invoice_document_before_pdf_report_render(invoice, invoice_data)
        values = invoice_data.get("ubl_cii_xml_attachment_values")
        if values and invoice.is_sale_document():
            values["raw"] = structured.complete(invoice, values["raw"])
        return result

    @api.model
    def _hook_invoice_document_after_pdf_report_render(self, invoice, invoice_data):
        """Leave a finished PDF as it is, and put the structured invoice into another one.

        Odoo writes every PDF anew to put the structured invoice into it: what claims to be PDF/A
        or PDF/UA is not afterwards, and what has a structured invoice gets a second one.
        """
        if not self._is_finished(invoice, invoice_data) and not self._enclose(
            invoice, invoice_data
        ):
            return super()._hook_invoice_document_after_pdf_report_render(invoice, invoice_data)
        content = invoice_data["pdf_attachment_values"]["raw"]
        place = self._making_class(AFTER)
        if place:
            # All that Odoo does there but for the PDF.
            options = invoice_data.get("ubl_cii_xml_options")
            if options and options["ubl_cii_format"] != structured.FACTURX:
                self._postprocess_invoice_ubl_xml(invoice, invoice_data)
            return super(place, self)._hook_invoice_document_after_pdf_report_render(
                invoice, invoice_data
            )
        result = super()._hook_invoice_document_after_pdf_report_render(invoice, invoice_data)
        invoice_data["pdf_attachment_values"]["raw"] = content
        return result

    @api.model
    def _link_invoice_documents(self, invoices_data):
        """Say in the history of a document whose PDF was made again why that is."""
        result = super()._link_invoice_documents(invoices_data)
        if self._layout_errors() is None:
            # Formatting has made them, many at once; here somebody prints or sends a document.
            for move, data in invoices_data.items():
                if data.get("pdf_attachment_values") and (error := move._tie_call_annexes()):
                    raise error
        again = self.env["account.move"].union(
            *(
                move
                for move, data in invoices_data.items()
                if data.get("pdf_attachment_values") and move.billing_pdf_gone
            )
        )
        if again:
            again._message_log_batch(
                bodies={
                    move.id: self.env._(
                        "The PDF was made again. %(why)s", why=move.billing_pdf_gone
                    )
                    for move in again
                }
            )
            # No amount changes here: entries need not be balanced anew.
            again.with_context(skip_invoice_sync=True).billing_pdf_gone = False
        return result

    def _is_finished(self, invoice, invoice_data):
        """Return whether nothing is put into a document's PDF any more. Odoo does so in its way for
        a customer who wants Factur-X where our own cannot be made."""
        if not invoice_data.get("billing_finished"):
            return False
        if invoice_data.get("invoice_edi_format") != structured.FACTURX:
            return True
        return invoice.company_id._keeps_for_archive(invoice)

    def _encloses(self, invoice_data):
        """Return whether a PDF that is not finished gets the structured invoice here, in a tenth of the
        time that Odoo takes. What Odoo does besides where the customer wants Factur-X is left to
        Odoo, and so is what its tests ask for instead."""
        return (
            invoice_data.get("invoice_edi_format") != structured.FACTURX
            and facturx.is_available()
            and not config["test_enable"]
            and not self.env.context.get("custom_template_facturx")
            and bool(self._making_class(AFTER))
        )

    def _enclose(self, invoice, invoice_data):
        """Put the structured invoice into a document's PDF that has none yet; return whether one is in
        it."""
        values = invoice_data.get("pdf_attachment_values")
        if not values or invoice.invoice_pdf_report_id or not self._encloses(invoice_data):
            return False
        if not invoice_data.get("billing_enclosed"):
            values["raw"] = facturx.attach(values["raw"], structured.make(invoice).xml)
        return True

    def _attach_made(self, invoice, invoice_data):
        """Attach the Factur-X that was made for a document's PDF, as Odoo would attach another one
        that says the same; return whether that was done."""
        laid_out = self._laid_out_before().get(invoice.id)
        made = laid_out and laid_out.structured
        wanted = invoice_data.get("invoice_edi_format") == structured.FACTURX
        if not made or made.lacks or not wanted or not self._making_class(BEFORE):
            return False  # what it lacks says Odoo, in its words
        builder = invoice.partner_id.commercial_partner_id._get_edi_builder(structured.FACTURX)
        if builder._name != structured.BUILDER:
            return False
        if not invoice._need_ubl_cii_xml(structured.FACTURX):
            return False
        invoice_data["ubl_cii_xml_attachment_values"] = {
            "name": builder._export_invoice_filename(invoice),
            "raw": made.xml,
            "mimetype": "application/xml",
            "res_model": invoice._name,
            "res_id": invoice.id,
            "res_field": "ubl_cii_xml_file",
        }
        invoice_data["ubl_cii_xml_options"] = {
            "ubl_cii_format": structured.FACTURX,
            "builder": builder,
        }
        return True

    def _making_class(self, hook):
        """Return Odoo's class that has a hand in structured invoices where its hook is the next to be
        asked, else None."""
        classes = type(self).mro()
        for place in classes[classes.index(AccountMoveSend) + 1 :]:
            if hook in vars(place):
                return place if place.__module__ == MAKES else None
        return None

    def _note_layout_error(self, move, data, error):
        errors = self._layout_errors()
        if errors is None and not isinstance(error, UserError):
            raise error
        if errors is not None:
            errors[move] = error
        data["error"] = {
            "error_title": self.env._("%(document)s has no PDF.", document=move.display_name),
            "errors": [str(error)],
        }

    def _laid_out_before(self):
        """Return the PDFs that formatting has made before, by the document's id."""
        errors = self._layout_errors()
        return errors.ready if errors is not None else {}

    def _layout_errors(self):
        errors = self.env.context.get("billing_layout_errors")
        return errors if getattr(errors, "proof", None) is _ERRORS else None

    @api.model
    def _hook_if_errors(self, moves_data, allow_raising=True):
        """Leave to formatting what it was told: it puts the bill in error, with the reason."""
        errors = self._layout_errors()
        if errors is not None:
            moves_data = {move: data for move, data in moves_data.items() if move not in errors}
            if not moves_data:
                return None
        return super()._hook_if_errors(moves_data, allow_raising=allow_raising)
