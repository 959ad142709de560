import time
import unittest
from collections import Counter

from .own_cluster import OwnCluster
from .workers import Database, process_test

ENQUEUE = """
queue = env["billing.task"]
queue.enqueue_many([{"type_code": "test_insert", "parameters": {"n": n}} for n in range(count)])
"""
ENQUEUE_LIMITED = """
env["billing.test.effect"].create({"task_id": 0, "name": "counter"})
for n in range(12):
    queue.enqueue("test_narrow", parameters={"seconds": 0.2})
    queue.enqueue("test_sleep", parameters={"seconds": 0.1, "kind": "alone"}, exclusive_key="alone")
for n in range(40):
    queue.enqueue("test_count")
"""
ENQUEUE_MORTAL = """
queue.enqueue("test_sleep", parameters={"die": True}, priority=1)
for n in range(5):
    queue.enqueue("test_send", parameters={"file": file, "items": list(range(20)), "die_at": n})
"""
ASK_WHILE_STARTING = """
from contextlib import closing
from psycopg2.errors import SerializationFailure

def queue_of(cr):
    return env(cr=cr)["billing.task"]

def claim():
    with closing(env.registry.cursor()) as cr:
        queue_of(cr)._read_committed()
        claimed = queue_of(cr)._claim()
        cr.commit()
    return claimed and claimed.task_id

def ask(cr):
    return queue_of(cr).enqueue("test_insert", identity_key="run").id

with closing(env.registry.cursor()) as first, closing(env.registry.cursor()) as second:
    waiting = ask(first)
    first.commit()
    # Who asks again has changed something that the waiting task must see.
    assert ask(first) == waiting
    assert ask(second) == waiting, "two who ask do not wait for each other"
    assert claim() is None, "a task started that would not see what is not committed yet"
    first.commit()
    second.commit()
    # It starts after this transaction has begun, so it does not see what this one does.
    first.execute("SELECT 1")
    assert claim() == waiting
    later = ask(first)
    assert later != waiting, "what was asked for is lost"
    first.commit()
    assert claim() is None, "it started beside the one that does the same"
    # The running one fails: the later one takes its place.
    queue_of(first).browse(waiting)._fail_attempt(ValueError("broken"))
    first.commit()
    assert queue_of(first).browse(waiting).superseded_by_id.id == later
    # Deleting one that starts at this moment is refused.
    doomed = queue_of(second).browse(later)
    assert doomed.state == "pending"
    assert claim() == later
    try:
        doomed.unlink()
        raise AssertionError("a running task was deleted")
    except SerializationFailure:
        second.rollback()
"""
COMMIT = "env.cr.commit()\n"
NONE_LEFT = """
    SELECT NOT EXISTS (SELECT 1 FROM billing_task WHERE state IN ('pending', 'running', 'error'))
"""
EFFECTS = """
    SELECT count(*), count(DISTINCT e.task_id) FROM billing_test_effect e
      JOIN billing_task t ON t.id = e.task_id AND t.state = 'completed'
      JOIN billing_task_type y ON y.id = t.type_id AND y.code = 'test_insert'
"""
SPANS = """
    SELECT e.begun, e.ended FROM billing_test_effect e
      JOIN billing_task t ON t.id = e.task_id
      JOIN billing_task_type y ON y.id = t.type_id AND y.code = %r
"""


def most_at_once(spans):
    """Return how many of the (begin, end) spans overlap at most."""
    events = sorted([(begin, 1) for begin, _end in spans] + [(end, -1) for _begin, end in spans])
    now = most = 0
    for _time, step in events:
        now += step
        most = max(most, now)
    return most


@process_test
class TestWorkerProcesses(unittest.TestCase):
    """Real worker processes, and what nothing may do to the work: lose it or do it twice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.enterClassContext(Database(test_addon=True))
        cls.base.execute("DELETE FROM billing_task")

    def clone(self, **options):
        return self.enterContext(Database(template=self.base.name, test_addon="there", **options))

    def test_four_workers_do_all_work_once_and_mind_the_limits(self):
        database = self.clone()
        with database.workers(4) as workers:
            database.script(ENQUEUE + ENQUEUE_LIMITED + COMMIT, count=5000)
            workers.wait_for(NONE_LEFT, 150)
        states = dict(database.execute("SELECT state, count(*) FROM billing_task GROUP BY state"))
        self.assertEqual(states, {"completed": 5000 + 24 + 40})
        self.assertEqual(database.execute(EFFECTS), [(5000, 5000)])
        self.assertEqual(most_at_once(database.execute(SPANS % "test_narrow")), 2)
        self.assertEqual(most_at_once(database.execute(SPANS % "test_sleep")), 1)
        # Forty tasks that write one row: every conflict was retried, at no cost to the task.
        self.assertEqual(
            database.value("SELECT counter FROM billing_test_effect WHERE name = 'counter'"), 40
        )
        self.assertEqual(database.value("SELECT max(retry_count) FROM billing_task"), 0)

    def test_a_kill_a_second_loses_nothing_and_repeats_nothing(self):
        database = self.clone()
        file = database.folder / "other_side"
        with database.workers(4) as workers:
            database.script(ENQUEUE + ENQUEUE_MORTAL + COMMIT, count=5000, file=str(file))
            for _second in range(20):
                time.sleep(1)
                workers.kill_one()
            workers.wait_for(NONE_LEFT, 120, each=workers.tend)
        self.assertEqual(database.execute(EFFECTS), [(5000, 5000)])
        # What reached the other side did so once.
        lines = Counter(file.read_text().split())
        self.assertEqual(len(lines), 100)
        self.assertEqual(set(lines.values()), {1})
        # One task killed its own worker each time.
        [(state, code, task_id)] = database.execute(
            """
            SELECT t.state, t.error_code, t.id FROM billing_task t
              JOIN billing_task_type y ON y.id = t.type_id AND y.code = 'test_sleep'
            """
        )
        self.assertEqual((state, code), ("failed", "interrupted"))
        messages = database.execute(
            f"SELECT level, message FROM billing_task_log WHERE task_id = {task_id} ORDER BY id"
        )
        self.assertEqual(
            sum(level == "warning" and "was interrupted" in text for level, text in messages), 3
        )
        self.assertEqual(sum("going to sleep" in text for _level, text in messages), 3)

    def test_a_crash_of_the_database_loses_nothing_and_repeats_nothing(self):
        cluster = self.enterContext(OwnCluster())
        cluster.copy(self.base.server, self.base.name)
        database = self.clone(server=cluster.server)
        with database.workers(4) as workers:
            database.script(ENQUEUE + COMMIT, count=5000)
            workers.wait_for("SELECT count(*) > 200 FROM billing_test_effect", 60)
            cluster.crash()
            workers.wait_for(NONE_LEFT, 150, each=workers.tend)
        self.assertEqual(database.execute(EFFECTS), [(5000, 5000)])

    def test_what_is_asked_for_while_its_task_starts_is_never_lost(self):
        self.clone().script(ASK_WHILE_STARTING)

    def test_a_stop_lets_running_tasks_end_and_leaves_the_rest(self):
        database = self.clone()
        with database.workers(2) as workers:
            database.script(
                """
                for n in range(10):
                    env["billing.task"].enqueue("test_sleep", parameters={"seconds": 3})
                env.cr.commit()
                """
            )
            workers.wait_for("SELECT count(*) = 2 FROM billing_task WHERE state = 'running'", 30)
            self.assertLess(workers.stop(), 15)
        states = dict(database.execute("SELECT state, count(*) FROM billing_task GROUP BY state"))
        self.assertEqual(states, {"completed": 2, "pending": 8})
