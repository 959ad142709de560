"""1,000,000 calls from their file to rated records, beside what the database alone takes

50,000 numbers of 20,000 services, a plan with 20,000 prefixes, files in the generic format whose calls
have 200,000 distinct numbers. In one run, each figure the median of three:

- floor: COPY of the same file into a table, and the best bare prefix join over it, the result stored;
- ours: the import as its task runs it, with all numbers known to the process, and with none;
- ORM: a search a line for number and rate and `create` in batches of 1,000, on a sample;
- the same import of a tenth, and above 5,000,000 older records;
- charging what was rated, a batch of customers after the other as a run's rating does it, by one
  process and by two.

Argument: how many calls (100,000 if left out; with 1,000,000 charging has an aim as well).
"""

import gc
import io
import multiprocessing
import statistics
import sys
import time
from datetime import date
from pathlib import Path

import psutil

from odoo import api, sql_db
from odoo.fields import Command
from odoo.tools import SQL, split_every

from odoo.addons.billing_operations.cdrs.numbers import Normaliser

# The data stand in a file beside.
sys.path.insert(0, str(Path(__file__).parent))
from _cdrs_provider import SERVICES, Provider  # noqa: E402

CALLS = int((sys.argv[1:] or ["100000"])[0])
ROUNDS = 3
SAMPLE = 2_000
OLDER = 5 * CALLS
BATCH = 250  # customers a task of a run takes on, unless a company says otherwise
FLOOR_AT_MOST, ORM_AT_LEAST, MEMORY_AT_MOST = 2.0, 40, 200
GROWTH_AT_MOST, OLDER_AT_MOST, CHARGING_AT_MOST = 1.1, 1.25, 10.0


# === THE WAYS === #


def floor(provider, content):
    """Return the seconds of COPY into a table and of a bare longest-prefix join of it."""
    cr = provider.env.cr
    cr.execute(
        "CREATE TABLE bench_call (call_time timestamp, caller text, callee text, seconds int,"
        " cost numeric, id text)"
    )
    cr.execute(
        "CREATE TABLE bench_rate AS SELECT id, prefix, length(prefix) AS length, price_minute,"
        " connect_fee FROM cdr_rate WHERE plan_id = %s",
        [provider.plan.id],
    )
    cr.execute("ANALYZE bench_rate")
    cr.execute("SELECT DISTINCT length FROM bench_rate ORDER BY length DESC")
    lengths = [row[0] for row in cr.fetchall()]
    joins = " ".join(
        f"LEFT JOIN bench_rate AS r{n} ON r{n}.length = {n} AND r{n}.prefix = substr(c.callee, 3, {n})"
        for n in lengths
    )
    found = ", ".join(f"r{n}.id" for n in lengths)
    cr.commit()
    cr.execute("SET LOCAL jit = off")
    cr.execute("SET LOCAL work_mem = '64MB'")
    start = time.perf_counter()
    cr.copy_expert(
        "COPY bench_call FROM STDIN WITH (FORMAT csv, HEADER)", io.StringIO(content.decode())
    )
    cr.execute(
        f"""
        CREATE TABLE bench_rated AS
        SELECT found.*, rate.connect_fee + rate.price_minute * found.seconds / 60 AS amount
          FROM (SELECT c.*, COALESCE({found}) AS rate_id FROM bench_call AS c {joins}) AS found
          LEFT JOIN bench_rate AS rate ON rate.id = found.rate_id
        """
    )
    cr.commit()
    spent = time.perf_counter() - start
    cr.execute("DROP TABLE bench_call, bench_rate, bench_rated")
    cr.commit()
    return spent


def ours(provider, content, *, cold=False):
    """Return the seconds of the import, and by how many MB the process was larger at most."""
    if cold:
        Normaliser._all.clear()
    file = provider.env["cdr.file"]._receive(provider.carrier, [("calls.csv", content)], "upload")
    file._own().write({"state": "processing"})
    provider.env.flush_all()
    provider.env.cr.commit()
    del content
    gc.collect()
    with provider.env.registry.cursor() as cr:
        env = api.Environment(cr, provider.env.uid, provider.env.context)
        mine = env["cdr.file"].browse(file.id)
        before = forget_peak()
        start = time.perf_counter()
        found = mine._import()
        cr.commit()
        spent = time.perf_counter() - start
    provider.env.cr.execute("SELECT count(*) FROM cdr_record WHERE state = 'rated'")
    if found["state"] != "processed" or provider.env.cr.fetchone()[0] < found["records"]:
        raise SystemExit(f"Not all calls were rated: {found}")
    return spent, peak_memory() - before


def by_orm(provider, content):
    """Return the seconds that a call takes by the ORM: two searches and a row of a batch."""
    env = provider.env
    lines = content.decode().splitlines()[1 : SAMPLE + 1]
    numbers, rates = env["billing.service.identifier"], env["cdr.rate"]
    file = env["cdr.file"].search([], limit=1)
    start = time.perf_counter()
    for first in range(0, len(lines), 1000):
        rows = []
        for number, line in enumerate(lines[first : first + 1000], first):
            moment, caller, callee, seconds, cost, key = line.split(",")
            found = numbers.search(
                [
                    ("usage_key", "=", caller),
                    ("company_id", "=", provider.company.id),
                    ("date_from", "<=", moment[:10]),
                ],
                limit=1,
            )
            destination = callee[2:]
            rate = rates.search(
                [
                    ("plan_id", "=", found.service_id.tariff_id.rate_plan_id.id),
                    ("prefix", "in", [destination[:length] for length in range(1, 9)]),
                ],
            ).sorted(lambda rate: -len(rate.prefix))[:1]
            rows.append(
                {
                    "company_id": provider.company.id,
                    "carrier_id": provider.carrier.id,
                    "file_id": file.id,
                    "line_number": number,
                    "record_key": f"orm-{key}",
                    "call_time": moment,
                    "call_day": moment[:10],
                    "direction": "out",
                    "caller": caller,
                    "callee": callee,
                    "identifier": caller,
                    "destination": destination,
                    "answered": True,
                    "seconds": int(seconds),
                    "cost": float(cost),
                    "service_id": found.service_id.id,
                    "identifier_id": found.id,
                    "partner_id": found.service_id.partner_id.id,
                    "plan_id": rate.plan_id.id,
                    "rate_id": rate.id,
                    "class_id": rate.class_id.id,
                    "billed_seconds": int(seconds),
                    "amount": rate.connect_fee + rate.price_minute * int(seconds) / 60,
                    "currency_id": provider.company.currency_id.id,
                    "state": "rated",
                }
            )
        env["cdr.record"].create(rows)
        env.flush_all()
    spent = time.perf_counter() - start
    env.cr.rollback()
    env.invalidate_all()
    return spent / len(lines)


def forget_files(provider):
    """Let the same content be taken again."""
    provider.env["cdr.file"].search([])._own().write({"sha256": False})
    provider.env.flush_all()
    provider.env.cr.commit()


def clear(provider):
    forget_files(provider)
    provider.env.cr.execute("TRUNCATE cdr_record CASCADE")
    provider.env.cr.commit()


def older(provider):
    """Put in records of earlier months, as imports left them."""
    env = provider.env
    fields = [f.name for f in env["cdr.record"]._fields.values() if f.store and f.column_type]
    same = [n for n in fields if n not in ("id", "record_key", "call_time", "call_day", "state")]
    columns = SQL(", ").join(map(SQL.identifier, same))
    for month in range(1, 6):
        env.cr.execute(
            SQL(
                """
                INSERT INTO cdr_record (record_key, call_time, call_day, state, %(columns)s)
                SELECT %(month)s || '/' || record_key, call_time - %(back)s * interval '31 days',
                       call_day - %(back)s * 31, 'ignored', %(columns)s
                  FROM cdr_record WHERE call_day >= '2026-07-01'
                """,
                columns=columns,
                month=month,
                back=month,
            )
        )
        env.cr.commit()
    drop_month(env)


def drop_month(env):
    """Take the calls of this month away, as if they had never been there."""
    env.cr.execute("DELETE FROM cdr_record WHERE call_day >= '2026-07-01'")
    env.cr.commit()
    env.cr._cnx.autocommit = True
    env.cr._cnx.cursor().execute("VACUUM ANALYZE cdr_record")
    env.cr._cnx.autocommit = False


def forget_peak():
    """Begin to measure the highest memory anew; return the memory now, in MB."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return psutil.Process().memory_info().rss / 1e6


def peak_memory():
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1e3


def charge(provider, workers):
    """Return the seconds in which processes charge all rated calls, a run's batch after the other."""
    env = provider.env
    start_over(env.cr)
    cycle = env["billing.cycle"].create(
        {
            "name": "Bench",
            "company_id": provider.company.id,
            "term_scheme_ids": [Command.set(provider.scheme.ids)],
        }
    )
    cycle.action_activate()
    run = env["billing.run"].create({"cycle_id": cycle.id, "cutoff_date": date(2026, 7, 31)})
    env.cr.execute(
        "SELECT DISTINCT partner_id FROM cdr_record WHERE state = 'rated' ORDER BY partner_id"
    )
    bills = env["billing.bill"].create(
        [
            {
                "run_id": run.id,
                "company_id": provider.company.id,
                "partner_id": partner_id,
                "currency_id": provider.company.currency_id.id,
            }
            for (partner_id,) in env.cr.fetchall()
        ]
    )
    env.flush_all()
    env.cr.commit()
    batches = list(split_every(BATCH, bills.ids))
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(workers + 1)
    processes = [
        context.Process(target=charge_batches, args=(env, batches[place::workers], ready))
        for place in range(workers)
    ]
    for process in processes:
        process.start()
    ready.wait()
    start = time.perf_counter()
    for process in processes:
        process.join()
    spent = time.perf_counter() - start
    if any(process.exitcode for process in processes):
        raise SystemExit("A process could not charge its calls.")
    env.cr.commit()
    env.invalidate_all()
    env.cr.execute("SELECT count(*) FROM cdr_record WHERE state = 'rated'")
    if left := env.cr.fetchone()[0]:
        raise SystemExit(f"{left} calls were not charged.")
    env.cr.execute(
        "SELECT sum(charged_amount), (SELECT sum(amount) FROM billing_charge WHERE kind = 'usage')"
        " FROM cdr_record"
    )
    print("Calls and charges come to {:.2f} and {:.2f}.".format(*env.cr.fetchone()))
    return spent


def charge_batches(env, batches, ready):
    """Charge the calls of batches of bills in this process, by a connection of its own."""
    sql_db._Pool = None  # that of the process it comes from
    with sql_db.db_connect(env.cr.dbname).cursor() as cr:
        mine = api.Environment(cr, env.uid, env.context)
        mine["billing.bill"].browse(batches[0]).mapped("partner_id.name")
        cr.commit()
        ready.wait()
        for batch in batches:
            mine.invalidate_all()
            mine["billing.bill"].browse(batch)._rate_usage()
            cr.commit()


def start_over(cr):
    """Forget what was charged before."""
    cr.execute("DELETE FROM billing_charge WHERE kind = 'usage'")
    for table in ("billing_bill", "billing_run", "billing_cycle"):
        cr.execute(SQL("DELETE FROM %s", SQL.identifier(table)))
    cr.commit()


def main():
    provider = Provider(env)  # noqa: F821
    content, tenth = provider.lines(CALLS), provider.lines(CALLS // 10)
    ours(provider, tenth)
    figures = {name: [] for name in ("floor", "warm", "cold", "tenth", "orm")}
    memory = 0.0
    for _round in range(ROUNDS):
        for name in figures:
            clear(provider)
            if name == "floor":
                figures[name].append(floor(provider, content) / CALLS)
            elif name == "orm":
                figures[name].append(by_orm(provider, content))
            elif name == "tenth":
                figures[name].append(ours(provider, tenth)[0] / (CALLS // 10))
            else:
                spent, more = ours(provider, content, cold=name == "cold")
                figures[name].append(spent / CALLS)
                memory = max(memory, more)
    clear(provider)
    ours(provider, content)
    older(provider)
    figures["older"] = []
    for _round in range(ROUNDS):
        forget_files(provider)
        figures["older"].append(ours(provider, content)[0] / CALLS)
        drop_month(provider.env)
    charging = {}
    for workers in (1, 2):
        clear(provider)
        ours(provider, content)
        charging[workers] = charge(provider, workers)
    report(figures, memory, charging)


def report(figures, memory, charging):
    labels = {
        "floor": "COPY and a bare prefix join",
        "warm": "import, numbers known",
        "cold": "import, no number known",
        "tenth": f"import of {CALLS // 10:,}",
        "older": f"import above {OLDER:,} older records",
        "orm": "ORM, a search a line",
    }
    print(f"{'':36}{'calls/s':>10}{'µs a call':>11}{'(range)':>18}")
    medians = {}
    for name, label in labels.items():
        spent = [1e6 * one for one in figures[name]]
        medians[name] = statistics.median(spent)
        print(
            f"{label:36}{1e6 / medians[name]:>10,.0f}{medians[name]:>11.1f}"
            f"{f'{min(spent):.1f}–{max(spent):.1f}':>18}"
        )
    for workers, spent in charging.items():
        print(f"Charging {CALLS:,} calls of {SERVICES:,} services by {workers}: {spent:.1f} s")
    print(f"Memory over an idle process: {memory:.0f} MB")
    aims = (
        ("times the floor", medians["warm"] / medians["floor"], "<=", FLOOR_AT_MOST),
        ("times faster than the ORM", medians["orm"] / medians["warm"], ">=", ORM_AT_LEAST),
        (
            "of the time of a tenth, a call",
            medians["warm"] / medians["tenth"],
            "<=",
            GROWTH_AT_MOST,
        ),
        ("of the time in an empty table", medians["older"] / medians["warm"], "<=", OLDER_AT_MOST),
        ("MB more than an idle process", memory, "<=", MEMORY_AT_MOST),
    )
    if CALLS == 1_000_000:
        aims += (("s for charging them by two", charging[2], "<=", CHARGING_AT_MOST),)
    failed = 0
    for text, value, way, limit in aims:
        passed = value <= limit if way == "<=" else value >= limit
        failed += not passed
        print(f"{'PASS' if passed else 'FAIL'}  {value:.2f} {text} ({way} {limit:g})")
    sys.exit(1 if failed else 0)


main()
