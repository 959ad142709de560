"""What customers and other systems reach: the portal's page of a bill with 10,000 calls

Each part stands by itself and prints its aims. ``calls``: a customer's login looks at the calls of an
invoice, through the whole server but for the network (WSGI): the first page, a page in the middle, the
dearest first, searches by number, by class and for nothing, the bill itself, and the file of all calls.
Each figure is the median of five requests after a first one; seconds are those of the clock, beside
those of processors. The file is read in parts; its memory is the peak over the process before it.
Arguments: how many calls (10,000 if left out), and the names of parts (all if left out).
"""

import gc
import logging
import statistics
import sys
import time
from datetime import date, datetime
from pathlib import Path

import psutil
from werkzeug.test import Client

from odoo import api, http
from odoo.fields import Command
from odoo.service import security
from odoo.tools import SQL, config

PAGE_SECONDS = 0.5
FILE_SECONDS = 5.0
FILE_MB = 32
READINGS = 5
FEW = 20


def say(text=""):
    print(text, flush=True)


class Aims:
    """What was aimed at, and whether it was reached."""

    def __init__(self):
        self.failed = []

    def aim(self, text, reached, passed):
        say(f"{'PASS' if passed else 'FAIL'}  {text}: {reached}")
        if not passed:
            self.failed.append(text)


# === THE PORTAL'S PAGE OF CALLS === #


class Calls:
    """One customer with an invoice of so many calls, and the customer's login."""

    def __init__(self, env, count):
        company = env["res.company"].create(
            {"name": "Reach Ltd", "currency_id": env.ref("base.GBP").id}
        )
        env.ref("base.GBP").active = True
        env.user.company_ids += company
        chart = env["account.chart.template"]
        chart.try_loading("generic_coa", company=company, install_demo=False)
        company.currency_id = env.ref("base.GBP")
        context = {"allowed_company_ids": company.ids, "tracking_disable": True}
        self.env = company.with_context(**context).with_company(company).env
        self.company = company.with_env(self.env)
        self.partner = self.env["res.partner"].create({"name": "Harbour Office"})
        self.invoice = self._billed()
        self._copy(count - FEW)
        self.env.cr.commit()
        self.client = self._login()

    def _make(self, model, **values):
        return self.env[model].create({"company_id": self.company.id, **values})

    def _billed(self):
        """Return the posted invoice of a few calls."""
        env = self.env
        scheme = self._make(
            "billing.term.scheme", name="Monthly", classification="postpaid", interval_number=1,
            interval_unit="month", timing="advance", alignment="calendar", anchor_day=1,
        )  # fmt: skip
        plan = self._make("cdr.rate.plan", name="Calls", rounding_digits=4)
        classes = [self._make("cdr.rate.class", name=name) for name in ("National", "Mobile")]
        for prefix, rate_class in zip(("44", "447"), classes, strict=True):
            env["cdr.rate"].create(
                {
                    "plan_id": plan.id,
                    "prefix": prefix,
                    "name": f"United Kingdom {rate_class.name}",
                    "class_id": rate_class.id,
                    "price_minute": 0.06,
                    "date_from": date(2026, 1, 1),
                }
            )
        product = env["product.product"].create({"name": "Telephony", "taxes_id": []})
        tariff = self._make(
            "billing.tariff", name="Trunk", product_id=product.id, price=10.0,
            term_scheme_id=scheme.id, rate_plan_id=plan.id,
        )  # fmt: skip
        service = self._make(
            "billing.service", name="Trunk", partner_id=self.partner.id, tariff_id=tariff.id
        )
        service._activate(date(2026, 1, 1))
        env["billing.service.identifier"].create(
            {
                "service_id": service.id,
                "value": "+442079460000",
                "date_from": date(2026, 1, 1),
            }
        )
        self._load()
        cycle = self._make(
            "billing.cycle", name="Monthly", start_date=date(2026, 1, 1),
            term_scheme_ids=[Command.set(scheme.ids)],
        )  # fmt: skip
        cycle.action_activate()
        run = cycle._create_run(date(2026, 1, 28))
        run.write({"cutoff_date": date(2026, 1, 28), "invoice_date": date(2026, 1, 28)})
        run._execute("posting")
        return env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])

    def _load(self):
        carrier = self._make("cdr.carrier", name="Trunk")
        file = self._make("cdr.file", name="january.csv", carrier_id=carrier.id)
        for number in range(FEW):
            destination = ("447700900123", "442079461111")[number % 2]
            row = {
                "company_id": self.company.id,
                "carrier_id": carrier.id,
                "file_id": file.id,
                "line_number": number,
                "record_key": f"key {number}",
                "state": "unrated",
                "call_time": datetime(2026, 1, 2 + number, 12),
                "call_day": date(2026, 1, 2 + number),
                "direction": "out",
                "identifier": "442079460000",
                "caller": "+442079460000",
                "callee": f"+{destination}",
                "destination": destination,
                "withheld": False,
                "answered": True,
                "seconds": 60 + number,
            }
            self.env.cr.execute(
                SQL(
                    "INSERT INTO cdr_record (%s) VALUES (%s)",
                    SQL(", ").join(map(SQL.identifier, row)),
                    SQL(", ").join(SQL("%s", value) for value in row.values()),
                )
            )
        self.env["cdr.record"]._rate([("state", "=", "unrated")], self.company)

    def _copy(self, count):
        """Copy the calls of the invoice until there are so many more."""
        self.env.flush_all()
        calls = self.env["cdr.record"].search(self.invoice._calls_domain())
        names = [
            name
            for name, field in calls._fields.items()
            if field.store and field.column_type and name not in ("id", "record_key", "callee")
        ]
        columns = SQL(", ").join(map(SQL.identifier, names))
        self.env.cr.execute(
            SQL(
                "INSERT INTO cdr_record (record_key, callee, %s)"
                " SELECT 'copy ' || id || ' ' || n, '+4420' || lpad((id * 7919 + n)::text, 8, '0'),"
                " %s FROM cdr_record, generate_series(1, %s) AS n WHERE id = ANY(%s)",
                columns,
                columns,
                -(-count // FEW),
                calls.ids,
            )
        )
        self.env.cr.execute("ANALYZE")
        self.env.invalidate_all()

    def _login(self):
        """Return a client of the server in which the customer is logged in."""
        user = self.env["res.users"].create(
            {
                "name": "Harbour Office",
                "login": "harbour",
                "password": "harbour",
                "partner_id": self.partner.id,
                "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
                "company_id": self.company.id,
                "company_ids": [Command.set(self.company.ids)],
            }
        )
        self.env.cr.commit()
        session = http.root.session_store.new()
        session.update(http.get_default_session(), db=self.env.cr.dbname, _trace_disable=True)
        session.uid, session.login = user.id, user.login
        own = api.Environment(self.env.cr, user.id, {})
        session.session_token = security.compute_session_token(session, own)
        session.context = dict(own["res.users"].context_get())
        http.root.session_store.save(session)
        client = Client(http.root)
        client.set_cookie("session_id", session.sid, domain="localhost")
        return client

    def get(self, path):
        """Return the body of an answer."""
        answer = self.client.get(path)
        body = answer.get_data(as_text=True)
        if answer.status_code != 200:
            sys.exit(
                f"{path}: {answer.status_code} {answer.headers.get('Location', '')} {body[:300]}"
            )
        return body


def spent():
    """Return the seconds of processors of this process and of its database connections."""
    total = 0
    for process in [psutil.Process(), *_backends()]:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def _backends():
    env.cr.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    pids = [pid for (pid,) in env.cr.fetchall()]
    env.cr.rollback()
    return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]


def measure(work):
    """Return (median seconds of the clock, seconds of processors each) of a request."""
    work()
    took, before = [], spent()
    for _time in range(READINGS):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took), (spent() - before) / READINGS


def peak_mb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def calls(aims, count):
    """The pages of a bill with many calls."""
    book = Calls(env, count)
    address = f"/my/invoices/{book.invoice.id}/calls"
    last = -(-count // 50)
    bill = book.invoice.billing_bill_id
    pages = {
        "first page": address,
        "page in the middle": f"{address}/page/{max(last // 2, 1)}",
        "last page": f"{address}/page/{last}",
        "dearest first": f"{address}?sortby=cost",
        "search by number": f"{address}?search=7700900",
        "search by class": f"{address}?search=mobile",
        "search for nothing": f"{address}?search=nowhere",
        "the bill": f"/my/bills/{bill.id}",
        "all bills": "/my/bills",
    }
    if f"{count}</span> calls" not in book.get(address):
        sys.exit(f"The page does not say that there are {count} calls.")
    for name, path in pages.items():
        seconds, processors = measure(lambda path=path: book.get(path))
        aims.aim(
            f"{name} of {count} calls in {PAGE_SECONDS} s",
            f"{seconds:.3f} s ({processors:.3f} s of processors)",
            seconds <= PAGE_SECONDS,
        )
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    idle = peak_mb()
    answer = book.client.get(f"{address}.csv", buffered=False)
    size, lines = 0, 0
    start = time.perf_counter()
    for part in answer.response:
        size += len(part)
        lines += part.count(b"\n")
    answer.close()
    memory = peak_mb() - idle
    seconds, processors = measure(lambda: book.get(f"{address}.csv"))
    if lines != count + 1:
        sys.exit(
            f"The file has {lines} lines, not {count + 1}; sent in {time.perf_counter() - start}."
        )
    aims.aim(
        f"the file of {count} calls in {FILE_SECONDS} s",
        f"{seconds:.2f} s ({processors:.2f} s of processors), {size / 1e6:.1f} MB",
        seconds <= FILE_SECONDS,
    )
    aims.aim(f"the file with at most {FILE_MB} MB", f"{memory:.0f} MB", memory <= FILE_MB)


PARTS = {"calls": calls}


def main():
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    names = [word for word in sys.argv[1:] if not word.isdigit()] or list(PARTS)
    config["dbfilter"] = f"^{env.cr.dbname}$"
    logging.getLogger("py.warnings").setLevel(logging.ERROR)  # Odoo's own, of its libraries
    aims = Aims()
    for name in names:
        say(f"-- {name}")
        PARTS[name](aims, numbers[0] if numbers else 10_000)
    sys.exit(1 if aims.failed else 0)


main()
