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
    #: whether its PDFs are finished: nothing is put into them afterwards
    finished = False

    def missing(self, env):
        """Return what the server lacks for it, and what to do, in one sentence; None for nothing."""
        return None

    def serves(self, move, report):
        """Return whether a document is laid out by it when it is printed with a report."""
        return True

    def prepare(self, moves, report):
        """Read all that documents need; nothing of the database is asked for afterwards.

        One that fails takes no other with it.

        :param moves: documents of one company
        :param report: the ``ir.actions.report`` that they are printed with
        :return: ``{move: plain data for compile, or the exception that says why there are none}``
        """
        raise NotImplementedError

    def compile(self, prepared: list) -> list:
        """Make the PDFs, without the database: nothing of a transaction is held meanwhile.

        :param prepared: data that ``prepare`` returned, of any companies
        :return: for each its PDF, or the exception that says why there is none
        """
        raise NotImplementedError

    def explain(self, move, error):
        """Return what came of a document in the words of the reader: the exception to show."""
        return error

    def render(self, moves, report):
        """Lay out documents here and now.

        :param moves: documents of one company
        :param report: the ``ir.actions.report`` that they are printed with
        :return: ``{move: content of the PDF, or the exception that says why there is none}``
        """
        found = self.prepare(moves, report)
        ready = [move for move, data in found.items() if not isinstance(data, Exception)]
        results = self.compile([found[move] for move in ready])
        for move, result in zip(ready, results, strict=True):
            failed = isinstance(result, Exception)
            found[move] = self.explain(move, result) if failed else result
        return found


class OdooReport(Engine):
    """The company's own invoice report and document layout, as Odoo prints them."""

    code = "odoo"
    label = _lt("Odoo's report")

    def missing(self, env):
        if env["ir.actions.report"].get_wkhtmltopdf_state() in ("install", "broken"):
            return env._("Odoo's report needs wkhtmltopdf on the server: ask its administrator.")
        return None

    def prepare(self, moves, report):
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

    def compile(self, prepared):
        return prepared
