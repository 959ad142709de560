import logging

from psycopg2 import OperationalError
from psycopg2.errors import ReadOnlySqlTransaction

from odoo import modules
from odoo.exceptions import UserError
from odoo.tools import config
from odoo.tools.translate import LazyTranslate

from . import printers
from .children import PrintError
from .engine import Engine
from .ir_actions_report import by_odoo, by_printer
from .paper import read_paper
from .printing import print_documents
from .reader import Reader
from .resources import Resources
from .sheets import Document

_lt = LazyTranslate(__name__)
_logger = logging.getLogger(__name__)

#: what is not called when documents are printed together
BYPASSED = (
    "_pre_render_qweb_pdf",
    "_render_qweb_pdf_prepare_streams",
    "_prepare_html",
    "_run_wkhtmltopdf",
)
#: addons whose overrides of them leave invoices alone
HARMLESS = {
    "account",
    "base",
    "billing_operations",
    "hr_expense",
    "l10n_th",
    "purchase",
    "sale",
    "sale_pdf_quote_builder",
    "stock",
}


def _with_edi_documents(move, report):
    return bool(move.edi_document_ids)


def _with_factur_x(move, report):
    names = (
        move.env["ir.config_parameter"].sudo().get_param("account.custom_templates_facturx_list")
    )
    return report.report_name in [name.strip() for name in (names or "").split(",")]


def _with_swiss_qr(move, report):
    return bool(move.l10n_ch_is_qr_valid)


#: addons whose overrides concern some invoices
SOME = {
    "account_edi": _with_edi_documents,
    "account_edi_ubl_cii": _with_factur_x,
    "l10n_ch": _with_swiss_qr,
}


class OdooReport(Engine):
    """The company's own invoice report and document layout, many a print.

    A document that another addon has a hand in, and one that fails with the others, goes Odoo's own
    way alone.
    """

    code = "odoo"
    label = _lt("Odoo's report")

    def missing(self, env):
        return printers.missing(env)

    def answers_print(self, env):
        return _prints_here(env)

    def prepare(self, moves, report, made=None):
        together = self._together(moves, report)
        found = {}
        for group in together.grouped("company_id").values():
            found |= self._read(group, report)
        return {
            move: found[move] if move in found else self._print_alone(move, report)
            for move in moves
        }

    def compile(self, prepared):
        documents = [data for data in prepared if isinstance(data, Document)]
        printed = iter(print_documents(printers.find(), documents) if documents else ())
        return [next(printed) if isinstance(data, Document) else data for data in prepared]

    def explain(self, move, error):
        if isinstance(error, PrintError):
            return UserError(
                move.env._(
                    "%(document)s could not be printed: %(reason)s",
                    document=move.display_name,
                    reason=str(error),
                )
            )
        return error

    def rescue(self, move, report, error):
        _logger.warning("%s is printed Odoo's own way alone: %s", move.display_name, error)
        result = self._print_alone(move, report, by=lambda reports: by_odoo(reports, _seller(move)))
        return self.explain(move, result) if isinstance(result, Exception) else result

    # === MANY === #

    def _together(self, moves, report):
        """Return the documents that nobody else has a hand in."""
        if not _prints_here(moves.env):
            return moves.browse()
        if report.attachment and report.attachment_use:
            return moves.browse()  # what is kept of it is printed again
        tests = []
        for addon in _overriding(moves.env["ir.actions.report"]):
            if addon not in SOME:
                return moves.browse()
            tests.append(SOME[addon])
        return moves.filtered(
            lambda move: move.move_type != "entry" and not any(test(move, report) for test in tests)
        )

    def _read(self, moves, report):
        """Return ``{move: Document}`` of one company's documents, without those that have to be
        printed alone."""
        try:
            with moves.env.cr.savepoint():
                return self._read_together(moves, report)
        except (OperationalError, ReadOnlySqlTransaction):
            raise  # concerns the whole transaction
        except Exception as error:
            if len(moves) == 1:
                _logger.warning("%s is printed Odoo's own way alone: %s", moves.display_name, error)
                return {}
        half = len(moves) // 2
        return self._read(moves[:half], report) | self._read(moves[half:], report)

    def _read_together(self, moves, report):
        company = moves.company_id
        reports = moves.env["ir.actions.report"].with_company(company)
        reports = reports.with_context(debug=False, webp_as_jpg=True)
        data = {"report_type": "pdf", "debug": False}
        parameters = moves.env["ir.config_parameter"].sudo()
        if parameters.get_param("account.display_name_in_footer"):
            data["display_name_in_footer"] = True
        html = reports._render_qweb_html(report.report_name, moves.ids, data=data)[0]
        reader = Reader(reports._get_report(report.report_name), Resources(reports.env))
        entries = reader.read_report(html, {move.id: _seller(move) for move in moves})
        paper = read_paper(
            reports, report.report_name, reports.env.context.get("landscape"), reader.specific
        )
        sheets, fonts = reader.sheets(entries, paper)
        found = {}
        for entry, sheet in zip(entries, sheets, strict=True):
            # The only document's may be without a word on what they are about.
            number = moves.id if len(moves) == 1 else entry.record
            found.setdefault(number, []).append(sheet)
        if set(found) != set(moves.ids):
            raise ValueError("The report does not say which document is which.")
        return {
            move: Document(move.name or move.display_name, fonts, found[move.id]) for move in moves
        }

    # === ONE === #

    def _print_alone(self, move, report, by=by_printer):
        """Print one document by all of Odoo's own methods.

        :param by: says who prints what they come to
        :return: its PDF, or the exception that says why there is none
        """
        reports = by(move.env["ir.actions.report"].with_company(move.company_id))
        try:
            with move.env.cr.savepoint():
                content, kind = reports._pre_render_qweb_pdf(report.report_name, res_ids=move.ids)
                parts = reports._get_splitted_report(report.report_name, content, kind)
                return parts[move.id] if move.id in parts else parts[False]
        except (OperationalError, ReadOnlySqlTransaction):
            raise  # concerns the whole transaction
        except Exception as error:
            return error


def _seller(move):
    """Return what a bill has to say of the seller: ``{words to look for: text to add}``."""
    spoken = move.with_context(lang=move.partner_id.lang or move.env.lang)
    company = spoken.company_id.sudo()
    wanted = {company.name: company.name}
    # Whatever people wrote into the details, the law wants the address.
    if company.street:
        wanted[company.street] = company.street
    if company.city:
        wanted[company.zip or company.city] = " ".join(filter(None, [company.zip, company.city]))
    if company.vat and not move.fiscal_position_id.sudo().foreign_vat:
        label = company.country_id.vat_label or spoken.env._("Tax ID")
        wanted[company.vat] = f"{label}: {company.vat}"
    return wanted


def _prints_here(env):
    """Return whether something prints here; tests get HTML from Odoo, as long as they do not ask
    for more."""
    in_test = modules.module.current_test or config["test_enable"]
    return bool(printers.find()) and (
        not in_test or bool(env.context.get("force_report_rendering"))
    )


def _overriding(reports):
    """Yield the addons that override what is not called when documents are printed together."""
    for part in type(reports).mro():
        if any(name in vars(part) for name in BYPASSED):
            addon = vars(part).get("_module")
            if addon not in HARMLESS:
                yield addon
