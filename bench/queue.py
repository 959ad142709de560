"""The queue beside OCA's queue_job: enqueueing and running the same trivial job, and its growth

Both run on copies of one database on this machine, in turns, two workers each; the job inserts one row.
queue_job is measured where its addon is installed in the environment. Then our own queue alone: how long
a claim takes among 1,000 and among 100,000 waiting tasks.
Argument: how many jobs are run (1,000 if left out).
"""

import statistics
import sys

from odoo.tools import config

from odoo.addons.billing_operations.tests.workers import TEST_ADDON, Database, queue_job_addons

JOBS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
ROUNDS = 2
WORKERS = 2
ENQUEUE_AT_LEAST = 2.0
ENQUEUE_MANY_AT_LEAST = 10.0
RUN_AT_LEAST = 2.0
GROWTH_AT_MOST = 1.5
FEW, MANY = 1_000, 100_000

ENQUEUE = """
import time
env.cr.execute("DELETE FROM billing_task")
queue, jobs = env["billing.task"], env["billing.test.effect"]
queue.enqueue("test_insert")
ways = {
    "enqueue": lambda: [queue.enqueue("test_insert", parameters={"n": n}) for n in range(count)],
    "enqueue_many": lambda: queue.enqueue_many(
        [{"type_code": "test_insert", "parameters": {"n": n}} for n in range(count)]
    ),
}
if peer:
    jobs.with_delay()._insert_one()
    ways["queue_job"] = lambda: [jobs.with_delay()._insert_one() for n in range(count)]
for way in [*ways, *ways]:
    begun = time.perf_counter()
    ways[way]()
    env.flush_all()
    print(way, count / (time.perf_counter() - begun))
    env.cr.rollback()
"""
FILL_OURS = """
env.cr.execute("DELETE FROM billing_task")
env["billing.task"].enqueue_many(
    [{"type_code": "test_insert", "parameters": {"n": n}} for n in range(count)]
)
env.cr.execute("DELETE FROM ir_cron_trigger")
env.cr.commit()
"""
FILL_PEER = """
env.cr.execute("DELETE FROM queue_job")
for n in range(count):
    env["billing.test.effect"].with_delay()._insert_one()
env.cr.commit()
"""
OUR_TIME = """
SELECT extract(epoch FROM max(date) - min(date)) FROM billing_task_log l
  JOIN billing_task t ON t.id = l.task_id AND t.state = 'completed'
"""
PEER_TIME = "SELECT extract(epoch FROM max(date_done) - min(date_started)) FROM queue_job"
CLAIM = """
import statistics, time
env.cr.execute("DELETE FROM billing_task")
queue = env["billing.task"]
figures = {}
for count in (few, many):
    env.cr.execute("DELETE FROM billing_task")
    queue.enqueue_many(
        [{"type_code": "test_insert", "priority": 10 + n % 3} for n in range(count)]
    )
    env.cr.commit()
    env.cr.execute("ANALYZE billing_task")
    env.cr.commit()
    spent = []
    for n in range(220):
        begun = time.perf_counter()
        queue._claim(by_age=n % 10 == 0)
        spent.append(time.perf_counter() - begun)
        env.cr.commit()
    print(count, statistics.median(spent[20:]))
"""


def figures(text):
    """Return {name: median} of lines `name number`."""
    found = {}
    for line in text.splitlines():
        name, _space, number = line.partition(" ")
        try:
            found.setdefault(name, []).append(float(number))
        except ValueError:
            continue
    return {name: statistics.median(numbers) for name, numbers in found.items()}


def run_ours(database):
    """Run the jobs by our workers; return jobs a second from the first beginning to the last end."""
    database.script(FILL_OURS, count=JOBS)
    with database.workers(WORKERS) as workers:
        done = "SELECT count(*) = %s FROM billing_task WHERE state = 'completed'" % JOBS
        workers.wait_for(done, 600, each=workers.tend)
    return JOBS / float(database.value(OUR_TIME))


def run_peer(database):
    """The same by queue_job."""
    database.script(FILL_PEER, count=JOBS)
    with database.queue_job_workers(WORKERS) as workers:
        done = "SELECT count(*) = %s FROM queue_job WHERE state = 'done'" % JOBS
        workers.wait_for(done, 600)
    return JOBS / float(database.value(PEER_TIME))


def main():
    peer = bool(queue_job_addons()) or any("queue_job" in path for path in config["addons_path"])
    failed = []

    def aim(text, reached, passed):
        print(f"{'PASS' if passed else 'FAIL'}  {text}: {reached}")
        if not passed:
            failed.append(text)

    with Database(test_addon="there") as database:
        addons = f"{TEST_ADDON},queue_job" if peer else TEST_ADDON
        database.odoo("-i", addons, "--stop-after-init")
        rates = figures(database.script(ENQUEUE, count=JOBS, peer=peer))
        ours, theirs = [], []
        for _round in range(ROUNDS):
            ours.append(run_ours(database))
            if peer:
                theirs.append(run_peer(database))
        claims = figures(database.script(CLAIM, few=FEW, many=MANY))

    print(f"Jobs a second; medians of {ROUNDS} runs of {JOBS:,} jobs, {WORKERS} workers each")
    for name in ("enqueue", "enqueue_many", "queue_job"):
        if name in rates:
            print(f"  {'enqueue by ' + name:<28}{rates[name]:10,.0f}")
    print(f"  {'run by our workers':<28}{statistics.median(ours):10,.0f}")
    if peer:
        print(f"  {'run by queue_job':<28}{statistics.median(theirs):10,.0f}")
    for count, seconds in claims.items():
        print(f"  a claim among {int(count):>7,} waiting {seconds * 1000:8.2f} ms")
    if peer:
        for name, least in (
            ("enqueue", ENQUEUE_AT_LEAST),
            ("enqueue_many", ENQUEUE_MANY_AT_LEAST),
        ):
            ratio = rates[name] / rates["queue_job"]
            aim(f"{name} at least {least:g} times queue_job", f"{ratio:.1f}", ratio >= least)
        ratio = statistics.median(ours) / statistics.median(theirs)
        aim(f"run at least {RUN_AT_LEAST:g} times queue_job", f"{ratio:.1f}", ratio >= RUN_AT_LEAST)
    else:
        print("queue_job is not in this environment: no comparison")
    growth = claims[str(MANY)] / claims[str(FEW)]
    aim(
        f"a claim among {MANY:,} costs at most {GROWTH_AT_MOST:g} of one among {FEW:,}",
        f"{growth:.2f}",
        growth <= GROWTH_AT_MOST,
    )
    sys.exit(1 if failed else 0)


main()
