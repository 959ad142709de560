"""How a document becomes its PDF: one small interface, and those who stand behind it.

Plain Python: an engine keeps nothing, it is handed documents. Which engines there are says
``res.company._bill_layout_engines``; another one is a class like those below and an entry there.
"""

from psycopg2 import OperationalError

from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

#: Odoo's own invoice reports, which a layout stands in for; other reports are left to Odoo
WITH_PAYMENTS = "account.report_invoice_with_payments"
INVOICE_REPORTS = ("account.report_invoice", WITH_PAYMENTS)


class Engine:
    """One way to lay out documents.

    Subclasses set the attributes and override :meth:`render`.
    """

    #: value of ``res.company.billing_bill_layout``
    code = ""
    #: what people read, translatable
    label = ""

    def missing(self, env):
        """Return what the server lacks for it, and what to do, in one sentence; None for nothing."""
        return None

    def serves(self, move, report):
        """Return whether a document is laid out by it when it is printed with a report."""
        return True

    def render(self, moves, report, embedded=None):
        """Lay out documents.

        One that fails takes no other with it.

        :param moves: documents of one company
        :param report: the ``ir.actions.report`` that they are printed with
        :param dict embedded: files by document, to be embedded into its PDF where it is one for
            archives: ``[{"name", "content", "mime", "relationship", "description"}]``; engines
            that cannot embed leave them to Odoo
        :return: ``{move: content of the PDF, or the exception that says why there is none}``
        """
        raise NotImplementedError


class OdooReport(Engine):
    """The company's own invoice report and document layout, as Odoo prints them."""

    code = "odoo"
    label = _lt("Odoo's report")

    def missing(self, env):
        if env["ir.actions.report"].get_wkhtmltopdf_state() in ("install", "broken"):
            return env._("Odoo's report needs wkhtmltopdf on the server: ask its administrator.")
        return None

    def render(self, moves, report, embedded=None):
        reports = moves.env["ir.actions.report"]
        found = {}
        for move in moves:
            # One at a time: wkhtmltopdf without patched Qt takes no second document.
            printer = reports.with_company(move.company_id)
            try:
                with moves.env.cr.savepoint():
                    content, kind = printer._pre_render_qweb_pdf(
                        report.report_name, res_ids=move.ids
                    )
                    found[move] = printer._get_splitted_report(report.report_name, content, kind)[
                        move.id
                    ]
            except OperationalError:
                raise  # concerns the whole transaction
            except Exception as error:
                found[move] = error
        return found
