"""Runs from rating to posted invoices by real workers, beside OCA's contract and the first build

On databases of their own, in turns: this addon on a bare database and on one with the modules of
bench/modules.txt, by one worker and by two; this addon as it was at the first build; OCA's addon
Contract, whose invoices are created and posted in batches of 100, its fastest way. Every customer
has a price of its own and three lines a month: a service with two add-ons, 15 % tax, due in 30 days.
The books of all are compared. Each round bills the next month. All are warm: the peer has made an
invoice, each worker has billed customers of another company. Arguments: how many customers (500,
2,000 and 5,000 if left out; `rounds=3` says how many rounds), or `grow` (an invoice at 50,000
customers beside one at 500), `balances` (60 earlier bills a customer beside one) or `proofs` (their
share of a run).
"""

import json
import os
import select
import statistics
import sys
import time
from collections import Counter, defaultdict
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path

import psutil
from dateutil.relativedelta import relativedelta

from odoo.tools import config

from odoo.addons.billing_operations.tests.workers import Database

# What runs in processes of its own stands in a file beside.
sys.path.insert(0, str(Path(__file__).parent))
from _invoicing_scripts import (  # noqa: E402
    BILL_PEERS,
    BOOKS,
    INLINE,
    MAKE_OURS,
    MAKE_PEERS,
    NEXT_RUN,
)

MODULES = [
    line
    for line in (Path(__file__).parent / "modules.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PEERS, FIRST_BUILD = os.environ.get("BILLING_BENCH_PEERS"), os.environ.get("BILLING_BENCH_FIRST")
FIRST_MONTH = date(2026, 1, 1)
PEER_BATCH = 100
WARMING = 24  # customers of the company that workers bill before they are measured
FASTER_THAN_PEER = {1: 12.0, 2: 20.0}
FASTER_THAN_FIRST = 3.0
SLOWER_WITH_MODULES = 1.25
MEMORY_AT_MOST = 100  # MB over an idle worker
GROWTH_AT_MOST = 1.1
BALANCES_AT_MOST = 1.2
BALANCES = ("billing.bill", "_set_posted")
# While others number theirs, the documents that follow a proof are made ready: they would be in any case.
PROVING = ("billing.invoice.builder", "_make_by_both", "_wait_prepared")
PROOFS_AT_MOST = 0.05


def last_line(output):
    """Return what a script printed last, read as JSON."""
    return json.loads(output.strip().splitlines()[-1])


class Bench(Database):
    """A database of one way to bill.

    :param addons: folders of addons that the way needs; its first comes before our own
    :param modules: what is installed
    """

    def __init__(self, template=None, addons=(), modules=()):
        super().__init__(template=template)
        self.addons, self.modules = list(addons), list(modules)
        self.made = {}
        self.months = self.companies = 0

    def _create(self):
        if self.template != os.environ["BILLING_TEST_TEMPLATE"] or not self.addons:
            super()._create()
        else:
            self.server.execute(f"CREATE DATABASE \"{self.name}\" ENCODING 'unicode'")
        if self.modules:
            options = ["--stop-after-init", "--no-http", "-i", ",".join(self.modules)]
            self.odoo(*options, timeout=1800)

    def write_config(self, **options):
        own = [
            path for path in config["addons_path"] if not Path(path, "billing_operations").exists()
        ]
        paths = {"addons_path": ",".join(map(str, [*self.addons, *own]))} if self.addons else {}
        limits = {"limit_time_real": 7200, "limit_time_cpu": 7200}
        return super().write_config(**(options | paths | limits))

    def script(self, source, timeout=3600, **variables):
        return super().script(source, timeout=timeout, **variables)

    def settle(self):
        """Have PostgreSQL do now what it would else do while something is measured: what was billed before
        left rows behind and statistics out of date."""
        self.execute("VACUUM (ANALYZE)")

    def books(self, count):
        """Return what the first month's documents hold on every account."""
        company = self.made[count]["company"]
        return self.execute(BOOKS.format(company=company, day=FIRST_MONTH))


class Ours(Bench):
    """This addon, or an earlier build of it."""

    def fill(self, count):
        """Make a company with so many customers; those of before are not billed any more."""
        start = (FIRST_MONTH.year, FIRST_MONTH.month, FIRST_MONTH.day)
        self.companies += 1
        name = f"Bench {self.companies}"
        self.made[count] = last_line(self.script(MAKE_OURS, name=name, count=count, start=start))

    def bill(self, count, month, workers=1):
        """Return the seconds from asking for a run to its end, and what its workers grew by, in
        MB."""
        warming, run_id = self._next_run(WARMING), self._next_run(count, month)
        with self.workers(workers, crons=["cron_billing_wake_runs"]) as server:
            idle = warm_up(server)
            self._finish(server, warming)
            self._rest()
            spent = self._finish(server, run_id)
            grown = max(peak(pid) - idle for pid in server.pids())
        return spent, grown

    def _next_run(self, count, month=None):
        """Ask for a run that nobody begins yet; return its id. By default it is of the next month."""
        if count not in self.made:
            self.fill(count)
            company = self.made[count]["company"]
            self.execute(f"UPDATE res_company SET billing_batch_size = 1 WHERE id = {company}")
        if month is None:
            month = self.months
            self.months += 1
        day = FIRST_MONTH + relativedelta(months=month)
        variables = {"day": (day.year, day.month, day.day), **self.made[count]}
        return last_line(self.script(NEXT_RUN, **variables))

    def _rest(self):
        """Wait until the workers have nothing left to do of what they were warmed up with."""
        left = """
            SELECT count(*) FROM billing_task
             WHERE state IN ('pending', 'running') AND delay_date < now() AT TIME ZONE 'UTC'
        """
        while self.value(left):
            time.sleep(0.02)

    def _finish(self, server, run_id):
        """Let a run begin; return the seconds to its end."""
        finished = f"""
            SELECT stage = 'posting' AND state <> 'running' FROM billing_run
             WHERE id = {run_id}
        """
        # By one connection: to open one takes more of the processors than to ask. It hears of what
        # follows a run.
        with closing(self.server.connect(self.name)) as connection, connection.cursor() as cr:
            cr.execute("LISTEN billing_task")
            begun = woken = time.perf_counter()
            # The queue counts in whole seconds.
            cr.execute(
                f"""
                UPDATE billing_run SET scheduled_date = NULL WHERE id = {run_id};
                UPDATE billing_task SET delay_date = date_trunc('second', now() AT TIME ZONE 'UTC')
                 WHERE res_model = 'billing.run' AND res_id = {run_id} AND state = 'pending';
                NOTIFY billing_task
                """
            )
            server.wake()
            cr.execute(finished)
            while not cr.fetchone()[0]:
                if time.perf_counter() > begun + 3000:
                    raise TimeoutError(server.log.read_text(errors="replace")[-4000:])
                # Were a worker to wait for its next minute, that would be measured, and not the run.
                if time.perf_counter() - woken > 0.5:
                    woken = time.perf_counter()
                    server.wake()
                server.keep_up()
                select.select([connection], [], [], 0.02)
                connection.poll()
                connection.notifies.clear()
                cr.execute(finished)
            return time.perf_counter() - begun


class Peer(Bench):
    """OCA's addon Contract, which bills in one process."""

    def fill(self, count):
        start = (FIRST_MONTH.year, FIRST_MONTH.month, FIRST_MONTH.day)
        self.made[count] = last_line(
            self.script(MAKE_PEERS, name=f"Bench {count}", count=count, start=start)
        )

    def bill(self, count, month):
        """Return the seconds that creating and posting took."""
        day = FIRST_MONTH + relativedelta(months=month)
        made = self.made[count]
        output = self.script(
            BILL_PEERS, day=(day.year, day.month, day.day), batch=PEER_BATCH, **made
        )
        return last_line(output)


def warm_up(server):
    """Wait until the workers have loaded everything; return the largest one's memory in MB."""
    server.wake()
    before = None
    while True:
        time.sleep(1.5)
        sizes = [psutil.Process(pid).memory_info().rss for pid in server.pids()]
        if sizes == before:
            return max(sizes) / 2**20
        before = sizes


def peak(pid):
    """Return the highest resident memory that a process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


# === THE WAYS IN TURNS === #


def spread(values):
    """Return the median with the least and the most."""
    return f"{statistics.median(values):6.1f} ({min(values):.1f} to {max(values):.1f})"


class Aims:
    """What was to be reached, and what was missed."""

    def __init__(self):
        self.failed = 0

    def __call__(self, text, reached, passed):
        print(f"{'PASS' if passed else 'FAIL'}  {text}: {reached}", flush=True)
        self.failed += not passed


def compare(aim, sizes, rounds):
    """Measure all ways, round by round in turns."""
    bases = ["account_payment", "hr", "mail", "portal"]
    databases = {"ours": Ours(), "contract": Peer(addons=[PEERS], modules=["contract", *bases])}
    databases["with modules"] = Ours(modules=MODULES)
    if FIRST_BUILD:
        databases["first build"] = Ours(addons=[FIRST_BUILD], modules=["billing_operations"])
    else:
        print("The first build is not in this repository: it is left out.")
    with ExitStack() as stack:
        for name, database in databases.items():
            begun = time.monotonic()
            stack.enter_context(database)
            for size in sizes:
                database.fill(size)
            print(f"{name}: made ready in {time.monotonic() - begun:.0f} s", flush=True)
        rates, grown = measure(databases, sizes, rounds)
        for size in sizes:
            books = {name: database.books(size) for name, database in databases.items()}
            if any(rows != books["ours"] for rows in books.values()):
                print(*books.items(), sep="\n")
            aim(
                f"the same items and amounts on every account at {size:,}",
                f"{len(books['ours'])} accounts, {books['ours'][0][1]:,} items on the first",
                bool(books["ours"]) and all(rows == books["ours"] for rows in books.values()),
            )
    for size in sizes:
        report(aim, size, {key[1:]: values for key, values in rates.items() if key[0] == size})
    for (name, workers), values in grown.items():
        if name != "first build":
            aim(
                f"a worker of {workers} ({name}) grows by at most {MEMORY_AT_MOST} MB",
                f"{max(values):.0f} MB",
                max(values) <= MEMORY_AT_MOST,
            )


def measure(databases, sizes, rounds):
    """Return invoices a second by size and way, and MB that workers grew by."""
    rates, grown = defaultdict(list), defaultdict(list)
    months = Counter()

    def bill(name, size, workers=1):
        database = databases[name]
        month = months[name, size]
        months[name, size] += 1
        for other in databases.values():
            other.settle()
        if name == "contract":
            spent = database.bill(size, month)
        else:
            spent, more = database.bill(size, month, workers)
            grown[name, workers].append(more)
        rates[size, name, workers].append(size / spent)
        print(f"{size:>8,} {name:<13} {workers}: {size / spent:6.1f} a second", flush=True)

    for number in range(rounds):
        for size in sizes:
            names = list(databases)
            for name in names if number % 2 else reversed(names):
                bill(name, size)
            bill("ours", size, 2)
    return rates, grown


def report(aim, size, rates):
    """Print what was measured at one size, and its aims."""
    print(f"{size:,} customers, invoices a second: median (least to most)")
    for (name, workers), values in rates.items():
        print(f"    {name:<13} by {workers}   {spread(values)}")
    middle = {key: statistics.median(values) for key, values in rates.items()}
    for workers, times in FASTER_THAN_PEER.items():
        ratio = middle["ours", workers] / middle["contract", 1]
        aim(f"{workers} at least {times:g} times contract", f"{ratio:.1f} times", ratio >= times)
    if ("first build", 1) in middle:
        ratio = middle["ours", 1] / middle["first build", 1]
        aim(
            f"at least {FASTER_THAN_FIRST:g} times the first build",
            f"{ratio:.1f} times",
            ratio >= FASTER_THAN_FIRST,
        )
    ratio = middle["ours", 1] / middle["with modules", 1]
    aim(
        f"an invoice costs at most {SLOWER_WITH_MODULES:g} times as much with the modules",
        f"{ratio:.2f}",
        ratio <= SLOWER_WITH_MODULES,
    )


# === GROWTH === #


def grow(aim, small=500, large=50_000):
    """Compare an invoice of a large run with one of a small one, which is measured around it."""
    with Ours() as database:
        database.fill(small)
        database.fill(large)
        spent, grown = [], []
        for month in range(4):
            if month == 2:
                seconds, more = database.bill(large, 0)
                grown.append(more)
                print(f"{large:,}: {large / seconds:.1f} invoices a second", flush=True)
            spent.append(database.bill(small, month)[0] / small)
        print(f"{small:,}: {1 / statistics.median(spent):.1f} invoices a second")
        growth = seconds / large / statistics.median(spent)
    aim(
        f"an invoice at {large:,} costs at most {GROWTH_AT_MOST:g} of one at {small:,}",
        f"{growth:.2f}",
        growth <= GROWTH_AT_MOST,
    )
    aim(
        f"the worker grows by at most {MEMORY_AT_MOST} MB at {large:,}",
        f"{max(grown):.0f} MB",
        max(grown) <= MEMORY_AT_MOST,
    )


def inline(database, count, first, months, model, method, *others, paying=False):
    """Return the processors' seconds of runs in one process, and of one method in each.

    :param first: the place of the first month
    :param others: methods that it calls, and whose seconds are not counted
    :param bool paying: have customers pay each month
    """
    start = FIRST_MONTH + relativedelta(months=first)
    values = {"start": (start.year, start.month, start.day), "months": months, "paying": paying}
    values["watched"] = (model, method, *others)
    return last_line(database.script(INLINE, **values, **database.made[count]))


def balances(aim, count=500, months=48, turns=6):
    """Compare what balances cost early and late, around 60 bills, in turns on two databases: where
    customers pay, and where they do not."""
    for paying, text in ((True, "all paid"), (False, "none paid")):
        early, late = [], []
        with Ours() as young, Ours() as old:
            old.fill(count)
            inline(old, count, 0, months, *BALANCES, paying=paying)
            for turn in range(turns):
                # Customers of their own each time, who have no bills yet.
                young.fill(count)
                for database, first, spent in (
                    (young, 0, early),
                    (old, months + 4 * turn, late),
                ):
                    # The first month of a process fills its caches.
                    results = inline(database, count, first, 4, *BALANCES, paying=paying)[1:]
                    spent += [1e3 * seconds for _run, seconds in results]
        print(f"Balances of {count:,} bills after 1 to 3, {text}: {spread(early)} ms")
        ratio = statistics.median(late) / statistics.median(early)
        aim(
            f"balances after {months + 1} to {months + 4 * turns - 1} earlier bills, {text}, cost at"
            f" most {BALANCES_AT_MOST:g} times as much",
            f"{ratio:.2f}: {spread(late)} ms",
            ratio <= BALANCES_AT_MOST,
        )


def proofs(aim, count=2_000, months=17):
    """Measure what proving takes of runs of one shape, and of two: proofs again, by chance, among it."""
    shapes = "is_company = (id % 2 = 0) WHERE id IN (SELECT partner_id FROM billing_service)"
    with Ours() as database:
        database.fill(count)
        for number in (1, 2):
            if number == 2:
                database.execute(f"UPDATE res_partner SET {shapes}")
            first = months * (number - 1)
            results = inline(database, count, first, months, *PROVING)[1:]
            share = sum(seconds for _run, seconds in results) / sum(
                run for run, _seconds in results
            )
            print(
                " ".join(f"{1e3 * seconds:.0f} of {1e3 * run:.0f} ms" for run, seconds in results)
            )
            aim(
                f"proving takes at most {PROOFS_AT_MOST:.0%} of runs of {count:,} (shapes: {number})",
                f"{share:.1%}",
                share <= PROOFS_AT_MOST,
            )


def main():
    arguments = sys.argv[1:]
    aim = Aims()
    others = {"grow": grow, "balances": balances, "proofs": proofs}
    if arguments and arguments[0] in others:
        others[arguments[0]](aim, *map(int, arguments[1:]))
    else:
        rounds = [int(part[7:]) for part in arguments if part.startswith("rounds=")] or [3]
        sizes = [int(part) for part in arguments if part.isdigit()] or [500, 2_000, 5_000]
        compare(aim, sizes, rounds[0])
    sys.exit(1 if aim.failed else 0)


main()
