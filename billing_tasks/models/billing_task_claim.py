import os
import socket
import uuid
from collections import namedtuple

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ..retry_policy import judge_interruption

# A worker that has just claimed a task is given this long to lock its row.
GRACE_SECONDS = 10
CANDIDATES = 20
# First half of the advisory locks that show, without touching rows, which tasks a worker holds.
HEARTBEAT = 0x4254534B
_REAP_BATCH = 50
HOST = socket.gethostname()

Claim = namedtuple("Claim", "task_id token type_code gates")


class BillingTask(models.Model):
    """How a worker gets a task for itself, and how tasks of dead workers come back.

    Order: priority, then due time, then age. So that low priorities do not starve, a worker lets
    every tenth of its claims go by due time and age alone (``by_age``).
    """

    _inherit = "billing.task"

    @api.model
    def _claim(self, by_age=False):
        """Claim one due task: write ``running`` and a fresh token. The caller commits at once.

        Tasks that may not start now (their type paused or at its parallel limit, their exclusive
        key held, a task with their identity key running) are passed over; they stop no other task.

        Run it in a fresh transaction that ``_read_committed`` has prepared.

        :return: a ``Claim``, or None when nothing can start now.
        """
        busy_keys, busy_types, passed = [], [], []
        while True:
            candidates = self._claim_candidates(by_age, busy_keys, busy_types, passed)
            for row in candidates:
                if row["exclusive_key"] in busy_keys or row["type_id"] in busy_types:
                    continue
                gates = self._gates(row)
                if gates["exclusive"] and not self._try_lock(gates["exclusive"]):
                    busy_keys.append(row["exclusive_key"])
                elif gates["slots"] and not any(map(self._try_lock, gates["slots"])):
                    busy_types.append(row["type_id"])
                elif token := self._claim_row(row["id"]):
                    return Claim(row["id"], token, row["code"], gates)
                else:
                    passed.append(row["id"])
            if len(candidates) < CANDIDATES:
                return None

    def _claim_candidates(self, by_age, busy_keys, busy_types, passed):
        """Return the next due tasks as dicts, best first, without locking them."""
        condition = SQL(
            """
            t.state IN ('pending', 'error') AND t.delay_date <= %s
            AND t.type_id IN (SELECT id FROM billing_task_type WHERE active)
            AND NOT EXISTS (
                SELECT 1 FROM billing_task r
                 WHERE r.state = 'running' AND r.identity_key = t.identity_key
            )""",
            fields.Datetime.now(),
        )
        if busy_keys:
            condition = SQL(
                "%s AND (t.exclusive_key IS NULL OR t.exclusive_key <> ALL(%s))",
                condition,
                busy_keys,
            )
        if busy_types:
            condition = SQL("%s AND t.type_id <> ALL(%s)", condition, busy_types)
        if passed:
            condition = SQL("%s AND t.id <> ALL(%s)", condition, passed)
        columns = SQL("t.id, t.type_id, t.priority, t.delay_date, t.exclusive_key")
        if by_age:
            chosen = SQL(
                "SELECT %s FROM billing_task t WHERE %s ORDER BY t.delay_date, t.id LIMIT %s",
                columns,
                condition,
                CANDIDATES,
            )
            order = SQL("c.delay_date, c.id")
        else:
            # Level by level, so that many delayed tasks of a high priority are never walked
            # through.
            chosen = SQL(
                """
                WITH RECURSIVE level AS (
                    (SELECT min(priority) AS priority FROM billing_task
                      WHERE state IN ('pending', 'error'))
                    UNION ALL
                    SELECT (SELECT min(n.priority) FROM billing_task n
                             WHERE n.state IN ('pending', 'error') AND n.priority > level.priority)
                      FROM level WHERE level.priority IS NOT NULL
                )
                SELECT t.* FROM level CROSS JOIN LATERAL (
                    SELECT %(columns)s FROM billing_task t
                     WHERE t.priority = level.priority AND %(condition)s
                     ORDER BY t.priority, t.delay_date, t.id LIMIT %(limit)s
                ) t
                 WHERE level.priority IS NOT NULL
                 LIMIT %(limit)s
                """,
                columns=columns,
                condition=condition,
                limit=CANDIDATES,
            )
            order = SQL("c.priority, c.delay_date, c.id")
        self.env.cr.execute(
            SQL(
                """
                SELECT c.*, y.code, y.max_parallel
                  FROM (%s) c JOIN billing_task_type y ON y.id = c.type_id
                 ORDER BY %s
                """,
                chosen,
                order,
            )
        )
        return self.env.cr.dictfetchall()

    def _claim_row(self, task_id):
        """Lock the row without waiting and mark it running; return its new token, None when it is
        gone."""
        token = uuid.uuid4().hex
        self.env.cr.execute(
            SQL(
                """
                WITH claimed AS (
                    UPDATE billing_task
                       SET state = 'running', attempt_token = %(token)s,
                           attempt_date = clock_timestamp() AT TIME ZONE 'UTC',
                           started_date = %(now)s,
                           attempt_count = COALESCE(attempt_count, 0) + 1,
                           ended_date = NULL, duration = NULL, write_date = %(now)s
                     WHERE id = (
                        SELECT id FROM billing_task
                         WHERE id = %(task_id)s AND state IN ('pending', 'error')
                           FOR NO KEY UPDATE SKIP LOCKED
                     )
                    RETURNING id
                )
                INSERT INTO billing_task_log (task_id, level, message, date, done, total)
                SELECT id, 'info', %(message)s, clock_timestamp() AT TIME ZONE 'UTC', 0, 0
                  FROM claimed
                """,
                token=token,
                now=fields.Datetime.now(),
                task_id=task_id,
                message=self.env._(
                    "Begun by process %(pid)s on %(host)s.", pid=os.getpid(), host=HOST
                ),
            ),
            log_exceptions=False,
        )
        return token if self.env.cr.rowcount else None

    # === GATES === #

    def _gates(self, row):
        """Return the names of the advisory locks that a task holds while it works.

        ``exclusive``: one name or None. ``slots``: the parallel slots of its type, any one of them
        will do.
        """
        return {
            "exclusive": row["exclusive_key"] and f"billing.task/exclusive/{row['exclusive_key']}",
            "slots": [
                f"billing.task/type/{row['type_id']}/{slot}" for slot in range(row["max_parallel"])
            ],
        }

    def _try_lock(self, name):
        """Try to hold an advisory lock until this transaction ends."""
        self.env.cr.execute(SQL("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", name))
        return self.env.cr.fetchone()[0]

    def _pass_gates(self, gates):
        """Hold a task's advisory locks in the work transaction; tell whether all were free."""
        if gates["exclusive"] and not self._try_lock(gates["exclusive"]):
            return False
        return not gates["slots"] or any(map(self._try_lock, gates["slots"]))

    @api.model
    def _show_life(self, task_id):
        """Let the reaper see that a worker is at work on a task, until ``_rest`` or the end of its
        connection: a rollback frees the task's row, this lock it does not."""
        self.env.cr.execute(SQL("SELECT pg_try_advisory_lock(%s, %s)", HEARTBEAT, task_id))

    @api.model
    def _rest(self):
        """End what ``_show_life`` began."""
        self.env.cr.execute(SQL("SELECT pg_advisory_unlock_all()"))

    @api.model
    def _alive(self):
        """Return the SQL of the ids of the tasks that workers are at work on."""
        return SQL(
            """
            SELECT objid::bigint FROM pg_locks
             WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            HEARTBEAT,
        )

    @api.model
    def _lost(self):
        """Return the SQL condition for tasks that are running, older than the grace, and that no living
        worker holds."""
        return SQL(
            """
            state = 'running'
            AND attempt_date < (SELECT clock_timestamp() AT TIME ZONE 'UTC')
                               - make_interval(secs => %s)
            AND id NOT IN (%s)
            """,
            GRACE_SECONDS,
            self._alive(),
        )

    def _lock_attempt(self, claim):
        """Lock the row of a claimed task for the work transaction, as its first statement.

        :return: the task; None where the attempt is no longer this worker's.
        :raise psycopg2.errors.LockNotAvailable: somebody else holds the row right now. A claim
            that just missed it does so for a moment, the reaper until the task is no longer ours.
        """
        self.env.cr.execute(
            SQL(
                """
                SELECT id FROM billing_task
                 WHERE id = %(task_id)s AND state = 'running' AND attempt_token = %(token)s
                   FOR NO KEY UPDATE NOWAIT
                """,
                task_id=claim.task_id,
                token=claim.token,
            ),
            log_exceptions=False,
        )
        return self.browse(claim.task_id) if self.env.cr.fetchone() else None

    # === REAPER === #

    @api.model
    def _reap(self):
        """Take back the tasks whose worker is gone: running, older than the grace, and not locked.

        A living worker holds the lock on its task's row, and while it begins again after a conflict
        it still shows its life; so however long it takes it is left alone.
        Run it in a fresh transaction that ``_read_committed`` has prepared; the caller commits.

        :return: the tasks taken back.
        """
        self.env.cr.execute(
            SQL(
                """
                SELECT id FROM billing_task
                 WHERE %s
                 ORDER BY attempt_date LIMIT %s
                   FOR NO KEY UPDATE SKIP LOCKED
                """,
                self._lost(),
                _REAP_BATCH,
            ),
            log_exceptions=False,
        )
        tasks = self.browse(row[0] for row in self.env.cr.fetchall())
        for task in tasks:
            verdict = judge_interruption(task._attempts())
            task._log(
                self.env._(
                    "The attempt begun at %s UTC was interrupted: the process that worked on it"
                    " ended (server stopped or killed, out of memory or time). What it had not"
                    " committed was undone.",
                    fields.Datetime.to_string(task.started_date),
                ),
                "warning",
            )
            task._conclude(verdict, self.env._("The attempt was interrupted."))
        return tasks

    @api.model
    def _read_committed(self):
        """Let each statement of this transaction, if it has not begun, see what others have
        committed.

        Under Odoo's default isolation, rows changed by other workers since the transaction's
        snapshot would be errors where they should be passed over.
        """
        connection = self.env.cr.connection
        if connection.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE:
            self.env.cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")

    @api.model
    def _due_exists(self):
        """Tell whether a task is waiting whose time has come and whose type is not paused."""
        self.env.cr.execute(
            """
            SELECT 1 FROM billing_task
             WHERE state IN ('pending', 'error') AND delay_date <= %s
               AND type_id IN (SELECT id FROM billing_task_type WHERE active)
             LIMIT 1
            """,
            [fields.Datetime.now()],
        )
        return bool(self.env.cr.fetchone())
