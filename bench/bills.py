"""PDFs of the same posted invoices by each way, two processes at a time, ways alternating in one run

Ways: Odoo's own send and print, one document at a time; the same without the second's wait that
Odoo's reports begin with (what this addon did at first); our engines, by the stage of a run: Odoo's
report many at a time, by wkhtmltopdf or by Chromium, and the billing layout, without and with the
structured invoice embedded. Reading, rendering and attaching are included; a small web server
answers where a way fetches style sheets. CPU is that of all processes, children included.
Arguments: how many invoices of 3 and of 10 lines (200 if left out; a tenth of it has 200 lines),
then the ways (all that work here if left out). `memory N WAY` prints the memory of one process over N
bills by one way, the billing layout if left out, instead.
"""

import functools
import os
import pickle
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import closing, contextmanager
from datetime import date

import psutil

import odoo.sql_db
from odoo import SUPERUSER_ID, api
from odoo.fields import Command
from odoo.modules.registry import Registry

from odoo.addons.account.models.account_move_send import AccountMoveSend as Host
from odoo.addons.billing_operations.billing_runs.layouts import printers
from odoo.addons.billing_operations.billing_runs.layouts.chromium import NAMES, Chromium
from odoo.addons.billing_operations.billing_runs.layouts.webkit import Webkit

PROCESSES = 2
ROUNDS = 3
#: what a bill may cost: CPU ms at 3 and 10 lines, bills a second of both processes
CPU_AT_MOST = {"odoo_batch": 65, "chromium": 60}
BILLS_AT_LEAST = {"billing": 80, "billing_facturx": 40}
FASTER_THAN_FIRST = {3: 4.5, 10: 4.5, 200: 2.5}
KB_AT_MOST = 80
#: how long laying out one bill of so many lines may take, in ms
LONG, LONG_AT_MOST = 400, 200
#: MB that a process, and what it starts, may grow by over many bills
GROWN_AT_MOST = 50


def make_data(env, count):
    """Return ``{lines: ids of bills}``: posted documents of one company, a bill each."""
    company = env["res.company"].create(
        {
            "name": "Bench Provider Ltd",
            "street": "1 Bench Street",
            "city": "Brussels",
            "zip": "1000",
            "currency_id": env.ref("base.EUR").id,
            "email": "billing@bench.example",
            "phone": "+32 2 555 01 00",
        }
    )
    env["res.partner.bank"].create(
        {"acc_number": "BE71096123456769", "partner_id": company.partner_id.id}
    )
    env.user.company_ids += company
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
    env.ref("base.EUR").active = True
    # The country comes after the chart of accounts: nothing more is installed for it.
    company.write(
        {
            "country_id": env.ref("base.be").id,
            "vat": "BE0477472701",
            "currency_id": env.ref("base.EUR").id,
        }
    )
    env = env(
        context={
            **env.context,
            "allowed_company_ids": company.ids,
            "tracking_disable": True,
            "no_vat_validation": True,
        }
    )
    tax = env["account.tax"].create({"name": "VAT 21%", "amount": 21, "type_tax_use": "sale"})
    product = env["product.product"].create(
        {"name": "Hosting", "type": "service", "taxes_id": [Command.set(tax.ids)]}
    )
    scheme = env["billing.term.scheme"].create({"name": "Monthly", "company_id": company.id})
    cycle = env["billing.cycle"].create(
        {
            "name": "Bench",
            "company_id": company.id,
            "term_scheme_ids": [Command.set(scheme.ids)],
        }
    )
    cycle.action_activate()
    run = env["billing.run"].create({"cycle_id": cycle.id})
    found = {}
    few = max(2 * PROCESSES, count // 10)
    for lines, documents in ((3, count), (10, count), (200, few), (LONG, ROUNDS + 1)):
        partners = env["res.partner"].create(
            [
                {
                    "name": f"Customer {lines} {number}",
                    "street": "2 Customer Road",
                    "city": "Ghent",
                    "zip": "9000",
                    "country_id": env.ref("base.be").id,
                    "email": f"c{lines}.{number}@bench.example",
                    "vat": "BE0477472701",
                }
                for number in range(documents)
            ]
        )
        moves = env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": partner.id,
                    "invoice_date": date(2026, 1, 31),
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "name": f"Hosting, package {line}, 1/1/2026 to 1/31/2026",
                                "quantity": 1 + line % 3,
                                "price_unit": 9.99 + number / 100 + line,
                                "tax_ids": [Command.set(tax.ids)],
                            }
                        )
                        for line in range(lines)
                    ],
                }
                for number, partner in enumerate(partners)
            ]
        )
        moves.action_post()
        bills = env["billing.bill"].create(
            [
                {
                    "run_id": run.id,
                    "company_id": company.id,
                    "partner_id": move.partner_id.id,
                    "currency_id": move.currency_id.id,
                }
                for move in moves
            ]
        )
        for bill, move in zip(bills, moves, strict=True):
            move.billing_bill_id = bill
        found[lines] = bills.ids
    env.flush_all()
    env.cr.commit()
    return env.context, company.id, found


def begin_again(env, bill_ids):
    """Take the PDFs away, and bills back to where formatting begins."""
    moves = env["billing.bill"].browse(bill_ids).move_ids
    env["ir.attachment"].sudo().search(
        [
            ("res_model", "=", "account.move"),
            ("res_id", "in", moves.ids),
            ("res_field", "!=", False),
        ]
    ).unlink()
    env["ir.attachment"].sudo().search(
        [("res_model", "=", "account.move"), ("res_id", "in", moves.ids)]
    ).unlink()
    env.flush_all()
    env.cr.execute(
        "UPDATE billing_bill SET state = 'posted', error_code = NULL WHERE id = ANY(%s)", [bill_ids]
    )
    # As if none had been made before, for otherwise each says why it was made again.
    env.cr.execute(
        "UPDATE account_move SET billing_pdf_gone = NULL WHERE id = ANY(%s)", [moves.ids]
    )
    env.invalidate_all()
    env.cr.commit()


# === THE WAYS === #


def by_host(env, bill_ids, options):
    """Odoo's own send flow, a document at a time, as Odoo's code has it."""
    sender = env["account.move.send"]
    if options.get("no_wait"):
        from odoo.addons.billing_operations.billing_runs.documents.ir_actions_report import (
            without_delay,
        )

        sender = without_delay(sender)
    # A process of its own: nothing of what is put back here is used in it afterwards.
    type(sender)._prepare_invoice_pdf_report = Host._prepare_invoice_pdf_report
    type(env["ir.actions.report"])._laid_out = lambda reports, *_: reports.env["account.move"]
    for move in env["billing.bill"].browse(bill_ids).move_ids:
        sender._generate_and_send_invoices(move, sending_methods=[])
        env.cr.commit()


def by_stage(env, bill_ids, options):
    """A run's stage, as its task commits it: read, make, tie."""
    if options.get("chromium"):
        printers.find = chromium_here
    todo = env["billing.bill"].browse(bill_ids)
    while todo:
        bills = todo._next_to_format()
        todo -= bills
        reading = bills._read_documents()
        env.cr.commit()
        contents = reading.compile()
        bills._tie_documents(reading, contents)
        env.cr.commit()
        env.invalidate_all()
    wrong = env["billing.bill"].browse(bill_ids).filtered(lambda bill: bill.state != "done")
    if wrong:
        raise RuntimeError(wrong[0].error_message)


@functools.cache
def chromium_here():
    """Return Chromium as the program that prints, None where there is none."""
    binary = next(filter(None, map(shutil.which, NAMES)), None)
    return Chromium(binary) if binary else None


#: name: (what to do, layout of the company, whether for archives, options)
WAYS = {
    "odoo_single": (by_host, "odoo", False, {}),
    "odoo_first": (by_host, "odoo", False, {"no_wait": True}),
    "odoo_batch": (by_stage, "odoo", False, {}),
    "chromium": (by_stage, "odoo", False, {"chromium": True}),
    "billing": (by_stage, "billing", False, {}),
    "billing_facturx": (by_stage, "billing", True, {}),
}
LABELS = {
    "odoo_single": "Odoo's send and print",
    "odoo_first": "the same, without its wait",
    "odoo_batch": "Odoo's report, many at once",
    "chromium": "the same by Chromium",
    "billing": "billing layout",
    "billing_facturx": "the same with Factur-X",
}


def cpu(process):
    """Return the CPU seconds of a process, its children, and those that it has waited for."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


inherited = []


def in_processes(database, uid, context, parts, work, options):
    """Do the work on each part in a process of its own, and return ``(wall, cpu)`` seconds."""
    pipes = []
    for part in parts:
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            status = 1
            try:
                os.close(reader)
                # The parent's connections are left as they are: kept, and not used.
                registry = Registry(database)
                inherited.append((odoo.sql_db._Pool, registry._db))
                odoo.sql_db._Pool = None
                registry._db = odoo.sql_db.db_connect(database)
                with closing(Registry(database).cursor()) as cr:
                    env = api.Environment(cr, uid, context)
                    me = psutil.Process()
                    env["billing.bill"].browse(part).move_ids.invoice_line_ids.mapped("name")
                    env.invalidate_all()
                    work(env, part[:1], options)  # warm: caches, child processes
                    before, start = cpu(me), time.perf_counter()
                    work(env, part[1:], options)
                    result = (time.perf_counter() - start, cpu(me) - before)
                    with os.fdopen(writer, "wb") as pipe:
                        pickle.dump(result, pipe)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writer)
        pipes.append((pid, reader))
    found = []
    for pid, reader in pipes:
        with os.fdopen(reader, "rb") as pipe:
            data = pipe.read()
        os.waitpid(pid, 0)
        if not data:
            raise SystemExit("A process failed: see the messages above.")
        found.append(pickle.loads(data))
    return max(wall for wall, _cpu in found), sum(spent for _wall, spent in found)


@contextmanager
def web_server(database):
    """A server for the style sheets that Odoo's reports fetch; yields its process and address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "odoo", "-d", database, "--max-cron-threads=0"),
                *("--workers=0", f"--http-port={port}", "--http-interface=127.0.0.1"),
                *("--log-level=critical", f"--logfile={folder}/log"),
            ],
            env=os.environ,
        )
        try:
            for _try in range(120):
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
                time.sleep(0.5)
            yield psutil.Process(process.pid), f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def able(env, company_id, names):
    """Return the ways that can be gone here, and say why the others cannot."""
    found = []
    for name in names:
        code = WAYS[name][1]
        engine = next(e for e in env["res.company"]._bill_layout_engines() if e.code == code)
        missing = engine.missing(env)
        if name == "chromium" and not chromium_here():
            missing = "no Chromium here"
        if name.startswith("odoo") and not isinstance(printers.find(), Webkit):
            missing = "no wkhtmltopdf here"
        if name == "billing_facturx" and "account.edi.xml.cii" not in env:
            missing = "account_edi_ubl_cii is not installed"
        if missing:
            print(f"{LABELS[name]}: {missing}")
        else:
            found.append(name)
    return found


def measure(env, count, names):
    context, company_id, found = make_data(env, count)
    database, uid = env.cr.dbname, SUPERUSER_ID
    names = able(env, company_id, names or list(WAYS))
    figures = {}
    long_bills = found.pop(LONG)
    with web_server(database) as (server, address):
        env["ir.config_parameter"].set_param("report.url", address)
        env.cr.commit()
        for number in range(ROUNDS):
            for lines, bill_ids in found.items():
                for name in names if number % 2 == 0 else reversed(names):
                    work, layout, archive, options = WAYS[name]
                    ids = bill_ids
                    if name in ("odoo_single",):
                        ids = bill_ids[: max(2 * PROCESSES, len(bill_ids) // 10)]
                    with Registry(database).cursor() as cr:
                        mine = api.Environment(cr, uid, context)
                        company = mine["res.company"].browse(company_id)
                        company.billing_bill_layout = layout
                        company.billing_bill_archive = archive
                        edi = "facturx" if archive else False
                        partners = mine["billing.bill"].browse(ids).partner_id
                        if "invoice_edi_format" in partners._fields:
                            partners.invoice_edi_format = edi
                        begin_again(mine, ids)
                    served = cpu(server)
                    parts = [ids[part::PROCESSES] for part in range(PROCESSES)]
                    wall, spent = in_processes(database, uid, context, parts, work, options)
                    spent += cpu(server) - served
                    done = len(ids) - PROCESSES
                    with Registry(database).cursor() as cr:
                        cr.execute(
                            "SELECT avg(file_size) FROM ir_attachment WHERE res_model ="
                            " 'account.move' AND res_field = 'invoice_pdf_report_file'"
                            " AND res_id IN (SELECT id FROM account_move WHERE"
                            " billing_bill_id = ANY(%s))",
                            [ids],
                        )
                        size = float(cr.fetchone()[0] or 0) / 1000
                    figures.setdefault((lines, name), []).append(
                        (1000 * spent / done, 1000 * wall / done, size)
                    )
    long_ms = long_bill(context, database, company_id, long_bills) if "billing" in names else 0
    report(figures, names, long_ms)


def long_bill(context, database, company_id, bill_ids):
    """Return the ms that laying out a long bill takes, by the billing layout."""
    seen = []
    with Registry(database).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, context)
        env["res.company"].browse(company_id).billing_bill_layout = "billing"
        for bill in env["billing.bill"].browse(bill_ids):
            reading = bill._read_documents()
            start = time.perf_counter()
            reading.compile()
            seen.append(1000 * (time.perf_counter() - start))
        cr.rollback()
    return statistics.median(seen[1:])


def report(figures, names, long_ms):
    print(f"{'':32}{'lines':>6}{'CPU ms':>9}{'(range)':>14}{'wall ms':>9}{'bills/s':>9}{'KB':>7}")
    medians = {}
    for (lines, name), rounds in sorted(figures.items(), key=lambda item: item[0][0]):
        spent = [one[0] for one in rounds]
        wall = statistics.median(one[1] for one in rounds)
        medians[lines, name] = (statistics.median(spent), wall)
        print(
            f"{LABELS[name]:32}{lines:>6}{statistics.median(spent):>9.1f}"
            f"{f'{min(spent):.0f}–{max(spent):.0f}':>14}{wall:>9.1f}{1000 / wall:>9.1f}"
            f"{rounds[-1][2]:>7.0f}"
        )
    misses = []
    if long_ms:
        print(f"Laying out a bill of {LONG} lines takes {long_ms:.0f} ms.")
    if long_ms > LONG_AT_MOST:
        misses.append(f"a bill of {LONG} lines: {long_ms:.0f} ms")
    for (lines, name), (spent, wall) in medians.items():
        if lines < 200 and spent > CPU_AT_MOST.get(name, spent):
            misses.append(f"{LABELS[name]}, {lines} lines: {spent:.0f} ms of CPU")
        if lines < 200 and 1000 / wall < BILLS_AT_LEAST.get(name, 0):
            misses.append(f"{LABELS[name]}, {lines} lines: {1000 / wall:.0f} bills a second")
        if lines == 3 and name in ("odoo_batch", "billing", "chromium", "billing_facturx"):
            size = figures[lines, name][-1][2]
            if size > KB_AT_MOST:
                misses.append(f"{LABELS[name]}: {size:.0f} KB")
        first = medians.get((lines, "odoo_first"))
        if name == "odoo_batch" and first:
            ratio = first[1] / wall
            print(f"{lines} lines: {ratio:.1f} times the bills a second of one at a time")
            if ratio < FASTER_THAN_FIRST[lines]:
                misses.append(f"{lines} lines: only {ratio:.1f} times")
    print("\n".join(("Missed:", *misses)) if misses else "Every aim is met.")
    sys.exit(1 if misses else 0)


def proportional(process):
    """Return the bytes of a process, what it shares divided; none of one that has just ended."""
    try:
        return process.memory_full_info().pss
    except psutil.NoSuchProcess:
        return 0


def memory(env, count, name):
    """Print the memory of one process while it makes many bills, and that of what it starts."""
    context, company_id, found = make_data(env, min(count, 500))
    if not able(env, company_id, [name]):
        sys.exit(1)
    work, layout, archive, options = WAYS[name]
    mine = env(context=context)
    company = mine["res.company"].browse(company_id)
    company.billing_bill_layout, company.billing_bill_archive = layout, archive
    bill_ids, me, seen = found[3], psutil.Process(), []
    done = 0
    with web_server(env.cr.dbname) as (server, address):
        env["ir.config_parameter"].set_param("report.url", address)
        while done < count:
            begin_again(mine, bill_ids)
            work(mine, bill_ids, options)
            done += len(bill_ids)
            own = me.memory_info().rss / 1e6
            children = set(me.children(recursive=True)) - {
                server,
                *server.children(recursive=True),
            }
            # What processes share is divided among them.
            theirs = sum(map(proportional, children)) / 1e6
            seen.append((own, theirs))
            print(f"{done:>6} bills: {own:.0f} MB, its {len(children)} children {theirs:.0f} MB")
    own, theirs = (last - first for first, last in zip(seen[0], seen[-1], strict=True))
    print(
        f"{LABELS[name]}: grown by {own:.0f} MB from bill {len(bill_ids)} to {done}, its children"
        f" by {theirs:.0f} MB."
    )
    sys.exit(1 if max(own, theirs) > GROWN_AT_MOST else 0)


arguments = sys.argv[1:]
if arguments[:1] == ["memory"]:
    memory(env, int((arguments[1:] or ["5000"])[0]), (arguments[2:] or ["billing"])[0])  # noqa: F821
else:
    measure(env, int((arguments or ["200"])[0]), arguments[1:])  # noqa: F821
