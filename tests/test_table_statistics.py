"""Tables that a worker fills are made known to PostgreSQL, so that its plans fit them."""

import logging
import time
from unittest.mock import patch

from psycopg2 import OperationalError

from odoo.tests import tagged

from ..billing_tasks import table_statistics
from ..billing_tasks import worker as worker_module
from ..billing_tasks.table_statistics import outgrown, refresh, refresh_after_commit
from ..billing_tasks.worker import TaskWorker
from .task_common import BillingTasksCase


@tagged("post_install", "-at_install")
class TestTableStatistics(BillingTasksCase):
    def setUp(self):
        super().setUp()
        self.env.cr.execute(
            """
            CREATE TABLE tried_document (id integer PRIMARY KEY, note text);
            CREATE TABLE tried_line (document_id integer REFERENCES tried_document);
            """
        )

    def fill(self, first, last):
        self.env.cr.execute(
            "INSERT INTO tried_document SELECT n, repeat('x', 200) FROM generate_series(%s, %s) n",
            [first, last],
        )

    def add_lines(self, first, last):
        self.env.cr.execute(
            "INSERT INTO tried_line SELECT n FROM generate_series(%s, %s) n", [first, last]
        )

    def known(self):
        self.env.cr.execute("SELECT reltuples FROM pg_class WHERE relname = 'tried_document'")
        return self.env.cr.fetchone()[0]

    def read_in_vain(self):
        """Return how many documents were read by reading the whole table."""
        self.env.cr.execute(
            "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'tried_document'"
        )
        return self.env.cr.fetchone()[0]

    def test_a_table_is_known_anew_each_time_it_has_doubled(self):
        self.assertNotIn("tried_document", outgrown(self.env.cr))
        self.fill(1, 1000)
        self.assertEqual(list(outgrown(self.env.cr)), ["tried_document"])
        refresh(self.env.cr, ["tried_document"])
        self.assertEqual(self.known(), 1000)
        self.assertFalse(outgrown(self.env.cr))
        self.fill(1001, 1500)
        self.assertFalse(outgrown(self.env.cr))
        self.fill(1501, 2600)
        self.assertEqual(list(outgrown(self.env.cr)), ["tried_document"])

    def test_columns_in_indexes_are_known_and_the_others_are_left_to_autovacuum(self):
        self.fill(1, 1000)
        self.add_lines(1, 200)
        refresh(self.env.cr, ["tried_document", "tried_line"])
        self.env.cr.execute(
            "SELECT tablename, array_agg(attname) FROM pg_stats WHERE tablename LIKE 'tried_%'"
            " GROUP BY tablename"
        )
        self.assertEqual(
            dict(self.env.cr.fetchall()),
            {"tried_document": ["id"], "tried_line": ["document_id"]},
        )

    def test_few_rows_are_no_reason_to_look(self):
        self.env.cr.execute(
            "INSERT INTO tried_document SELECT n, (SELECT string_agg(md5(n || ' ' || m), '')"
            " FROM generate_series(1, 60) m) FROM generate_series(1, 49) n"
        )
        self.assertFalse(outgrown(self.env.cr))
        refresh(self.env.cr, [])

    def test_references_are_looked_up_by_the_index_once_the_table_has_grown(self):
        self.fill(1, 20)
        refresh(self.env.cr, ["tried_document"])
        self.add_lines(1, 20)
        self.fill(21, 2000)
        self.add_lines(21, 40)
        before = self.read_in_vain()
        self.assertGreater(before, 20 * 20, "the plan of the empty table is still used")
        refresh(self.env.cr, outgrown(self.env.cr))
        self.add_lines(1001, 2000)
        self.assertEqual(self.read_in_vain(), before)

    def test_a_worker_tells_of_what_its_task_filled(self):
        self.handlers["test_work"] = lambda task: self.fill(1, 1000)
        task = self.tasks.enqueue("test_work")
        self.env.flush_all()
        with self.enter_registry_test_mode(), patch.object(worker_module.time, "sleep"):
            TaskWorker(self.env.registry, time.monotonic() + 60).run()
        self.env.invalidate_all()
        self.assertEqual(task.state, "completed")
        self.assertEqual(self.known(), 1000)

    def test_what_may_wait_is_told_when_nothing_is_to_be_done_and_the_rest_at_once(self):
        told, known = [], []
        plain = worker_module.refresh_after_commit

        def refresh_after_commit(cr, tables):
            told.append(list(tables))
            plain(cr, tables)

        def handler(task):
            known.append(self.known())
            first, last = task.parameters["rows"]
            self.fill(first, last)

        self.handlers["test_work"] = handler
        # Two dozen pages, six times what an empty table counts as; hardly more; and hundreds.
        for rows in ((1, 800), (801, 860), (861, 30000)):
            self.tasks.enqueue("test_work", parameters={"rows": rows})
        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(worker_module.time, "sleep"),
            patch.object(worker_module, "refresh_after_commit", refresh_after_commit),
        ):
            TaskWorker(self.env.registry, time.monotonic() + 60).run()
        self.assertEqual(told, [[], [], ["tried_document"]])
        self.assertEqual(known[0], known[1], "a task that follows does not wait for statistics")
        self.assertEqual(self.known(), 30000)

    def test_tasks_run_here_and_now_tell_as_well(self):
        self.handlers["test_work"] = lambda task: self.fill(1, 1000)
        self.tasks.enqueue("test_work")
        self.tasks._run_inline()
        self.assertEqual(self.known(), 1000)

    def test_statistics_that_cannot_be_taken_leave_the_work_done(self):
        cursor = _Refusing()
        with self.assertLogs(table_statistics.__name__, logging.INFO) as logs:
            refresh_after_commit(cursor, ["tried_document"])
        self.assertEqual(cursor.calls, ["execute", "rollback"])
        self.assertIn("tried_document", logs.output[0])
        refresh_after_commit(cursor, [])
        self.assertEqual(len(cursor.calls), 2)


class _Refusing:
    """A cursor whose statements fail."""

    def __init__(self):
        self.calls = []

    def execute(self, query):
        self.calls.append("execute")
        raise OperationalError("canceling statement due to statement timeout")

    def rollback(self):
        self.calls.append("rollback")
