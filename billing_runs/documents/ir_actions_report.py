import io

from odoo import api, models

from ..layouts.engine import INVOICE_REPORTS
from ..layouts.ir_actions_report import is_printing

# Proof that formatting asks: an object that no RPC call can forge.
_AT_ONCE = object()


def without_delay(records):
    """Return the same records for printing without the wait that Odoo's reports begin with."""
    return records.with_context(billing_print=_AT_ONCE)


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _pre_render_qweb_pdf(self, report_ref, res_ids=None, data=None):
        """Print invoices by their company's bill layout; one that has its PDF is that PDF, unless
        it is asked for without payments."""
        moves = self._laid_out(report_ref, res_ids, data)
        if not moves:
            return super()._pre_render_qweb_pdf(report_ref, res_ids=res_ids, data=data)
        report = self._get_report(report_ref)
        streams = {}
        for _company, group in moves.grouped("company_id").items():
            made = (
                group.filtered("invoice_pdf_report_id") if report.is_invoice_report else group[:0]
            )
            contents = {move: move.invoice_pdf_report_id.raw for move in made}
            todo = group - made
            engines = {move: move.company_id._bill_layout_of(move, report) for move in todo}
            for alike in todo.grouped(lambda move, of=engines: of[move].code).values():
                contents |= engines[alike[0]].render(alike, report)
            for move, content in contents.items():
                if isinstance(content, Exception):
                    raise content
                streams[move.id] = {"stream": io.BytesIO(content), "attachment": None}
        others = [res_id for res_id in res_ids if res_id not in streams]
        if others:
            rest, kind = super()._pre_render_qweb_pdf(report_ref, res_ids=others, data=data)
            if kind != "pdf" or False in rest:
                return rest, kind
            streams |= rest
        return {res_id: streams[res_id] for res_id in res_ids}, "pdf"

    @api.model
    @api.readonly
    def prints_by_bill_layout(self, report_ref, res_ids):
        """Return whether all of some records are invoices that their company's bill layout prints.

        The web client asks before it prints on a server that prints nothing else. Who may not read
        one of the invoices gets an access error.

        :param str report_ref: name of the report
        :param list res_ids: of the report's model
        """
        return bool(res_ids) and len(self._laid_out(report_ref, res_ids, None)) == len(set(res_ids))

    def _laid_out(self, report_ref, res_ids, data):
        """Return the invoices among the records that their company's bill layout prints."""
        moves = self.env["account.move"]
        if is_printing(self.env):
            return moves
        report = self._get_report(report_ref)
        if report.model != "account.move" or not res_ids:
            return moves
        if not report.is_invoice_report and report.report_name not in INVOICE_REPORTS:
            return moves
        if (data or {}).get("proforma") or self.env.context.get("proforma_invoice"):
            return moves
        moves = moves.browse(res_ids)
        moves.check_access("read")
        return moves.filtered(
            lambda move: move.company_id._bill_layout_of(move, report).answers_print(self.env)
        )

    def _build_wkhtmltopdf_args(self, *args, **kwargs):
        # The invoice report needs no script, yet Odoo lets wkhtmltopdf wait a second
        # for it on every document: two thirds of the time a bill takes.
        command = super()._build_wkhtmltopdf_args(*args, **kwargs)
        if self.env.context.get("billing_print") is _AT_ONCE and "--javascript-delay" in command:
            command[command.index("--javascript-delay") + 1] = "1"
        return command
