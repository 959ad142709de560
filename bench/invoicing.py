"""Runs from rating to posted invoices by real workers, beside OCA's contract and the first build

On databases of their own, in turns: this addon on a bare database and on one with the modules of
bench/modules.txt, by one worker and by two; this addon as it was at the first build; OCA's addon
Contract, whose invoices are created and posted in batches of 100, its fastest way. Every customer
has a price of its own and three lines a month: a service with two add-ons, 15 % tax, due in 30 days.
The books of all are compared. Each round bills the next month. Arguments: how many customers (500,
2,000 and 5,000 if left out; `rounds=3` says how many rounds), or `grow` (an invoice at 50,000
customers beside one at 500), `balances` (60 earlier bills a customer beside one) or `proofs` (their
share of a run).
"""

import json
import os
import statistics
import sys
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import psutil
from dateutil.relativedelta import relativedelta

from odoo.tools import config

from odoo.addons.billing_operations.tests.workers import Database

MODULES = [
    line
    for line in (Path(__file__).parent / "modules.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PEERS, FIRST_BUILD = os.environ.get("BILLING_BENCH_PEERS"), os.environ.get("BILLING_BENCH_FIRST")
FIRST_MONTH = date(2026, 1, 1)
PEER_BATCH = 100
FASTER_THAN_PEER = {1: 12.0, 2: 20.0}
FASTER_THAN_FIRST = 3.0
SLOWER_WITH_MODULES = 1.25
MEMORY_AT_MOST = 100  # MB over an idle worker
GROWTH_AT_MOST = 1.1
BALANCES_AT_MOST = 1.2
PROOFS_AT_MOST = 0.05

# One customer with all that belongs to it is made by Odoo, the others are its copies, by SQL.
COPIES = """
from psycopg2.extras import Json
from odoo.tools import SQL


def multiply(record, count, **other):
    # Return the ids of `count` copies; `other` says by column what they have of their own, as SQL
    # over `id` and `n`, their place.
    table = record._table
    env.flush_all()
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = 'public' AND column_name <> 'id' AND is_generated = 'NEVER'",
        [table],
    )
    names = [name for (name,) in env.cr.fetchall()]
    values = [SQL(other[name]) if name in other else SQL.identifier("one", name) for name in names]
    env.cr.execute(
        SQL(
            "WITH new AS (SELECT nextval(pg_get_serial_sequence(%s, 'id')) AS id, n"
            "               FROM generate_series(0, %s) AS n)"
            " INSERT INTO %s (id, %s) SELECT new.id, %s FROM new"
            "   JOIN %s AS one ON one.id = %s ORDER BY n RETURNING id",
            table,
            count - 1,
            SQL.identifier(table),
            SQL(", ").join(map(SQL.identifier, names)),
            SQL(", ").join(values),
            SQL.identifier(table),
            record.id,
        )
    )
    ids = sorted(id for (id,) in env.cr.fetchall())
    env.invalidate_all()
    return ids


def of(ids):
    # The copy of the same place, as SQL.
    return f"(ARRAY[{', '.join(map(str, ids))}])[n + 1]" if len(ids) < 2 else f"{ids[0]} + n"
"""
COMMON = (
    COPIES
    + """
import json
from datetime import date, datetime
from odoo.fields import Command

company = env["res.company"].create({"name": name, "currency_id": env.ref("base.USD").id})
env.user.company_ids += company
env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
env.user.company_id = company
env = env(context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True})
tax = env["account.tax"].create({"name": "Bench 15%", "amount": 15.0, "company_id": company.id})
term = env["account.payment.term"].create(
    {
        "name": "30 days",
        "line_ids": [Command.create({"value": "percent", "value_amount": 100.0, "nb_days": 30})],
    }
)
products = env["product.product"].create(
    [
        {"name": title, "type": "service", "taxes_id": [Command.set(tax.ids)]}
        for title in ("Line", "Number", "Voicemail")
    ]
)
customer = env["res.partner"].create(
    {"name": "Customer", "property_payment_term_id": term.id, "country_id": company.country_id.id}
)
env.flush_all()


def copy_customer(count):
    return multiply(
        customer,
        count,
        name="'Customer ' || n",
        complete_name="'Customer ' || n",
        commercial_partner_id="new.id",
    )
"""
)
MAKE_OURS = (
    COMMON
    + """
scheme = env["billing.term.scheme"].create({"name": "Monthly", "company_id": company.id})
tariff = env["billing.tariff"].create(
    {"name": "Line", "product_id": products[0].id, "term_scheme_id": scheme.id, "price": 10.0}
)
addons = env["billing.tariff.addon"].create(
    [
        {"tariff_id": tariff.id, "product_id": product.id, "price": 2.5 + place}
        for place, product in enumerate(products[1:])
    ]
)
service = env["billing.service"].create(
    {"name": "Line", "partner_id": customer.id, "tariff_id": tariff.id, "price": 9.99}
)
lines = env["billing.service.addon"].create(
    [{"service_id": service.id, "addon_id": addon.id, "quantity": 1} for addon in addons]
)
service._activate(date(*start))
partners = copy_customer(count)
services = multiply(
    service,
    count,
    partner_id=of(partners),
    number="'B' || new.id",
    price="9.99 + n / 100.0",
)
for line in lines:
    multiply(line, count, service_id=of(services))
# The one that was copied is nobody's.
env.cr.execute("DELETE FROM billing_service_addon WHERE service_id = %s", [service.id])
env.cr.execute("DELETE FROM billing_service WHERE id = %s", [service.id])
env.invalidate_all()
cycle = env["billing.cycle"].create(
    {
        "name": "Bench",
        "company_id": company.id,
        "start_date": date(*start),
        "term_scheme_ids": [Command.set(scheme.ids)],
    }
)
cycle.action_activate()
env.flush_all()
env.cr.execute("ANALYZE")
env.cr.commit()
print()
print(json.dumps({"company": company.id, "cycle": cycle.id}))
"""
)
NEXT_RUN = """
import json
from datetime import date, datetime
env.user.company_ids += env["res.company"].browse(company)
env = env(context={**env.context, "allowed_company_ids": [company]})
run = env["billing.cycle"].browse(cycle)._create_run(date(*day))
run.action_request(target_stage="posting", scheduled_date=datetime(2100, 1, 1))
env.cr.commit()
print()
print(json.dumps(run.id))
"""
MAKE_PEERS = (
    COMMON
    + """
journal = env["account.journal"].search([("type", "=", "sale"), ("company_id", "=", company.id)])[0]
rule = {
    "recurring_interval": 1,
    "recurring_rule_type": "monthly",
    "recurring_invoicing_type": "pre-paid",
    "date_start": date(*start),
}
contract = env["contract.contract"].create(
    {
        "name": "Line",
        "partner_id": customer.id,
        "company_id": company.id,
        "journal_id": journal.id,
        "payment_term_id": term.id,
        "line_recurrence": True,
        "contract_line_ids": [
            Command.create(
                {**rule, "product_id": product.id, "name": product.name, "price_unit": price}
                | {"quantity": 1.0, "recurring_next_date": date(*start)}
            )
            for product, price in zip(products, (9.99, 2.5, 3.5))
        ],
    }
)
partners = copy_customer(count)
contracts = multiply(
    contract, count, partner_id=of(partners), invoice_partner_id=of(partners),
    commercial_partner_id=of(partners),
)
for place, line in enumerate(contract.contract_line_ids):
    own = {"price_unit": "9.99 + n / 100.0"} if not place else {}
    multiply(line, count, contract_id=of(contracts), partner_id=of(partners), **own)
env.cr.execute("DELETE FROM contract_line WHERE contract_id = %s", [contract.id])
env.cr.execute("DELETE FROM contract_contract WHERE id = %s", [contract.id])
env.invalidate_all()
env.cr.execute("ANALYZE")
env.cr.commit()
print()
print(json.dumps({"company": company.id, "contracts": [contracts[0], contracts[-1]]}))
"""
)
BILL_PEERS = """
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import date
from odoo.tools import split_every
env.user.company_ids += env["res.company"].browse(company)
env.user.company_id = company
env = env(context={**env.context, "allowed_company_ids": [company]})
# The first invoices of a process fill its caches.
warm = env["contract.contract"].browse(contracts[0])
warm._recurring_create_invoice(date(*day)).action_post()
env.flush_all()
env.cr.rollback()
env.invalidate_all()
begun = time.perf_counter()
for ids in split_every(batch, range(contracts[0], contracts[1] + 1)):
    env["contract.contract"].browse(ids)._recurring_create_invoice(date(*day)).action_post()
    env.cr.commit()
    env.invalidate_all()
print()
print(time.perf_counter() - begun)
"""
BOOKS = """
    SELECT a.code_store ->> '{company}', count(*), sum(l.debit), sum(l.credit)
      FROM account_move_line AS l JOIN account_account AS a ON a.id = l.account_id
     WHERE l.company_id = {company} AND l.parent_state = 'posted' AND l.date = '{day}'
  GROUP BY 1 ORDER BY 1
"""


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

    def books(self, count):
        """Return what the first month's documents hold on every account."""
        company = self.made[count]["company"]
        return self.execute(BOOKS.format(company=company, day=FIRST_MONTH))


class Ours(Bench):
    """This addon, or an earlier build of it."""

    def fill(self, count):
        start = (FIRST_MONTH.year, FIRST_MONTH.month, FIRST_MONTH.day)
        source = MAKE_OURS
        self.made[count] = last_line(
            self.script(source, name=f"Bench {count}", count=count, start=start)
        )

    def bill(self, count, month, workers=1):
        """Return the seconds from asking for a run to its end, and what its workers grew by, in
        MB."""
        made = self.made[count]
        day = FIRST_MONTH + relativedelta(months=month)
        run_id = last_line(self.script(NEXT_RUN, day=(day.year, day.month, day.day), **made))
        with self.workers(workers, crons=["cron_billing_wake_runs"]) as server:
            idle = warm_up(server)
            begun = time.perf_counter()
            self.execute(
                f"""
                UPDATE billing_run SET scheduled_date = NULL WHERE id = {run_id};
                UPDATE billing_task SET delay_date = now() AT TIME ZONE 'UTC'
                 WHERE res_model = 'billing.run' AND res_id = {run_id} AND state = 'pending'
                """
            )
            server.wake()
            finished = f"""
                SELECT stage = 'posting' AND state <> 'running' FROM billing_run
                 WHERE id = {run_id}
            """
            deadline = begun + 3000
            while not self.value(finished):
                if time.perf_counter() > deadline:
                    raise TimeoutError(server.log.read_text(errors="replace")[-4000:])
                server.keep_up()
                time.sleep(0.03)
            spent = time.perf_counter() - begun
            grown = max(peak(pid) - idle for pid in server.pids())
        return spent, grown


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
            aim(
                f"the same items and amounts on every account at {size:,}",
                f"{len(books['ours'])} accounts, {books['ours'][0][1]:,} items on the first",
                len({str(rows) for rows in books.values()}) == 1 and books["ours"],
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


INLINE = """
import json
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import date
from dateutil.relativedelta import relativedelta
env.user.company_ids += env["res.company"].browse(company)
env = env(context={**env.context, "allowed_company_ids": [company]})
spent = {}


def timed(model, name):
    # Add up what a method of a model takes.
    kind = type(env[model])
    plain = getattr(kind, name)

    def method(*arguments, **others):
        env.flush_all()
        begun = time.perf_counter()
        result = plain(*arguments, **others)
        env.flush_all()
        spent[name] = spent.get(name, 0.0) + time.perf_counter() - begun
        return result

    setattr(kind, name, method)


timed(*watched)
results = []
for month in range(months):
    run = env["billing.cycle"].browse(cycle)._create_run(date(*start) + relativedelta(months=month))
    env.cr.commit()
    env.invalidate_all()
    spent.clear()
    begun = time.perf_counter()
    run._execute("posting")
    env.cr.commit()
    results.append([time.perf_counter() - begun, spent.get(watched[1], 0.0)])
print()
print(json.dumps(results))
"""


def inline(count, months, model, method):
    """Return the seconds of runs in one process, and of one method in each."""
    with Ours() as database:
        database.fill(count)
        start = (FIRST_MONTH.year, FIRST_MONTH.month, FIRST_MONTH.day)
        values = {"start": start, "months": months, "watched": (model, method)}
        return last_line(database.script(INLINE, **values, **database.made[count]))


def balances(aim, count=500, months=64):
    """Compare what balances cost early and late."""
    results = inline(count, months, "billing.bill", "_record_balances")
    early = statistics.median(seconds for _run, seconds in results[1:4])
    late = statistics.median(seconds for _run, seconds in results[-3:])
    print(f"Balances of {count:,} bills: {early * 1e3:.0f} ms with 1 to 3 earlier bills a customer")
    aim(
        f"balances with {months - 3} earlier bills cost at most {BALANCES_AT_MOST:g} times as much",
        f"{late / early:.2f} ({late * 1e3:.0f} ms)",
        late <= BALANCES_AT_MOST * early,
    )


def proofs(aim, count=2_000):
    """Measure what proving takes of a run."""
    results = inline(count, 4, "billing.invoice.builder", "_make_by_both")
    shares = [seconds / run for run, seconds in results[1:]]
    aim(
        f"proving takes at most {PROOFS_AT_MOST:.0%} of a run of {count:,}",
        f"{statistics.median(shares):.1%}",
        statistics.median(shares) <= PROOFS_AT_MOST,
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
