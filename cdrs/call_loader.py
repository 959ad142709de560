"""Loads calls by the million: COPY into a temporary table, and one INSERT that rates them.

The process reads lines while PostgreSQL takes those before: what the database does is waited for in a
thread of the loader's own, and nothing else may use the cursor meanwhile (``wait``).
"""

import io
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from psycopg2.errors import UniqueViolation

from odoo.tools import SQL

from ..billing_tasks.crash_points import crash_point
from ..billing_tasks.garbage import collecting_later
from .calls import CALL_COLUMNS, Calls
from .copying import copy_text
from .loader import Loader
from .rating_choices import add_choices, prepare_choices
from .rating_sql import RATED_COLUMNS, rated_select
from .totals import Totals

#: so many parts may wait for the database; they bound the memory
AHEAD = 6
#: so many rows are put in by the first INSERT, so that the database has something to do early, and by
#: each of those after it, for each of them looks all numbers and rates up anew
FIRST_STAGED, STAGED = 40_000, 150_000
#: bytes that COPY takes at once
COPY_SIZE = 1 << 20
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
    "answered": "boolean",
    "seconds": "integer",
    "cost": "numeric",
    "start_id": "integer",
}
#: what is not sent where it follows from the rest
DERIVED = {
    "direction": "COALESCE(s.direction, 'out') AS direction",
    "withheld": "s.destination IS NULL AS withheld",
    "answered": "COALESCE(s.answered, s.seconds > 0) AS answered",
}


class CallLoader(Loader):
    """Loads the calls of one file, while the next ones are read."""

    def __init__(self, file):
        super().__init__(file)
        self.cr = file.env.cr
        self._staged = 0
        self._totals = Totals()
        self.cr.execute(SQL("SELECT EXISTS (SELECT FROM cdr_record WHERE file_id = %s)", file.id))
        self._goes_on = self.cr.fetchone()[0]
        self._prepared = file.env["cdr.rate.plan"]._prepare_rating(file.company_id)
        self._starts = prepare_choices(self.cr)
        self._new_starts = []
        self._enough = FIRST_STAGED
        self._create_stage()
        self._insert_all = self._insert(SQL(""))
        self._insert_new = self._insert(
            SQL("ON CONFLICT (carrier_id, call_time, record_key) DO NOTHING")
        )
        self._waiting = deque()
        self._thread = ThreadPoolExecutor(1, "cdr_import", _like, (threading.current_thread(),))

    def add(self, calls):
        """Take calls, as ``Calls`` or as a list of tuples in the order of ``CALL_COLUMNS``."""
        if not len(calls):
            return
        if not isinstance(calls, Calls):
            calls = Calls.of_rows(calls)
        self.calls += len(calls)
        with collecting_later():
            self._totals.add(calls)
            columns = self._sent(calls)
            content = copy_text(list(columns.values())).encode()
        starts = self._starts.take_new() if self._starts is not None else []
        if len(self._waiting) >= AHEAD:
            self._waiting.popleft().result()
        part = (list(columns), content, len(calls), starts)
        self._waiting.append(self._thread.submit(self._load, *part))

    def totals(self):
        """Return ``Totals`` of the calls, None where some of them, or others, were there before."""
        return None if self.had_already or self._goes_on else self._totals

    def _sent(self, calls):
        """Return the columns to send, without what follows from others."""
        columns = dict(zip(CALL_COLUMNS, calls.columns, strict=True))
        del columns["withheld"]
        if columns["direction"].count("out") == len(calls):
            del columns["direction"]
        if columns["answered"] == [seconds > 0 for seconds in columns["seconds"]]:
            del columns["answered"]
        if self._starts is not None:
            columns["start_id"] = list(map(self._starts.__getitem__, columns["destination"]))
        return columns

    def wait(self):
        """Come back once the cursor is free."""
        while self._waiting:
            self._waiting.popleft().result()

    def flush(self):
        """Put in what is left."""
        self.wait()
        if self._staged:
            self._put()
        file = self.file
        file.env["cdr.open.day"]._add(file.company_id, self._totals.all_days())

    def close(self):
        """End the thread, after what it is doing."""
        self._thread.shutdown(cancel_futures=True)
        self._waiting.clear()

    # === STAGING === #

    def _create_stage(self):
        types = SQL(", ").join(
            SQL("%s %s", SQL.identifier(name), SQL(kind)) for name, kind in STAGE_TYPES.items()
        )
        self.cr.execute(
            SQL("CREATE TEMPORARY TABLE IF NOT EXISTS %s (%s) ON COMMIT DROP", STAGE, types)
        )
        self.cr.execute(SQL("TRUNCATE %s", STAGE))

    def _load(self, names, content, count, starts):
        """Stage rows, and put them in once there are enough; empty texts come as NULL."""
        statement = SQL(
            "COPY %s (%s) FROM STDIN WITH (NULL '')",
            STAGE,
            SQL(", ").join(map(SQL.identifier, names)),
        )
        self._new_starts += starts
        self.cr.copy_expert(statement.code, io.BytesIO(content), COPY_SIZE)
        self._staged += count
        if self._staged >= self._enough:
            self._put()
            self._enough = STAGED

    # === RECORDS === #

    def _put(self):
        """Make records of what is staged.

        Most files bring nothing twice: then rows are put in without looking each one up first.
        """
        if self._new_starts:
            add_choices(self.cr, self._new_starts)
            self._new_starts = []
        crash_point("import.before_insert")
        try:
            with self.cr.savepoint(flush=False):
                self.cr.execute(self._insert_all, log_exceptions=False)
                taken = self.cr.rowcount
        except UniqueViolation:
            self.cr.execute(self._insert_new)
            taken = self.cr.rowcount
        self.had_already += self._staged - taken
        crash_point("import.chunk")
        self.cr.execute(SQL("TRUNCATE %s", STAGE))
        self._staged = 0

    def _insert(self, on_conflict):
        file = self.file
        carrier = file.carrier_id
        own = {
            "company_id": file.company_id.id,
            "carrier_id": carrier.id,
            "file_id": file.id,
            "cost_currency_id": carrier.currency_id.id,
        }
        source = SQL(
            "SELECT %s, %s FROM %s s",
            SQL(", ").join(
                SQL(DERIVED[name]) if name in DERIVED else SQL.identifier("s", name)
                for name in (*CALL_COLUMNS, "start_id")
            ),
            SQL(", ").join(
                SQL("%s::integer AS %s", value, SQL.identifier(name)) for name, value in own.items()
            ),
            STAGE,
        )
        rated = rated_select(source, self._prepared, chosen=self._starts is not None)
        names = [*CALL_COLUMNS, *own, *RATED_COLUMNS]
        # What is too old, or lies in the future, is not billed, whatever its price.
        window = self._window()
        values = {
            "state": SQL("CASE WHEN %s THEN 'error' ELSE r.state END", window),
            "error_code": SQL("CASE WHEN %s THEN 'out_of_window' ELSE r.error_code END", window),
            "error_key": SQL(
                "CASE WHEN %s THEN concat('carrier:', r.carrier_id) ELSE r.error_key END", window
            ),
        }
        return SQL(
            """
            INSERT INTO cdr_record (%s) SELECT %s FROM (%s) r
             -- The calls of a customer lie together, in the order of the file: they are charged together.
             ORDER BY r.partner_id, r.line_number
            %s
            """,
            SQL(", ").join(map(SQL.identifier, names)),
            SQL(", ").join(values.get(name) or SQL("r.%s", SQL.identifier(name)) for name in names),
            rated,
            on_conflict,
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
        if last := self.file._archived_until():
            late = SQL("(%s OR r.call_day <= %s)", late, last)
        return late


def _like(thread):
    """Let log lines of this thread name the database that those of another do."""
    for name in ("dbname", "uid", "url"):
        if hasattr(thread, name):
            setattr(threading.current_thread(), name, getattr(thread, name))
