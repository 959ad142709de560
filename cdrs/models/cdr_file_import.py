import csv
import hashlib
import io
from contextlib import closing

from odoo import fields, models
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ...billing_tasks.exceptions import SkipTask
from ..archives import ArchiveProblem, Content, entries
from ..call_loader import CallLoader
from ..fees import FeeFileReader
from ..layout import LayoutProblem
from ..line_texts import problem_text
from ..loader import Loader
from ..reading import open_reader
from .archive_loader import ArchiveLoader

#: a file of which so many lines hold no call is of another format
HOPELESS = 2_000
LINE_COLUMNS = ("file_id", "carrier_id", "company_id", "line_number", "code", "reason", "text")


class CdrFile(models.Model):
    """How a file's lines become records: read as a stream, loaded by COPY in chunks, and put in by one
    INSERT a chunk that leaves out what is there already.

    All of it is one transaction: an attempt that dies leaves nothing, and the next one begins anew.
    """

    _inherit = "cdr.file"

    def _import(self):
        """Process this file; the handler of ``cdr_import``.

        A file that cannot be read is in error, with the reason, and the task is done: trying again would
        not help. What could be read of a damaged one is kept.

        :return: the counts, as the task's result
        """
        self.ensure_one()
        if self.state != "processing":
            raise SkipTask(self.env._("The file is not to be processed any more."))
        totals = None
        try:
            with closing(self._open()) as stream:
                problem, totals = self._import_stream(stream)
        except (ArchiveProblem, LayoutProblem) as error:
            problem = error
        if self.state == "processing":
            self._end(problem, totals)
        return {
            "state": self.state,
            "lines": self.line_count,
            "records": self.record_count,
            "errors": self.error_count,
            "had_already": self.duplicate_count,
        }

    def _open(self):
        """Return the stored content as a stream, without reading it into memory where it is a file."""
        attachment = self.attachment_id.sudo()
        if attachment.store_fname:
            return open(attachment._full_path(attachment.store_fname), "rb")
        return io.BytesIO(attachment.raw or b"")

    def _import_stream(self, stream):
        """Import the content; return what broke it off, if anything did, and the ``Totals`` of all its
        records, if they are known."""
        limits = self._limits()
        if not self.entry:
            names = entries(stream, self.name, limits)
            if names != [None]:
                self._spread(names)
        total, sha256 = self._fingerprint(stream, limits)
        if sha256 != self.sha256:
            twin = (
                sha256 and not self.is_released and self._twin_of(self.carrier_id, sha256, but=self)
            )
            if twin:
                self._set_state("duplicate", {"sha256": sha256, "duplicate_of_id": twin.id})
                return None, None
            self._own().write({"sha256": sha256})
        layout = self._get_layout()
        self._clear_lines()
        content = Content(stream, self.name, limits, self.entry)
        reader = self._reader(layout, content)
        broken = None
        with closing(self._loader()) as loader:
            try:
                for calls, problems in reader.batches():
                    loader.add(calls)
                    if problems:
                        loader.wait()
                        self._keep_problems(problems)
                    if not loader.calls and reader.lines >= HOPELESS:
                        raise self._hopeless(reader.lines)
                    self.env["billing.task"]._note_progress(
                        content.read_bytes * 100 // max(total, 1), 100
                    )
            except ArchiveProblem as error:
                broken = error
            loader.flush()
        self._own().write({"line_count": reader.lines, "duplicate_count": loader.had_already})
        if not reader.lines:
            raise LayoutProblem("empty")
        if not loader.calls and self.line_ids:
            raise self._hopeless(reader.lines)
        return broken, loader.totals()

    def _spread(self, names):
        """Make this the first of the files in a zip archive, and one more of each other."""
        first, *more = names
        archive = self.name
        self._own().write({"entry": first, "name": f"{archive}/{first}"})
        others = self.browse()
        for name in more:
            others += (
                self._own()
                .with_context(mail_create_nolog=True)
                .create(
                    {
                        "name": f"{archive}/{name}",
                        "entry": name,
                        **{
                            field: self[field]
                            for field in (
                                "kind",
                                "period",
                                "received_by",
                                "received_date",
                                "sender",
                            )
                        },
                        "carrier_id": self.carrier_id.id,
                        "attachment_id": self.attachment_id.id,
                        "is_released": self.is_released,
                    }
                )
            )
        others._start()

    def _fingerprint(self, stream, limits):
        """Return ``(size of the content, its SHA-256)``; no fingerprint of what breaks off.

        What is packed is measured before anything of it is stored.
        """
        content = Content(stream, self.name, limits, self.entry)
        if content.kind == "plain" and self.sha256:
            return content.packed, self.sha256
        digest = hashlib.sha256()
        try:
            while data := content.take():
                digest.update(data)
        except ArchiveProblem as error:
            if error.code != "broken_off":
                raise
            return content.read_bytes, False
        finally:
            stream.seek(0)
        return content.read_bytes, digest.hexdigest()

    def _get_layout(self):
        carrier = self.carrier_id
        form = self._get_format()
        if not form:
            raise LayoutProblem("no_format", carrier=carrier.name)
        return form._layout(self.company_id, carrier.country_id)

    def _get_format(self):
        """Return the carrier's format for files of this kind."""
        if self.archive_id:
            return self._archive_format()
        carrier = self.carrier_id
        return carrier.fixed_fee_format_id if self.kind == "fixed_fee" else carrier.format_id

    # === PROBLEMS === #

    def _clear_lines(self):
        self.env.cr.execute(SQL("DELETE FROM cdr_file_line WHERE file_id = %s", self.id))
        self.invalidate_recordset(["line_ids"])

    def _keep_problems(self, problems):
        """Keep lines that could not be read, with what is wrong with them."""
        if not problems:
            return
        head = self.id, self.carrier_id.id, self.company_id.id
        rows = [
            (*head, p.line, p.code, problem_text(self.env, p.code, p.values), p.text)
            for p in problems
        ]
        self._copy(SQL.identifier("cdr_file_line"), LINE_COLUMNS, rows)
        self.invalidate_recordset(["line_ids"])

    def _hopeless(self, lines):
        first = self.env["cdr.file.line"].search(
            [("file_id", "=", self.id)], order="line_number, id", limit=1
        )
        return LayoutProblem(
            "no_call",
            lines=lines,
            format=self._get_format().name,
            line=first.line_number,
            reason=first.reason or self.env._("no line begins as calls do"),
        )

    # === ROWS === #

    def _loader(self):
        """Return what takes the rows of this file; each kind of file has its own."""
        if self._holds_archive():
            return ArchiveLoader(self)
        return FeeLoader(self) if self.kind == "fixed_fee" else CallLoader(self)

    def _reader(self, layout, content):
        """Return what reads the rows of this file."""
        if self._holds_archive():
            return self._archive_reader(content)
        if self.kind != "fixed_fee":
            return open_reader(layout, content)
        day = self.period or self.company_id._billing_date(self.received_date)
        return FeeFileReader(layout, content, day.replace(day=1))

    def _copy(self, table, columns, rows):
        """COPY rows into a table; empty texts come as NULL."""
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        buffer.seek(0)
        statement = SQL(
            "COPY %s (%s) FROM STDIN WITH (FORMAT csv)",
            table,
            SQL(", ").join(map(SQL.identifier, columns)),
        )
        self.env.cr.copy_expert(statement.code, buffer)

    # === THE END === #

    def _end(self, problem, totals=None):
        """Write what came of it.

        :param totals: ``Totals`` of all records that the file has; counted anew without
        """
        self.flush_recordset()
        records, seconds, cost, first, last, late, month = self._totals(totals)
        errors = self.env["cdr.file.line"].search_count([("file_id", "=", self.id)])
        values = {
            "record_count": records,
            "error_count": errors,
            "late_count": late,
            "total_seconds": float(seconds),
            "total_cost": float(cost),
            "first_date": first,
            "last_date": last,
            "period": self.period or month,
            "processed_date": fields.Datetime.now(),
            "message": self._end_text(problem, records),
        }
        self._set_state("error" if problem else "processed", values)
        if not problem:
            self.archive_id._set_restored()
        self.env["billing.error"]._collect_later(self.company_id)

    def _totals(self, known=None):
        """Return what the file's records come to: how many, seconds, cost, first and last day, how many
        are out of the window, and the first day of the month that has most of them."""
        if known is not None:
            self.env.cr.execute(
                SQL(
                    """
                    SELECT count(*) FROM cdr_record
                     WHERE company_id = %s AND state = 'error' AND error_code = 'out_of_window'
                       AND file_id = %s
                    """,
                    self.company_id.id,
                    self.id,
                )
            )
            late = self.env.cr.fetchone()[0]
            first, last, month = known.days()
            return known.calls, known.seconds, known.cost, first, last, late, month
        if self.kind == "fixed_fee":
            self.env["cdr.fixed.fee"].flush_model()
            totals = """
                SELECT count(*), 0, coalesce(sum(cost), 0), min(period_start), max(period_start), 0,
                       mode() WITHIN GROUP (ORDER BY date_trunc('month', period_start)::date)
                  FROM cdr_fixed_fee WHERE file_id = %s
                """
        else:
            totals = """
                SELECT count(*), coalesce(sum(seconds), 0), coalesce(sum(cost), 0), min(call_day),
                       max(call_day), count(*) FILTER (WHERE error_code = 'out_of_window'),
                       mode() WITHIN GROUP (ORDER BY date_trunc('month', call_day)::date)
                  FROM cdr_record WHERE file_id = %s
                """
        self.env.cr.execute(SQL(totals, self.id))
        return self.env.cr.fetchone()

    def _end_text(self, problem, records):
        if not problem:
            return False
        text = problem_text(self.env, problem.code, problem.values)
        if records:
            kept = self.env._(
                "Line %(line)s was the last that could be read. The %(count)s records before are kept;"
                " when the whole file comes, they are not taken twice.",
                line=self.line_count,
                count=records,
            )
            text = f"{text}\n{kept}"
        return text

    def _fail(self, reason):
        """Say on the file that its task failed for good."""
        self.filtered(lambda file: file.state == "processing")._set_state(
            "error", {"message": reason}
        )


class FeeLoader(Loader):
    """Loads the fixed fees of one file, which are then matched to services as a whole."""

    def __init__(self, file):
        super().__init__(file)
        fees = file.env["cdr.fixed.fee"].search_fetch([("file_id", "=", file.id)], ["line_number"])
        self._known = set(fees.mapped("line_number"))
        self._rows = []

    def add(self, fees):
        """Take fees, as ``fees.Fee``."""
        self.calls += len(fees)
        new = [fee._asdict() for fee in fees if fee.line_number not in self._known]
        self.had_already += len(fees) - len(new)
        self._rows += new

    def flush(self):
        """Store what was taken, and match it as a whole."""
        if self._rows:
            crash_point("import.before_insert")
            self.file.env["cdr.fixed.fee"]._load(self.file, self._rows)
            self._rows = []
