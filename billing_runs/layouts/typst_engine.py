from pathlib import Path
from typing import NamedTuple

from psycopg2 import Error

from odoo.exceptions import UserError
from odoo.tools.misc import file_path
from odoo.tools.translate import LazyTranslate

from . import facturx, structured
from .engine import INVOICE_REPORTS, WITH_PAYMENTS, Engine
from .template import DEFAULT, check_source, explain
from .typst_pool import LayoutError, Pool, is_available, make_job
from .values import DocumentValues

_lt = LazyTranslate(__name__)

SHIPPED = Path(__file__).with_name("bill.typ")
#: a tagged PDF in which every letter has a glyph
PLAIN = ("ua-1",)
#: the same, to be kept for decades
ARCHIVE = ("a-3a", "ua-1")

_pools = {}


def pool() -> Pool:
    """Return this process' pool of Typst processes, with Odoo's own fonts."""
    if not _pools:
        _pools["pool"] = Pool([file_path("web/static/fonts")])
    return _pools["pool"]


def missing_for_archives(env) -> str | None:
    """Return what the server lacks to put structured invoices into PDFs, and what to do, in one
    sentence; None for nothing."""
    if facturx.is_available() or not structured.can_make(env):
        return None
    return env._(
        "Bills for archives have the structured invoice in them, which needs the Python package"
        " pikepdf on the server: pip install pikepdf==%(version)s",
        version=facturx.VERSION,
    )


class Work(NamedTuple):
    """A document that is ready to be compiled."""

    job: dict
    #: the structured invoice that goes into its PDF
    xml: bytes | None
    #: the same where it was made for the PDF, with what it lacks
    made: structured.Structured | None


class BillingLayout(Engine):
    """A bill designed as a bill, compiled by Typst from data."""

    code = "billing"
    label = _lt("Billing layout")
    finished = True

    def missing(self, env):
        if is_available():
            return None
        return env._(
            "The billing layout needs the Python package typst on the server:"
            " pip install typst==0.15.2"
        )

    def serves(self, move, report):
        return report.report_name in INVOICE_REPORTS and move.is_sale_document()

    def prepare(self, moves, report, made=None):
        missing = self.missing(moves.env)
        if missing:
            return dict.fromkeys(moves, LayoutError(missing))
        found, known = {}, structured.Known()
        for move, job in self.jobs(moves, report.report_name == WITH_PAYMENTS).items():
            try:
                found[move] = self._work(move, job, (made or {}).get(move), known)
            except Error:
                raise  # concerns the whole transaction
            except Exception as error:
                found[move] = error
        return found

    def _work(self, move, job, xml, known):
        """Return what is compiled of a document, with the structured invoice that goes into it.

        :param xml: that it has already, None for none
        :param known: :class:`~.structured.Known` of the batch
        """
        if move.state != "posted" or not move.company_id._keeps_for_archive(move):
            return Work(job, None, None)
        if not structured.can_make(move.env):
            return Work(job, None, None)
        if not facturx.is_available():
            raise UserError(missing_for_archives(move.env))
        if xml:
            return Work(job, xml, None)
        made = structured.make(move, known)
        return Work(job, made.xml, made)

    def structured(self, data):
        return data.made

    def compile(self, prepared):
        results = pool().compile_all([work.job for work in prepared])
        return [
            result if isinstance(result, LayoutError) else self._finish(result[0], work.xml)
            for result, work in zip(results, prepared, strict=True)
        ]

    @staticmethod
    def _finish(content, xml):
        if xml is None:
            return content
        try:
            return facturx.embed(content, xml)
        except Exception as error:
            # Of a template of one's own that makes something else of a PDF.
            return LayoutError(f"{type(error).__name__}: {error}")

    def explain(self, move, error):
        return explain(move.env, move, error)

    @staticmethod
    def _source(company):
        return company._bill_layout_source() or DEFAULT

    def jobs(self, moves, with_payments=True, source=None):
        """Return ``{move: job of the pool}``; all data are read here.

        :param bool with_payments: whether what was paid is said
        :param str source: of a template to try, instead of the company's own
        """
        jobs = {}
        by_language = moves.sudo().grouped(
            lambda move: move.partner_id.lang or moves.env.lang or "en_US"
        )
        for lang, group in by_language.items():
            # What is worked out in one language is worked out for these alone.
            group = group.with_context(lang=lang, bin_size=False).with_prefetch(group.ids)
            values = DocumentValues(group, with_payments).all()
            for localized, (data, files) in values.items():
                move = localized.with_env(moves.env)
                company = move.company_id
                files = {**files, "bill.typ": SHIPPED.read_bytes()}
                main = source or self._source(company)
                check_source(moves.env, main)
                archive = company._keeps_for_archive(move)
                jobs[move] = make_job(main, data, files, list(ARCHIVE if archive else PLAIN))
        return {move: jobs[move] for move in moves}
