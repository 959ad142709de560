"""Where the log lines of a running attempt go.

While an attempt runs nobody updates its task's row. Lines are INSERTs: by a worker through a short
second cursor, so that they are seen at once and outlive a rollback; by the inline runner, whose
transaction a second cursor could not see, after the handler's savepoint has ended.
"""

import logging
import time

from .redaction import redact, storable_text

_logger = logging.getLogger(__name__)

MAX_MESSAGE = 8000
PROGRESS_INTERVAL = 1.0


def log_values(task_id: int, message, level: str, done: int = 0, total: int = 0) -> dict:
    """Return the column values of one log line, redacted and cut to size."""
    text = redact(storable_text(str(message)))
    if len(text) > MAX_MESSAGE:
        half = MAX_MESSAGE // 2
        text = f"{text[:half]}\n…\n{text[-half:]}"
    return {"task_id": task_id, "message": text, "level": level, "done": done, "total": total}


class Journal:
    """Collects the lines of one attempt; subclasses say where they go."""

    def __init__(self):
        self._next_progress = 0.0

    def add(self, values):
        """Keep one line: a dict as ``log_values`` returns it."""
        raise NotImplementedError

    def progress(self, task_id, done, total):
        """Note how far the attempt is, at most once a second and always at the end."""
        now = time.monotonic()
        if now < self._next_progress and done < total:
            return
        self._next_progress = now + PROGRESS_INTERVAL
        self.add(log_values(task_id, f"{done} / {total}", "progress", done, total))


class WorkerJournal(Journal):
    """Writes every line at once, through a cursor of its own."""

    def __init__(self, registry):
        super().__init__()
        self.registry = registry

    def add(self, values):
        with self.registry.cursor() as cr:
            insert_line(cr, values)


class InlineJournal(Journal):
    """Keeps the lines until ``flush`` is called with the cursor of the task."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def add(self, values):
        self.lines.append(values)

    def flush(self, cr):
        for values in self.lines:
            insert_line(cr, values)
        self.lines = []


def insert_line(cr, values: dict) -> None:
    """INSERT one line. Time is the wall clock's: a transaction's own time would give one for
    all."""
    cr.execute(
        """
        INSERT INTO billing_task_log (task_id, level, message, done, total, date)
             VALUES (%(task_id)s, %(level)s, %(message)s, %(done)s, %(total)s,
                     clock_timestamp() AT TIME ZONE 'UTC')
        """,
        values,
    )
