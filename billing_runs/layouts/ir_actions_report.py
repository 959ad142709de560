from odoo import api, models
from odoo.exceptions import UserError

from odoo.addons.base.models.ir_actions_report import _wkhtml

from . import printers, qr_codes
from .inside import TOP, with_seller
from .paper import read_paper
from .printing import joined, print_documents
from .reader import Reader, ScriptError
from .resources import Resources
from .sheets import Document

# Who prints what Odoo's own methods come to: objects that no RPC call can forge.
_PRINTER = object()


class _Odoo:
    """Odoo itself does; ``said`` is what the document has to say of the seller."""

    def __init__(self, said):
        self.said = said


def by_printer(reports):
    """Return reports whose HTML Odoo's own methods make, and whose PDF this addon's printer."""
    return reports.with_context(billing_printing=_PRINTER)


def by_odoo(reports, said=None):
    """Return reports that are made by Odoo's own methods alone, where the server has what those
    need.

    :param dict said: what the document has to say of the seller, as for
        :meth:`~.reader.Reader.read_report`
    """
    return reports.with_context(billing_printing=_Odoo(said or {}))


def is_printing(env):
    """Return whether a bill layout asks Odoo's own methods for a document."""
    how = env.context.get("billing_printing")
    return how is _PRINTER or isinstance(how, _Odoo)


class IrActionsReport(models.Model):
    """Odoo's reports are printed by Chromium where there is no wkhtmltopdf; this addon's own by its
    printer."""

    _inherit = "ir.actions.report"

    @api.model
    def barcode(self, barcode_type, value, **kwargs):
        """Draw QR codes also where reportlab has nothing to draw with, which is so on newer Pythons."""
        try:
            return super().barcode(barcode_type, value, **kwargs)
        except Exception as error:
            cannot_draw = type(error).__name__ == "RenderPMError"
            if not cannot_draw or barcode_type != "QR" or kwargs.get("mask"):
                raise
        quiet = bool(int(kwargs.get("quiet", True)))
        return qr_codes.draw(
            value,
            int(kwargs.get("width", 600)),
            int(kwargs.get("height", 100)),
            border=int(kwargs.get("barBorder", 4)) if quiet else 0,
            level=kwargs.get("barLevel", "L"),
        )

    @api.model
    def _is_of_billing(self, report_ref) -> bool:
        """Return whether a report is one of this addon's, as statements of wallets are: with the
        seller on it and text that can be read, whatever the server's wkhtmltopdf leaves out."""
        name = self._get_report(report_ref).report_name if report_ref else ""
        return (name or "").startswith("billing_operations.")

    @api.model
    def get_wkhtmltopdf_state(self):
        state = super().get_wkhtmltopdf_state()
        # The web client asks before it prints any report.
        return "ok" if state not in printers.ABLE and printers.find() else state

    @api.model
    def _run_wkhtmltopdf(
        self,
        bodies,
        report_ref=False,
        header=None,
        footer=None,
        landscape=False,
        specific_paperformat_args=None,
        set_viewport_size=False,
    ):
        has_own = _wkhtml().state in printers.ABLE
        ours = self.env.context.get("billing_printing") is _PRINTER or not has_own
        ours = ours or self._is_of_billing(report_ref)
        printer = printers.find() if ours else None
        bodies = list(bodies)
        entries = None
        if printer:
            report = self._get_report(report_ref) if report_ref else self.sudo()
            reader = Reader(report, Resources(self.env))
            try:
                entries = reader.read_documents(bodies, header, footer, scripts=not has_own)
            except ScriptError:
                entries = None  # wkhtmltopdf runs it
        if entries is None:
            how = self.env.context.get("billing_printing")
            if isinstance(how, _Odoo):
                inside = not _wkhtml().is_patched_qt
                bodies, header, footer = with_seller(bodies, header, footer, how.said, inside)
                if inside:
                    specific_paperformat_args = {
                        **(specific_paperformat_args or {}),
                        "data-report-margin-top": TOP,
                        "data-report-header-spacing": 0,
                    }
            return super()._run_wkhtmltopdf(
                bodies,
                report_ref=report_ref,
                header=header,
                footer=footer,
                landscape=landscape,
                specific_paperformat_args=specific_paperformat_args,
                set_viewport_size=set_viewport_size,
            )
        paper = read_paper(
            self, report_ref, landscape, specific_paperformat_args, set_viewport_size
        )
        sheets, fonts = reader.sheets(entries, paper)
        title = report.name or ""
        printed = print_documents(printer, [Document(title, fonts, [sheet]) for sheet in sheets])
        for result in printed:
            if isinstance(result, Exception):
                raise UserError(
                    self.env._(
                        "The report %(report)s could not be printed: %(reason)s",
                        report=title,
                        reason=str(result),
                    )
                )
        return joined(printed, outline=True)
