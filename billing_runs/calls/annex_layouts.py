"""How the itemised calls of a bill become a PDF: by Typst where it is there, else by Odoo's report.

Both are asked as :class:`~..layouts.engine.Engine` is, for parts of a document's calls: a part takes
bounded time and memory, however many calls there are.
"""

from pathlib import Path

from ..layouts.labels import read_labels
from ..layouts.typst_engine import ARCHIVE, PLAIN, pool
from ..layouts.typst_pool import LayoutError, is_available, make_job
from ..layouts.values import DocumentValues

SOURCE = Path(__file__).with_name("annex.typ")
#: calls in one PDF: it takes 0.4 GB and two seconds
PART = 4_000
#: calls beyond which no PDF is made
MOST = 40_000
#: calls up to which each cell of the table has a tag, as readers for blind people need it: tags are
#: nine tenths of the file. Longer lists are for their CSV file then.
TAGGED = 2_000
UNTAGGED = ("a-3b",)


class CallsByTypst:
    """A table by Typst, in the look of the billing layout."""

    code = "calls_typst"

    def prepare(self, move, title, subtitle, groups, count):
        """Return the job of one part.

        :param move: the document, in its customer's language
        :param list groups: dicts with ``title``, ``sum`` and ``cells``, row by row
        :param int count: calls of all parts
        """
        data = DocumentValues(move).frame(move) | {
            "title": title,
            "subtitle": subtitle,
            "labels": {"page": read_labels(move.env)["page"]},
            "head": head(move),
            "groups": groups,
        }
        tagged = count <= TAGGED
        standards = (
            (ARCHIVE if move.company_id._keeps_for_archive(move) else PLAIN) if tagged else UNTAGGED
        )
        return make_job(SOURCE.read_text(), data, {}, list(standards), tags=tagged)

    def compile(self, jobs):
        """Return the PDFs of jobs, or for each the exception that says why there is none."""
        results = pool().compile_all(jobs)
        return [result if isinstance(result, LayoutError) else result[0] for result in results]


class CallsByReport:
    """A table by Odoo's report engine. It needs the database to print: what is prepared is printed."""

    code = "calls_report"

    def prepare(self, move, title, subtitle, groups, count):
        """Return the PDF of one part."""
        report = move.env.ref("billing_operations.action_report_invoice_calls").sudo()
        width = len(head(move))
        body = move.env["ir.qweb"]._render(
            report.report_name,
            {
                "title": title,
                "subtitle": subtitle,
                "head": head(move),
                "lang": move.env.lang,
                "groups": [
                    group
                    | {
                        "rows": [
                            group["cells"][at : at + width]
                            for at in range(0, len(group["cells"]), width)
                        ]
                    }
                    for group in groups
                ],
            },
        )
        return report._run_wkhtmltopdf([body], report_ref=report.report_name)

    def compile(self, contents):
        """Return what was prepared."""
        return contents


def layout() -> CallsByTypst | CallsByReport:
    """Return the way in which this server makes PDFs of calls."""
    return CallsByTypst() if is_available() else CallsByReport()


def head(move) -> list[str]:
    """Return the heads of the columns, in the order of ``ItemisedCalls.cells``."""
    env = move.env
    return [
        env._("Time"),
        env._("From"),
        env._("To"),
        env._("Destination"),
        env._("Duration"),
        move.currency_id.name,
    ]
