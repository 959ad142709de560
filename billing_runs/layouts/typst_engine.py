from pathlib import Path

from odoo.tools.misc import file_path
from odoo.tools.translate import LazyTranslate

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


class BillingLayout(Engine):
    """A bill designed as a bill, compiled by Typst from data."""

    code = "billing"
    label = _lt("Billing layout")

    def missing(self, env):
        if is_available():
            return None
        return env._(
            "The billing layout needs the Python package typst on the server:"
            " pip install typst==0.15.2"
        )

    def serves(self, move, report):
        return report.report_name in INVOICE_REPORTS and move.is_sale_document()

    def prepare(self, moves, report):
        missing = self.missing(moves.env)
        if missing:
            return dict.fromkeys(moves, LayoutError(missing))
        return self.jobs(moves, with_payments=report.report_name == WITH_PAYMENTS)

    def compile(self, prepared):
        return [
            result if isinstance(result, LayoutError) else result[0]
            for result in pool().compile_all(prepared)
        ]

    def explain(self, move, error):
        return explain(move.env, move, error)

    @staticmethod
    def _source(company):
        return company._bill_layout_source() or DEFAULT

    def jobs(self, moves, source=None, with_payments=True):
        """Return ``{move: job of the pool}``; all data are read here.

        :param str source: of a template to try, instead of the company's own
        :param bool with_payments: whether what was paid is said
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
                archive = company.billing_bill_archive
                jobs[move] = make_job(main, data, files, list(ARCHIVE if archive else PLAIN))
        return {move: jobs[move] for move in moves}
