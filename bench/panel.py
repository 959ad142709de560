"""The screens of a run of 5,000 bills: Next Steps, run form, bill list, pre-billing report, and
the start page above 50,000 customers, 100,000 bills and 1,000,000 tasks

One company, ten tariffs with an add-on each, one service a customer. A first run is billed,
posted, delivered and paid in part, so that everything stands beside the month before. Then the
second run is looked at before its request and after posting, by an accountant with record
rules, as the web client asks: `web_read` and `web_search_read` with the views' own fields. Each
figure is the median of three readings that find no record in memory. For the start page, read by a
billing manager, what is there is then copied in the database until there is enough of it: ten
times as many customers and bills, and two hundred tasks a customer.
Argument: how many customers (5,000 if left out).
"""

import statistics
import sys
import time
from datetime import date

from lxml import etree

from odoo.fields import Command, Datetime

CUSTOMERS = int((sys.argv[1:] or ["5000"])[0])
READINGS = 3
PANEL_SECONDS, PANEL_QUERIES = 0.5, 60
SCREEN_SECONDS = 2.0
START_SECONDS, START_QUERIES = 0.5, 40
#: what the start page is read above, times the customers of the run
START_CUSTOMERS, START_BILLS, START_TASKS = 10 * CUSTOMERS, 20 * CUSTOMERS, 200 * CUSTOMERS
REPORT_SECONDS = 10.0
PDF = b"%PDF-1.4\n%%EOF\n"


# === THE DATA === #


def make_company(env):
    """Return an environment that works for a new company with a chart of accounts."""
    company = env["res.company"].create({"name": "Bench", "currency_id": env.ref("base.USD").id})
    company.email = "billing@bench.example"
    env.user.company_ids += company
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
    context = {**env.context, "allowed_company_ids": company.ids, "tracking_disable": True}
    return env(context=context)


def make_tariffs(env):
    tax = env["account.tax"].create({"name": "Bench 15%", "amount": 15, "type_tax_use": "sale"})
    scheme = env["billing.term.scheme"].create(
        {
            "name": "Monthly",
            "company_id": env.company.id,
            "classification": "postpaid",
            "interval_number": 1,
            "interval_unit": "month",
            "timing": "advance",
            "alignment": "calendar",
            "anchor_day": 1,
        }
    )
    values = []
    for index in range(10):
        products = env["product.product"].create(
            [
                {"name": f"{name} {index}", "type": "service", "taxes_id": [Command.set(tax.ids)]}
                for name in ("Hosting", "Disk")
            ]
        )
        values.append(
            {
                "name": f"Tariff {index}",
                "company_id": env.company.id,
                "product_id": products[0].id,
                "price": 10.0 + index * 3.33,
                "term_scheme_id": scheme.id,
                "addon_ids": [Command.create({"product_id": products[1].id, "price": 2.5})],
            }
        )
    return env["billing.tariff"].create(values)


def make_services(env, tariffs, count):
    """Customers and their services: some without address, on paper, by card, on hold."""
    country = env.ref("base.us").id
    partners = env["res.partner"].create(
        [
            {
                "name": f"Customer {index}",
                "email": f"customer{index}@bench.example" if index % 20 else False,
                "street": "1 Bench Street" if index % 25 else False,
                "city": "Benchmark",
                "country_id": country,
                "is_company": index % 3 == 0,
                "invoice_sending_method": "print" if index % 5 == 0 else "email",
                "billing_payment_preference": ("transfer", "direct_debit", "card")[index % 3],
                "billing_hold": index % 500 == 499,
            }
            for index in range(count)
        ]
    )
    services = env["billing.service"].create(
        [
            {
                "name": f"Service {index}",
                "partner_id": partner.id,
                "tariff_id": tariffs[index % 10].id,
                "company_id": env.company.id,
                # Prices of one's own: no two customers' invoices are the same.
                "price": 10.0 + index / 100,
                "addon_line_ids": [
                    Command.create(
                        {"addon_id": tariffs[index % 10].addon_ids.id, "quantity": 1 + index % 4}
                    )
                ],
            }
            for index, partner in enumerate(partners)
        ]
    )
    services._activate(date(2026, 1, 1))


def make_cycle(env, tariffs):
    cycle = env["billing.cycle"].create(
        {
            "name": "Bench",
            "company_id": env.company.id,
            "start_date": date(2026, 1, 1),
            "term_scheme_ids": [Command.set(tariffs.term_scheme_id.ids)],
        }
    )
    cycle.action_activate()
    return cycle


def produce(env, run):
    """Take the run to the end of posting and give every second document a PDF."""
    run._execute("posting")
    env.flush_all()
    env.invalidate_all()
    moves = env["account.move"].search([("billing_bill_id.run_id", "=", run.id)], order="id")
    env["ir.attachment"].create(
        [
            {
                "name": f"{move.name}.pdf",
                "raw": PDF,
                "res_model": "account.move",
                "res_id": move.id,
                "res_field": "invoice_pdf_report_file",
            }
            for move in moves[::2]
        ]
    )
    return moves


def deliver(env, moves):
    """E-mail and print what has a PDF, apart from every tenth of it; not all arrive."""
    now = Datetime.now()
    model, values = env["billing.delivery"], []
    env["billing.delivery"]._create_missing(moves.browse())
    for index, move in enumerate(moves[::2]):
        recipient = move.partner_id.email
        if index % 10 == 9 or move.partner_id.invoice_sending_method == "email" and not recipient:
            continue
        if move.partner_id.invoice_sending_method == "print":
            done = {"state": "printed", "done_date": now}
            values.append(model._prepare_values(move, False, **done))
        else:
            state = {97: "unknown", 98: "bounced"}.get(index % 100, "sent")
            values.append(model._prepare_values(move, recipient, state=state, done_date=now))
    model.create(values)


def make_payments(env, moves):
    """Money that waits to be allocated: one customer in 20 has paid."""
    journal = env["account.journal"].search(
        [("type", "=", "bank"), ("company_id", "=", env.company.id)], limit=1
    )
    payments = env["account.payment"].create(
        [
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": move.partner_id.id,
                "amount": move.amount_total,
                "journal_id": journal.id,
                "date": date(2026, 1, 20),
            }
            for move in moves[::20]
        ]
    )
    payments.action_post()


def copy_rows(record, numbers, **columns):
    """Insert copies of a record, one for each ``n`` of a query, with SQL as other values."""
    cr, table = record.env.cr, record._table
    cr.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = %s AND column_name != 'id'"
        " AND is_generated = 'NEVER'",
        [table],
    )
    names = [name for (name,) in cr.fetchall()]
    values = ", ".join(columns.get(name, f't."{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    cr.execute(
        f"INSERT INTO {table} ({quoted}) SELECT {values} FROM {table} t, ({numbers}) s"
        f" WHERE t.id = {record.id} RETURNING id"
    )
    return [row[0] for row in cr.fetchall()]


def fill_up(env, run):
    """Copy customers, bills, invoices, charges and tasks until the start page has enough below
    it: one bill in 20 is in error, one charge in 10 is not billed, one task in 1,000 failed."""
    env.flush_all()
    bill = env["billing.bill"].search([("run_id", "=", run.id), ("state", "=", "posted")], limit=1)
    charge, move = bill.charge_ids[:1], bill.move_ids[:1]
    partners = env["res.partner"].search_count([("name", "like", "Customer ")])
    copy_rows(
        bill.partner_id,
        f"SELECT generate_series(1, {START_CUSTOMERS - partners}) n",
        name="'Copy ' || n",
        complete_name="'Copy ' || n",
    )
    missing = START_BILLS - env["billing.bill"].search_count([])
    runs = copy_rows(
        run,
        "SELECT generate_series(1, 2) n",
        number="'BENCH/' || n",
        cycle_date="NULL",
        state="'completed'",
    )
    of_copies = (
        "SELECT p.id AS partner, r.id AS run, row_number() OVER () AS n"
        " FROM res_partner p, unnest(ARRAY[%s]) r(id) WHERE p.name LIKE 'Copy %%'"
        " LIMIT %s" % (", ".join(map(str, runs)), missing)
    )
    bills = copy_rows(
        bill,
        of_copies,
        run_id="s.run",
        partner_id="s.partner",
        state="CASE WHEN n % 20 = 0 THEN 'error' ELSE t.state END",
        error_code="CASE WHEN n % 20 = 0 THEN 'rating_failed' END",
    )
    of_bills = "SELECT unnest(ARRAY%s) AS bill, generate_series(1, %s) AS n" % (bills, len(bills))
    copy_rows(
        move,
        of_bills,
        billing_bill_id="s.bill",
        name="'BENCH/' || n",
        sequence_number="1000000 + n",
        access_token="NULL",
        invoice_date="CURRENT_DATE - (n % 365)::int",
    )
    copy_rows(
        charge,
        of_bills,
        bill_id="s.bill",
        kind="'usage'",
        source_key="'bench:' || n",
        state="CASE WHEN n % 10 = 0 THEN 'rated' ELSE t.state END",
    )
    task = env["billing.task"].search([("state", "=", "completed")], limit=1)
    copy_rows(
        task,
        f"SELECT generate_series(1, {START_TASKS}) n",
        identity_key="NULL",
        exclusive_key="NULL",
        state="CASE WHEN n % 1000 = 0 THEN 'failed' WHEN n % 1000 = 1 THEN 'error'"
        " ELSE 'completed' END",
    )


def make_user(env, name, group):
    user = env["res.users"].create(
        {
            "name": name,
            "login": f"bench_{name.lower()}",
            "company_id": env.company.id,
            "company_ids": [Command.set(env.company.ids)],
            "group_ids": [
                Command.link(env.ref("base.group_user").id),
                Command.link(env.ref(f"billing_operations.{group}").id),
            ],
        }
    )
    context = {"lang": "en_US", "tz": "UTC", "allowed_company_ids": env.company.ids}
    return env(user=user.id, context=context)


# === WHAT THE WEB CLIENT ASKS FOR === #


def specification(node, models, model):
    """Return the fields that the web client reads for a view, as it makes them from the arch."""
    spec = {}
    todo = list(node)
    while todo:
        child = todo.pop(0)
        if child.tag != "field":
            todo = [*child, *todo]
            continue
        name = child.get("name")
        field = models[model]["fields"][name]
        hidden = child.get("invisible") in ("True", "1")
        value = spec.setdefault(name, {})
        if field["type"] in ("many2one", "reference"):
            value["fields"] = {} if hidden else {"display_name": {}}
        elif field["type"] in ("one2many", "many2many") and not hidden:
            if len(child):
                value["fields"] = specification(child, models, field["relation"])
                value["limit"] = int(child[0].get("limit", 40))
            elif child.get("widget") == "many2many_tags":
                value["fields"] = {"display_name": {}}
    return spec


def view_spec(env, model, view_type):
    views = env[model].get_views([(False, view_type)], {"toolbar": True})
    arch = etree.fromstring(views["views"][view_type]["arch"])
    return specification(arch, views["models"], model)


# === MEASURING === #


class Measures:
    """Readings of one environment, and whether they reach their aims."""

    def __init__(self, env):
        self.env = env
        self.failed = []

    def read(self, function, env=None):
        """Return the last result, the median seconds and the most queries of some readings."""
        env = env or self.env
        spent, queries = [], []
        for _reading in range(READINGS):
            env.flush_all()
            env.invalidate_all()
            before, start = env.cr.sql_log_count, time.perf_counter()
            result = function()
            env.flush_all()
            spent.append(time.perf_counter() - start)
            queries.append(env.cr.sql_log_count - before)
        return result, statistics.median(spent), max(queries)

    def aim(self, text, reached, passed):
        print(f"{'PASS' if passed else 'FAIL'}  {text}: {reached}", flush=True)
        if not passed:
            self.failed.append(text)

    def screen(self, text, function):
        result, seconds, queries = self.read(function)
        self.aim(
            f"{text} under {SCREEN_SECONDS:g} s",
            f"{seconds:.3f} s, {queries} queries",
            seconds < SCREEN_SECONDS,
        )
        return result

    def panel(self, run, when, states):
        data, seconds, queries = self.read(run.get_next_steps)
        found = {step["code"]: step["state"] for step in data["steps"]}
        wrong = {code: found.get(code) for code in states if found.get(code) != states[code]}
        assert not wrong, f"the panel {when} is not the one to measure: {wrong} in {found}"
        self.aim(
            f"the panel {when} under {PANEL_SECONDS:g} s",
            f"{seconds:.3f} s",
            seconds < PANEL_SECONDS,
        )
        self.aim(
            f"the panel {when} in under {PANEL_QUERIES} queries", queries, queries < PANEL_QUERIES
        )

    def form(self, run, when):
        spec = view_spec(self.env, "billing.run", "form")
        self.screen(f"the run's form {when}", lambda: run.web_read(spec))

    def bills(self, run):
        spec = view_spec(self.env, "billing.bill", "list")
        bills = self.env["billing.bill"]
        domain = run.action_view_bills()["domain"]

        def page(**options):
            return bills.web_search_read(domain, spec, limit=80, count_limit=10001, **options)

        found = self.screen("the bill list", page)
        assert found["length"] == CUSTOMERS and len(found["records"]) == 80
        self.screen("the bill list's last page", lambda: page(offset=CUSTOMERS - 80))
        self.screen("the bill list by amount", lambda: page(order="state desc"))
        by_name = [*domain, ("partner_id", "child_of", "Customer 49")]
        self.screen(
            "the bill list searched by customer",
            lambda: bills.web_search_read(by_name, spec, limit=80, count_limit=10001),
        )
        for group in ("state", "error_code", "skip_reason", "currency_id"):
            self.screen(
                f"the bill list grouped by {group}",
                lambda group=group: bills.web_read_group(
                    domain, [group], ["__count"], auto_unfold=True, unfold_read_specification=spec
                ),
            )
        self.screen(
            "the bills' pivot",
            lambda: bills.formatted_read_group(domain, ["run_id", "state"], ["__count"]),
        )

    def runs(self):
        spec = view_spec(self.env, "billing.run", "list")
        self.screen(
            "the list of runs",
            lambda: self.env["billing.run"].web_search_read([], spec, limit=80, count_limit=10001),
        )

    def start(self, env):
        page = env["billing.start"]
        page.get_start_page()  # rules and groups are in the server's memory from then on
        data, seconds, queries = self.read(page.get_start_page, env)
        shown = {entry["code"]: len(entry["rows"]) for entry in data["entries"]}
        wanted = {"exceptions", "failed_tasks", "invoiced", "unbilled"}
        assert all(shown[code] for code in wanted), shown
        self.aim(
            f"the start page above {START_BILLS:,} bills and {START_TASKS:,} tasks under"
            f" {START_SECONDS:g} s",
            f"{seconds:.3f} s",
            seconds < START_SECONDS,
        )
        self.aim(
            f"the start page in at most {START_QUERIES} queries", queries, queries <= START_QUERIES
        )


def measure_report(env, run, measures):
    cpu = time.process_time()
    report, seconds, queries = measures.read(lambda: run._make_report("pre"), env)
    cpu = (time.process_time() - cpu) / READINGS
    assert (report.state, report.customer_count) == ("done", CUSTOMERS), report.message
    measures.aim(
        f"the pre-billing report of {CUSTOMERS:,} customers under {REPORT_SECONDS:g} s",
        f"{seconds:.2f} s in one process ({cpu:.2f} s of it Python), {queries:,} queries",
        seconds < REPORT_SECONDS,
    )


def settle(env):
    """Leave the data as a server that has worked for a while would have it: vacuumed and
    analyzed, so that PostgreSQL does not begin with that in the middle of a reading."""
    env.flush_all()
    env.cr.commit()
    env.cr.connection.autocommit = True
    env.cr.execute("VACUUM ANALYZE")
    env.cr.connection.autocommit = False
    env.invalidate_all()


def main(env):
    start = time.perf_counter()
    env = make_company(env)
    tariffs = make_tariffs(env)
    make_services(env, tariffs, CUSTOMERS)
    cycle = make_cycle(env, tariffs)
    settle(env)
    first = cycle._create_run(date(2026, 1, 1))
    moves = produce(env, first)
    deliver(env, moves)
    make_payments(env, moves)
    first.action_close()
    run = cycle._create_run(date(2026, 2, 1))
    accountant = make_user(env, "Accountant", "group_billing_user")
    settle(env)
    print(f"made in {time.perf_counter() - start:.0f} s: {len(moves):,} posted invoices")
    measures = Measures(accountant)
    run_seen = run.with_env(accountant)

    measure_report(env, run, measures)
    for step in ("payments", "pre_report"):
        run_seen.action_confirm_step(step)
    measures.panel(run_seen, "before request", {"customers": "attention", "request": "todo"})
    measures.form(run_seen, "before request")

    deliver(env, produce(env, run))
    settle(env)
    measures.panel(run_seen, "after posting", {"email": "todo", "tie_out": "done"})
    measures.form(run_seen, "after posting")
    measures.bills(run_seen)
    measures.runs()

    fill_up(env, run)
    settle(env)
    measures.start(make_user(env, "Manager", "group_billing_manager"))
    sys.exit(1 if measures.failed else 0)


main(env)  # noqa: F821 - given by the script runner
