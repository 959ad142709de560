"""How a document becomes its PDF: one small interface, and those who stand behind it.

Plain Python: an engine keeps nothing, it is handed documents. Which engines there are says
``res.company._bill_layout_engines``; another one is a class like those below and an entry there.
"""

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

    def answers_print(self, env):
        """Return whether Odoo's own Print button gives documents by it."""
        return True

    def serves(self, move, report):
        """Return whether a document is laid out by it when it is printed with a report."""
        return True

    def prepare(self, moves, report, made=None):
        """Read all that documents need; nothing of the database is asked for afterwards.

        One that fails takes no other with it.

        :param moves: documents of one company
        :param report: the ``ir.actions.report`` that they are printed with
        :param dict made: ``{move: XML}`` of those that have their structured invoice already; no
            other is made of them
        :return: ``{move: plain data for compile, or the exception that says why there are none}``
        """
        raise NotImplementedError

    def compile(self, prepared: list) -> list:
        """Make the PDFs, without the database: nothing of a transaction is held meanwhile.

        :param prepared: data that ``prepare`` returned, of any companies
        :return: for each its PDF, or the exception that says why there is none
        """
        raise NotImplementedError

    def structured(self, data):
        """Return the structured invoice that ``prepare`` has made of a document, for Odoo's send flow
        to attach the same one; None where it makes none.

        :param data: of the document, as ``prepare`` returned it
        """
        return None

    def explain(self, move, error):
        """Return what came of a document in the words of the reader: the exception to show."""
        return error

    def rescue(self, move, report, error):
        """Try another way for a document that came to nothing, within a transaction again.

        :param error: what ``compile`` returned for it
        :return: its PDF, or the exception to show
        """
        return self.explain(move, error)

    def render(self, moves, report, made=None):
        """Lay out documents here and now.

        :param moves: documents of one company
        :param report: the ``ir.actions.report`` that they are printed with
        :param dict made: as for ``prepare``
        :return: ``{move: content of the PDF, or the exception that says why there is none}``
        """
        found = self.prepare(moves, report, made)
        ready = [move for move, data in found.items() if not isinstance(data, Exception)]
        results = self.compile([found[move] for move in ready])
        for move, result in zip(ready, results, strict=True):
            failed = isinstance(result, Exception)
            found[move] = self.rescue(move, report, result) if failed else result
        return found
