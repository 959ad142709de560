"""Invoices sent to Xero's stand-in at the rate that Xero allows

Invoices of one customer are copied by SQL, put on the list, and sent by a worker in this process, with every
commit that it makes; the stand-in is a process of its own, with Xero's limit of 60 calls a minute. Shown are the time,
beside the shortest that the limit allows, the peak of memory over the process before anything was sent, and
whether each invoice is there once. Argument: how many invoices (5,000 if left out).
"""

import ctypes
import gc
import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from unittest.mock import patch

import psutil

from odoo.fields import Command

from odoo.addons.billing_operations.accounting_export.xero_client import Hosts
from odoo.addons.billing_operations.accounting_export.xero_models import BATCH
from odoo.addons.billing_operations.billing_tasks.worker import TaskWorker

#: what is aimed at: MB over an idle worker, and how much longer than the limit asks for
MEMORY_AT_MOST = 100
LONGER_AT_MOST = 1.5
PER_MINUTE = 60
SERVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from xero_server import XeroServer

with XeroServer(per_minute=60) as xero:
    contact = xero.add_contact(name="Customer").contact_id
    tokens = xero.let_in()
    print(json.dumps([xero.url, xero.tenant, contact, tokens]), flush=True)
    sys.stdin.read()
    numbers = xero.numbers()
    refused = sum(1 for method, path, key in xero.requests) - len(xero.kept)
    print(json.dumps([len(numbers), len(set(numbers)), len(xero.kept), refused]), flush=True)
"""


def status(name):
    """Return MB of this process's status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def make_invoices(company, count):
    """Return so many posted invoices with three lines: one that Odoo makes, and copies of its rows."""
    env = company.env
    partner = env["res.partner"].create({"name": "Customer"})
    product = env["product.product"].create({"name": "Hosting", "taxes_id": []})
    move = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": partner.id,
            "invoice_date": date.today(),
            "invoice_line_ids": [
                Command.create({"product_id": product.id, "price_unit": 3.35 * number})
                for number in (1, 2, 3)
            ],
        }
    )
    move.action_post()
    env.flush_all()
    ids = copy_rows(env, move, count, {"name": "'COPY/' || n", "sequence_prefix": "'COPY/'"})
    for line in move.line_ids:
        copy_rows(
            env,
            line,
            count,
            {"move_id": "(%(moves)s::int[])[n]", "move_name": "'COPY/' || n"},
            {"moves": ids},
        )
    env.cr.commit()
    env.cr.execute("ANALYZE")
    env.invalidate_all()
    return partner, move.line_ids.filtered(lambda line: line.display_type == "product").account_id


def copy_rows(env, record, count, changed, values=None):
    """Copy the row of a record so often; return the new ids."""
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema AND table_name = %s AND column_name <> 'id'",
        [record._table],
    )
    columns = [name for (name,) in env.cr.fetchall()]
    taken = ", ".join(changed.get(name, f'"{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    env.cr.execute(
        f"INSERT INTO {record._table} ({names})"
        f" SELECT {taken} FROM {record._table}, generate_series(1, {count}) AS n"
        f" WHERE id = {record.id} ORDER BY n RETURNING id",
        values or {"moves": []},
    )
    return [row[0] for row in env.cr.fetchall()]


def make_connection(company, account, partner, tenant, contact, tokens):
    """Return a connection that is let in, whose customer is there."""
    env = company.env
    connection = env["accounting.export.connection"].create(
        {"name": "Xero", "kind": "xero", "client_id": "client", "client_secret": "client-password"}
    )
    env["accounting.export.mapping"].create(
        [
            {
                "connection_id": connection.id,
                "kind": "account",
                "account_id": account.id,
                "code": "200",
            },
            {"connection_id": connection.id, "kind": "tax", "code": "NONE"},
        ]
    )
    connection._set_state("active", {"tenant_id": tenant, "tenant_name": "Xero"})
    connection._secret().write(
        {
            "access_token": tokens["access_token"],
            "refresh_token": tokens["refresh_token"],
            "expires": time.time() + 1800,
        }
    )
    item = (
        env["accounting.export.item"]
        ._own()
        .create(
            {
                "connection_id": connection.id,
                "kind": "customer",
                "partner_id": partner.id,
                "reference": "r1",
            }
        )
    )
    item._set_state("sent", {"other_id": contact})
    return connection


def send(env):
    """Work through the queue as a worker does, until nothing of the export is left."""
    left = "SELECT count(*) FROM accounting_export_item WHERE state IN ('waiting', 'sending')"
    while True:
        TaskWorker(env.registry, time.monotonic() + 50).run()
        env.cr.rollback()
        env.cr.execute(left)
        if not env.cr.fetchone()[0]:
            return
        time.sleep(0.5)


def main(env, count):
    """Send, and say what it took; return whether all is as aimed at."""
    company = env["res.company"].create(
        {"name": "Bench Provider Ltd", "currency_id": env.ref("base.EUR").id}
    )
    env.ref("base.EUR").active = True
    env.user.company_ids += company
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
    company.currency_id = env.ref("base.EUR")
    company = company.with_context(allowed_company_ids=company.ids, tracking_disable=True)
    company = company.with_company(company)
    env["billing.task"].search([]).unlink()
    partner, account = make_invoices(company, count - 1)
    tests = Path(__file__).resolve().parents[1] / "tests"
    command = [sys.executable, "-c", SERVER, str(tests)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        url, tenant, contact, tokens = json.loads(server.stdout.readline())
        hosts = Hosts(token=f"{url}/connect/token", api=url)
        connection = make_connection(company, account, partner, tenant, contact, tokens)
        env.cr.commit()
        connections = env.registry["accounting.export.connection"]
        with patch.object(connections, "_xero_hosts", lambda connection: hosts):
            env.invalidate_all()
            gc.collect()
            ctypes.CDLL("libc.so.6").malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5")
            idle, spent = status("VmRSS"), psutil.Process().cpu_times()
            connection.action_send_invoices()
            env.cr.commit()
            begun = time.monotonic()
            send(env)
        seconds = time.monotonic() - begun
        used = psutil.Process().cpu_times()
        there, once, requests, others = json.loads(server.communicate("")[0].splitlines()[-1])
    memory = status("VmHWM") - idle
    shortest = max(0, -(-count // BATCH) - PER_MINUTE) / PER_MINUTE * 60
    cpu = used.user + used.system - spent.user - spent.system
    print(f"{count} invoices in {seconds:.0f} s, {requests} requests of {BATCH}, {others} others")
    print(f"the limit asks for {shortest:.0f} s at least; processor: {cpu:.1f} s")
    print(f"memory: {memory:.0f} MB over an idle worker, with the SDK (aim: {MEMORY_AT_MOST})")
    print(f"there: {there}, each once: {there == once == count}")
    return (
        there == once == count
        and memory <= MEMORY_AT_MOST
        and seconds <= max(shortest, 60) * LONGER_AT_MOST + 60
    )


if not main(env, int(sys.argv[1]) if len(sys.argv) > 1 else 5000):
    sys.exit(1)
