from odoo import api, models
from odoo.exceptions import UserError

# Proof that formatting asks, and what it is told: an object that no RPC call can forge.
_ERRORS = object()


class _Errors(dict):
    """``{document: exception}`` of one call of Odoo's send flow; ``ready`` has the PDFs that were made
    before it, by the document's id."""

    proof = _ERRORS
    ready = ()

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
        groups, contents = {}, {}
        errors = self._layout_errors()
        ready = errors.ready if errors is not None else {}
        for move, data in invoices_data.items():
            if laid_out := ready.get(move.id):
                engine, content = laid_out
                failed = isinstance(content, Exception)
                contents[move] = engine.explain(move, content) if failed else content
                continue
            report = data["pdf_report"]
            engine = move.company_id._bill_layout_of(move, report)
            groups.setdefault((engine.code, move.company_id, report), (engine, []))[1].append(move)
        for (_code, _company, report), (engine, moves) in groups.items():
            moves = self.env["account.move"].union(*moves)
            contents |= engine.render(moves, report)
        for move, content in contents.items():
            data = invoices_data[move]
            if isinstance(content, Exception):
                self._note_layout_error(move, data, content)
                continue
            data["pdf_attachment_values"] = {
                "name": move._get_invoice_report_filename(report=data["pdf_report"]),
                "raw": content,
                "mimetype": "application/pdf",
                "res_model": move._name,
                "res_id": move.id,
                "res_field": "invoice_pdf_report_file",
            }

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
