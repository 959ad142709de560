import csv
import hashlib
import io
from contextlib import closing
from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ...billing_tasks.exceptions import SkipTask
from ..archives import ArchiveProblem, Content, entries
from ..calls import CALL_COLUMNS
from ..layout import LayoutProblem
from ..line_texts import problem_text
from ..reading import open_reader

CHUNK = 50_000
#: a file of which so many lines hold no call is of another format
HOPELESS = 2_000
#: calls that lie further in the future have a wrong date
FUTURE_DAYS = 2
STAGE = SQL.identifier("cdr_import_stage")
STAGE_TYPES = {
    "line_number": "integer",
    "record_key": "varchar",
    "call_time": "timestamp",
    "call_day": "date",
    "direction": "varchar",
    "caller": "varchar",
    "callee": "varchar",
    "identifier": "varchar",
    "destination": "varchar",
    "withheld": "boolean",
    "answered": "boolean",
    "seconds": "integer",
    "cost": "numeric",
}
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
        try:
            with closing(self._open()) as stream:
                problem = self._import_stream(stream)
        except (ArchiveProblem, LayoutProblem) as error:
            problem = error
        if self.state == "processing":
            self._end(problem)
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
        """Import the content; return what broke it off, if anything did."""
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
                return None
            self._own().write({"sha256": sha256})
        layout = self._get_layout()
        self._clear_lines()
        content = Content(stream, self.name, limits, self.entry)
        reader = open_reader(layout, content)
        loader = self._loader()
        try:
            for calls, problems in reader.batches():
                loader.add(calls)
                self._keep_problems(problems)
                if not loader.calls and reader.lines >= HOPELESS:
                    raise self._hopeless(reader.lines)
                self.env["billing.task"]._note_progress(
                    content.read_bytes * 100 // max(total, 1), 100
                )
            broken = None
        except ArchiveProblem as error:
            broken = error
        loader.flush()
        self._own().write({"line_count": reader.lines, "duplicate_count": loader.had_already})
        if not reader.lines:
            raise LayoutProblem("empty")
        if not loader.calls and self.line_ids:
            raise self._hopeless(reader.lines)
        return broken

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
        form = carrier.fixed_fee_format_id if self.kind == "fixed_fee" else carrier.format_id
        if not form:
            raise LayoutProblem("no_format", carrier=carrier.name)
        return form._layout(self.company_id, carrier.country_id)

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
            format=self.carrier_id.format_id.name,
            line=first.line_number,
            reason=first.reason or self.env._("no line begins as calls do"),
        )

    # === ROWS === #

    def _loader(self):
        """Return what takes the rows of this file; a kind of file of its own has its own."""
        return CallLoader(self)

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

    def _rated(self, source):
        """Return ``(select, columns)``: the source's calls with a price, and what is added to them.

        :param source: a SELECT of ``rating_sql.SOURCE_COLUMNS`` and what a record has besides
        """
        select = SQL(
            "SELECT s.*, 'unrated' AS state, NULL::varchar AS error_code FROM (%s) s", source
        )
        return select, ("state", "error_code")

    # === THE END === #

    def _end(self, problem):
        """Write what came of it."""
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                """
                SELECT count(*), coalesce(sum(seconds), 0), coalesce(sum(cost), 0), min(call_day),
                       max(call_day), count(*) FILTER (WHERE error_code = 'out_of_window'),
                       mode() WITHIN GROUP (ORDER BY date_trunc('month', call_day)::date)
                  FROM cdr_record WHERE file_id = %s
                """,
                self.id,
            )
        )
        records, seconds, cost, first, last, late, month = self.env.cr.fetchone()
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


class CallLoader:
    """Loads the calls of one file, chunk by chunk.

    :ivar calls: how many calls were taken.
    :ivar had_already: how many of them were there before.
    """

    def __init__(self, file):
        self.file = file
        self.cr = file.env.cr
        self.rows = []
        self.calls = 0
        self.had_already = 0
        self._staged = False

    def add(self, calls):
        """Take calls, as tuples in the order of ``CALL_COLUMNS``."""
        self.calls += len(calls)
        self.rows += calls
        while len(self.rows) >= CHUNK:
            self._load(self.rows[:CHUNK])
            del self.rows[:CHUNK]

    def flush(self):
        """Put in what is left."""
        if self.rows:
            self._load(self.rows)
            self.rows = []

    def _load(self, rows):
        if not self._staged:
            types = SQL(", ").join(
                SQL("%s %s", SQL.identifier(name), SQL(kind)) for name, kind in STAGE_TYPES.items()
            )
            self.cr.execute(
                SQL("CREATE TEMPORARY TABLE IF NOT EXISTS %s (%s) ON COMMIT DROP", STAGE, types)
            )
        self.cr.execute(SQL("TRUNCATE %s", STAGE))
        self.file._copy(STAGE, CALL_COLUMNS, rows)
        if not self._staged:
            self.cr.execute(SQL("ANALYZE %s", STAGE))
            self._staged = True
        crash_point("import.before_insert")
        self.cr.execute(self._insert())
        self.had_already += len(rows) - self.cr.rowcount
        crash_point("import.chunk")

    def _insert(self):
        file = self.file
        carrier = file.carrier_id
        own = {
            "company_id": file.company_id.id,
            "carrier_id": carrier.id,
            "file_id": file.id,
            "cost_currency_id": carrier.currency_id.id,
        }
        source = SQL(
            "SELECT c.*, %s FROM %s c",
            SQL(", ").join(
                SQL("%s::integer AS %s", value, SQL.identifier(name)) for name, value in own.items()
            ),
            STAGE,
        )
        rated, added = file._rated(source)
        names = [*CALL_COLUMNS, *own, *added]
        # What is too old, or lies in the future, is not billed, whatever its price.
        window = self._window()
        values = {
            "state": SQL("CASE WHEN %s THEN 'error' ELSE r.state END", window),
            "error_code": SQL("CASE WHEN %s THEN 'out_of_window' ELSE r.error_code END", window),
        }
        return SQL(
            """
            INSERT INTO cdr_record (%s) SELECT %s FROM (%s) r
            ON CONFLICT (carrier_id, call_time, record_key) DO NOTHING
            """,
            SQL(", ").join(map(SQL.identifier, names)),
            SQL(", ").join(values.get(name) or SQL("r.%s", SQL.identifier(name)) for name in names),
            rated,
        )

    def _window(self):
        """Return the condition of calls that are not billed for their date."""
        company, received = self.file.company_id, self.file.received_date
        today = company._billing_date(received)
        late = SQL("r.call_day > %s", today + timedelta(days=FUTURE_DAYS))
        carrier = self.file.carrier_id
        if carrier.late_rule == "refuse":
            oldest = today - timedelta(days=carrier.late_days)
            late = SQL("(%s OR r.call_day < %s)", late, oldest)
        return late
