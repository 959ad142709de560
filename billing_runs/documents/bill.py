import logging

from psycopg2 import OperationalError

from odoo import models

from ...billing_tasks.crash_points import crash_point
from ..layouts import structured
from .account_move_send import by_formatting
from .ir_actions_report import without_delay
from .laid_out import Reading

_logger = logging.getLogger(__name__)

#: documents that are laid out together, and committed together by the task: the progress moves
#: when they are done
AT_ONCE = 40
#: calls that an annex lists with the work of one document
CALLS_A_DOCUMENT = 500


class BillingBill(models.Model):
    """Formatting: every posted document gets its PDF (posted → done).

    Round by round: what some bills' documents need is read, their PDFs are made without the
    database, and both are tied together. The tasks ``run_format``, and ``run_format_notes`` for the
    credit notes of bills that were taken back and stay so, commit between these steps.
    """

    _inherit = "billing.bill"

    def _format(self):
        """Make the PDFs of posted bills here and now, each as its company's bill layout says."""
        todo = self
        while todo:
            bills = todo._next_to_format()
            todo -= bills
            reading = bills._read_documents()
            bills._tie_documents(reading, reading.compile())

    def _documents_to_format(self):
        """Return the documents that have to have PDFs: all, but of a bill that was taken back only
        the credit notes of documents that its customer may have."""
        back = self.filtered(lambda bill: bill.state == "undone")
        notes = back.move_ids.filtered(
            lambda move: move.state == "posted" and move.reversed_entry_id._may_be_known()
        )
        return (self - back).move_ids | notes

    def _next_to_format(self):
        """Return the next of the bills whose documents are laid out together."""
        count = 0
        calls = self[: AT_ONCE + 1]._documents_to_format()._call_annex_sizes()
        for place, bill in enumerate(self):
            documents = bill._documents_to_format()
            count += len(documents)
            count += sum(calls.get(move.id, 0) for move in documents) // CALLS_A_DOCUMENT
            if place and count > AT_ONCE:
                return self[:place]
        return self

    def _read_documents(self):
        """Read all that the PDFs of the bills' documents need.

        Documents of which a service outside is told first are left to the send flow: its answer
        may stand on them.

        :return: a :class:`~.laid_out.Reading`
        """
        crash_point("formatting.before_pdf")
        sender = self.env["account.move.send"]
        documents = self._documents_to_format()
        todo = documents.filtered(
            lambda move: not move.invoice_pdf_report_id and not sender._get_default_extra_edis(move)
        )
        groups = {}
        for move in todo:
            report = sender._get_default_pdf_report_id(move)
            engine = move.company_id._bill_layout_of(move, report)
            groups.setdefault((engine.code, move.company_id, report), (engine, []))[1].append(move)
        # Asked for one line, Odoo works out the sections of all lines of its document, and balances the
        # document anew for those that nobody asked for. Asked for all at once, it does not.
        todo.line_ids.mapped("parent_id")
        reading = Reading(self.ids)
        for (_code, company, report), (engine, moves) in groups.items():
            moves = without_delay(self.env["account.move"].union(*moves)).with_company(company)
            for move, data in self._read_by(engine, moves, report).items():
                reading.add(move, engine, data)
            if not engine.finished:
                for move, xml in self._read_structured(moves).items():
                    reading.enclose(move, xml)
        calls = documents._call_annex_sizes()
        for move in documents.filtered(lambda move: move.id in calls):
            reading.add_annexes(move, self._read_annexes(move))
        # What reading wrote, a link for the customer say, makes no document another one.
        self.env.flush_all()
        todo.invalidate_recordset(["write_date"])
        reading.note_dates(todo)
        return reading

    def _read_by(self, engine, moves, report):
        """Return what an engine reads of documents; what fails fails for one of them alone."""
        try:
            with self.env.cr.savepoint():
                return engine.prepare(moves, report)
        except OperationalError:
            raise  # concerns the whole transaction
        except Exception as error:
            if len(moves) == 1:
                return {moves: error}
        found = {}
        for move in moves:
            found |= self._read_by(engine, move, report)
        return found

    def _read_structured(self, moves):
        """Return ``{document: the structured invoice that is put into its PDF}``, of those that get one
        when they are sent."""
        sender = self.env["account.move.send"]
        chosen = moves.filtered(
            lambda move: sender._encloses(
                {"invoice_edi_format": sender._get_default_invoice_edi_format(move)}
            )
        )
        if not chosen:
            return {}
        known = structured.Known()
        try:
            with self.env.cr.savepoint():
                return {move: structured.make(move, known).xml for move in chosen}
        except OperationalError:
            raise  # concerns the whole transaction
        except Exception as error:
            # One of them fails again when it is sent, and alone.
            _logger.info("Structured invoices are made one by one: %s", error)
            return {}

    def _read_annexes(self, move):
        """Return what the annexes of a document need, or the exception that says why not."""
        try:
            with self.env.cr.savepoint():
                return move._read_call_annexes()
        except OperationalError:
            raise  # concerns the whole transaction
        except Exception as error:
            return error

    def _tie_documents(self, reading, contents):
        """Give the bills' documents the PDFs that were made of what had been read of them.

        :param dict contents: by id of a document, its PDF or the exception that says why not
        """
        documents = self._documents_to_format()
        ready = {
            move.id: reading.laid_out(move, contents)
            for move in documents
            if move.id in contents and reading.is_current(move)
        }
        annexes = {
            move.id: reading.annexes(move, contents)
            for move in documents
            if reading.is_current(move)
        }
        self._isolate(lambda bills: bills._format_batch(ready, annexes), "formatting_failed")

    def _format_batch(self, ready=None, annexes=None):
        """Give all documents their PDFs, and record for each that failed why it did.

        :param dict ready: PDFs that are made already, as :class:`~.laid_out.LaidOut` by the
            document's id; the others are made now
        :param dict annexes: those that are made already, by the document's id
        """
        documents = self._documents_to_format()
        todo = documents.filtered(lambda move: not move.invoice_pdf_report_id)
        failed = {}
        for company, moves in todo.grouped("company_id").items():
            sender = without_delay(self.env["account.move.send"]).with_company(company)
            sender, errors = by_formatting(sender, ready or {})
            # No amount changes here: entries need not be balanced anew at every write.
            moves = moves.with_context(skip_invoice_sync=True, check_move_validity=False)
            sender._generate_and_send_invoices(moves, sending_methods=[], allow_raising=True)
            failed |= errors
        for move in documents - self.env["account.move"].union(*failed):
            if error := move._tie_call_annexes((annexes or {}).get(move.id)):
                failed[move] = error
            else:
                move.billing_bill_id._get_annexes(move)
        wrong = self.browse()
        for move, error in failed.items():
            if move.billing_bill_id not in wrong:
                wrong |= move.billing_bill_id
                move.billing_bill_id._record_error(error, "formatting_failed")
        back = self.filtered(lambda bill: bill.state == "undone")
        (self - wrong - back)._set_state("done")
