"""The same queue, carried by the real addon Queue Job and its real runner."""

import unittest

from .workers import TEST_ADDON, Database, process_test

PREPARE = """
env["ir.config_parameter"].set_param("billing_operations.task_workers", "2")
env["res.config.settings"].create(
    {"billing_task_workers": 2, "billing_task_engine": "queue_job"}
).execute()
queue = env["billing.task"]
queue.enqueue_many([{"type_code": "test_insert", "parameters": {"n": n}} for n in range(300)])
for n in range(6):
    queue.enqueue("test_sleep", parameters={"seconds": 0.1}, exclusive_key="alone")
env.cr.commit()
"""
NONE_LEFT = """
    SELECT NOT EXISTS (SELECT 1 FROM billing_task WHERE state IN ('pending', 'running', 'error'))
       AND EXISTS (SELECT 1 FROM billing_task)
"""


@process_test
class TestQueueJob(unittest.TestCase):
    def test_pumps_carry_the_tasks_with_the_same_states_log_and_limits(self):
        database = self.enterContext(Database(test_addon="there"))
        database.odoo("-i", f"{TEST_ADDON},queue_job", "--stop-after-init")
        database.execute("DELETE FROM billing_task")
        with database.queue_job_workers(2) as workers:
            database.script(PREPARE)
            workers.wait_for(NONE_LEFT, 90)
            workers.wait_for("SELECT bool_and(state = 'done') FROM queue_job", 30)
        states = database.execute("SELECT state, count(*) FROM billing_task GROUP BY state")
        self.assertEqual(states, [("completed", 306)])
        self.assertEqual(
            database.value("SELECT count(DISTINCT task_id) FROM billing_test_effect"), 306
        )
        # Jobs are pumps, not tasks: a few carried them all.
        jobs = database.value("SELECT count(*) FROM queue_job WHERE method_name = '_pump'")
        self.assertGreaterEqual(jobs, 1)
        self.assertLess(jobs, 30)
        self.assertTrue(
            database.value(
                """
                SELECT bool_and(lines >= 2) FROM (
                    SELECT count(*) AS lines FROM billing_task_log GROUP BY task_id
                ) counts
                """
            )
        )

    def test_two_servers_on_one_database_carry_each_task_once_and_one_of_them_dies(self):
        database = self.enterContext(Database(test_addon="there"))
        database.odoo("-i", f"{TEST_ADDON},queue_job", "--stop-after-init")
        database.execute("DELETE FROM billing_task")
        with database.queue_job_workers(2) as one, database.queue_job_workers(2) as other:
            database.script(PREPARE)
            other.wait_for("SELECT count(*) >= 60 FROM billing_test_effect", 90)
            one.kill()
            other.wait_for(NONE_LEFT, 150, each=other.tend)
        states = database.execute("SELECT state, count(*) FROM billing_task GROUP BY state")
        self.assertEqual(states, [("completed", 306)])
        # What was not committed when the server died was done again, and only that.
        self.assertEqual(
            database.execute("SELECT count(*), count(DISTINCT task_id) FROM billing_test_effect"),
            [(306, 306)],
        )
