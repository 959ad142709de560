"""The queue under fire: workers, servers and the database are killed for minutes; nothing is lost or doubled

On a PostgreSQL cluster of its own. Waves of tasks are enqueued: inserts, tasks that must run alone, tasks that
reach outside. Meanwhile every second a worker is killed, now and then the whole server, and every half
minute the database crashes. At the end every task's effect must be there once.
Argument: for how many seconds (180 if left out).
"""

import random
import sys
import time
from collections import Counter

from odoo.addons.billing_operations.tests.own_cluster import OwnCluster
from odoo.addons.billing_operations.tests.workers import Database

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 180
WAVE = 500
CRASH_EVERY = 30
SERVER_KILL_SHARE = 0.05

ENQUEUE = """
queue = env["billing.task"]
queue.enqueue_many([{"type_code": "test_insert", "parameters": {"n": n}} for n in range(count)])
for n in range(5):
    queue.enqueue("test_alone", parameters={"seconds": 0.05}, exclusive_key="alone")
queue.enqueue("test_send", parameters={"file": file, "items": list(range(10)), "die_at": -9})
env.cr.commit()
"""
PATIENT_TYPES = "UPDATE billing_task_type SET max_retries = 1000 WHERE code LIKE 'test_%'"
NONE_LEFT = """
SELECT NOT EXISTS (SELECT 1 FROM billing_task WHERE state IN ('pending', 'running', 'error'))
"""
INSERTS = """
SELECT count(*), count(DISTINCT t.id), count(e.id) FROM billing_task t
  JOIN billing_task_type y ON y.id = t.type_id AND y.code = 'test_insert'
  LEFT JOIN billing_test_effect e ON e.task_id = t.id
"""
SPANS = """
SELECT e.begun, e.ended FROM billing_test_effect e JOIN billing_task t ON t.id = e.task_id
 WHERE t.exclusive_key = 'alone' ORDER BY e.begun
"""


def batter(database, cluster, workers, counts):
    """Kill for a while; return when the time is up."""
    end = time.monotonic() + SECONDS
    next_wave = next_crash = time.monotonic() + CRASH_EVERY
    while time.monotonic() < end:
        time.sleep(1)
        if time.monotonic() > next_crash:
            next_crash = time.monotonic() + CRASH_EVERY
            cluster.crash()
            counts["database crashes"] += 1
        elif random.random() < SERVER_KILL_SHARE:
            workers.kill()
            counts["servers killed"] += 1
        else:
            workers.kill_one()
            counts["workers killed"] += 1
        if time.monotonic() > next_wave:
            next_wave = time.monotonic() + CRASH_EVERY
            enqueue(database, counts)
        workers.keep_up()


def enqueue(database, counts):
    database.script(ENQUEUE, count=WAVE, file=str(database.folder / "other_side"))
    counts["waves"] += 1


def main():
    counts, failed = Counter(), []

    def aim(text, reached, passed):
        print(f"{'PASS' if passed else 'FAIL'}  {text}: {reached}")
        if not passed:
            failed.append(text)

    with Database(test_addon=True) as base, OwnCluster() as cluster:
        cluster.copy(base.server, base.name)
        with Database(template=base.name, test_addon="there", server=cluster.server) as database:
            database.execute("DELETE FROM billing_task")
            database.execute(PATIENT_TYPES)
            enqueue(database, counts)
            with database.workers(4) as workers:
                batter(database, cluster, workers, counts)
                workers.wait_for(NONE_LEFT, 600, each=workers.tend)
            [(rows, tasks, effects)] = database.execute(INSERTS)
            spans = database.execute(SPANS)
            lines = Counter((database.folder / "other_side").read_text().split())
            states = dict(
                database.execute("SELECT state, count(*) FROM billing_task GROUP BY state")
            )
    print(f"{SECONDS} s: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    print("tasks: " + ", ".join(f"{count:,} {state}" for state, count in states.items()))
    aim("all tasks completed", states, set(states) == {"completed"})
    aim(
        "every insert is there once",
        f"{effects:,} of {tasks:,}",
        rows == tasks == effects == counts["waves"] * WAVE,
    )
    overlaps = sum(end > begin for (_b, end), (begin, _e) in zip(spans, spans[1:], strict=False))
    aim("what runs alone never overlapped", f"{overlaps} overlaps", overlaps == 0)
    aim(
        "what left for the other side arrived once",
        f"{len(lines)} lines, {sum(lines.values()) - len(lines)} twice",
        set(lines.values()) == {1} and len(lines) == counts["waves"] * 10,
    )
    sys.exit(1 if failed else 0)


main()
