"""Run the demo billing cycles on a running server and print what came of it.

Started by `tools/dev demo` with `env` and the folder for the PDFs. The workers of the server do
the work; this only creates the runs, requests the bills and watches. Repeated, it asks for the same
dates again, so that nothing new is there to bill."""

import json
import sys
import time
from pathlib import Path

from odoo import fields

from odoo.addons.billing_operations.billing_runs.cycles.dates import next_occurrence

CYCLES = ("demo_cycle_hosting", "demo_cycle_telephony")
DATES = "billing_operations.demo_run_dates"
ENDED = ("completed", "completed_with_errors", "failed", "cancelled")
#: seconds without any change after which the run is taken for stuck
PATIENCE = 300
#: calls in the file with which importing is measured
MEASURED = 20_000


def say(text=""):
    print(text, flush=True)


def reference_dates(cycles):
    """{cycle: the day its demo run is for}; kept in the database for the next time.

    The first time it is the recurrence after the newest run that the demo data brings."""
    parameters = env["ir.config_parameter"].sudo()
    known = json.loads(parameters.get_param(DATES) or "{}")
    for cycle in cycles:
        if str(cycle.id) not in known:
            # The server makes the run that is due today by itself, maybe before this.
            ended = cycle.run_ids.filtered(lambda run: run.state in ENDED)
            past = [run.cycle_date or run.invoice_date for run in ended]
            months = {int(code) for code in cycle.month_ids.mapped("code")}
            day = cycle.start_date
            if past:
                day = next_occurrence(
                    day, cycle.recurrence_number, cycle.recurrence_unit, months, max(past)
                )
            known[str(cycle.id)] = fields.Date.to_string(day)
    parameters.set_param(DATES, json.dumps(known))
    return {cycle: fields.Date.from_string(known[str(cycle.id)]) for cycle in cycles}


def choose_layouts():
    """Show both layouts: the hosting company's bills are Odoo's report, where a renderer is there."""
    hosting = env.ref("billing_operations.demo_company_hosting")
    if hosting.billing_bill_layout:
        return
    [report] = [engine for engine in hosting._bill_layout_engines() if engine.code == "odoo"]
    if missing := report.missing(env):
        say(f"- all bills are in the billing layout: {missing}")
    else:
        hosting.billing_bill_layout = report.code


def request_runs():
    """One run per cycle, requested."""
    cycles = env["billing.cycle"]
    for name in CYCLES:
        cycles += env.ref(f"billing_operations.{name}")
    runs = env["billing.run"]
    for cycle, day in reference_dates(cycles).items():
        cycle = cycle.with_company(cycle.company_id).with_context(
            allowed_company_ids=cycle.company_id.ids
        )
        run = cycle._create_batch_run(day)
        run.action_request()
        runs += run
        say(f"- requested {run.number} ({cycle.company_id.name}), billed as of {run.cutoff_date}")
    env.cr.commit()
    return runs.with_env(env)


def watch(runs):
    """Wait until every run has ended; say how far they are when that changes."""
    seen, last_change, last_said = None, time.monotonic(), 0
    while True:
        env.cr.rollback()  # a fresh view of what the workers have committed
        state = [(run.number, run.state, run.stage, round(run.progress)) for run in runs]
        if state != seen:
            seen, last_change = state, time.monotonic()
        ended = all(run.state in ENDED for run in runs)
        if ended or (last_said < last_change and time.monotonic() - last_said > 5):
            last_said = time.monotonic()
            say("  " + "; ".join(f"{n}: {s}, {p} %" for n, s, _stage, p in state))
        if ended:
            return
        if time.monotonic() - last_change > PATIENCE:
            open_tasks = env["billing.task"].search(
                [("state", "not in", ("completed", "skipped"))], limit=5
            )
            for task in open_tasks:
                say(f"  {task.type_id.code} {task.state}: {task.error_message or ''}")
            sys.exit(f"No progress for {PATIENCE} s.")
        time.sleep(0.5)


def measure_rating():
    """Import a file of calls as any other, measure that and undo it; return the seconds."""
    sys.path.append(str(Path(sys.argv[0]).parent))
    from demo_calls import busy_month  # noqa: PLC0415

    carrier = env.ref("billing_operations.demo_carrier_northway")
    content = busy_month(MEASURED).encode()
    file = env["cdr.file"]._receive(carrier, [("measured.csv", content)], "upload")
    env.flush_all()
    start = time.perf_counter()
    env["billing.task"]._run_inline(domain=file._billing_task_domain())
    seconds = time.perf_counter() - start
    imported = file.record_count
    env.cr.rollback()
    if imported != MEASURED:
        sys.exit(f"Of {MEASURED} calls {imported} were imported.")
    return seconds


def print_calls(runs, seconds):
    """What became of the calls, and how fast calls are imported and rated."""
    files = env["cdr.file"].search([("kind", "=", "calls")])
    states = env["cdr.record"]._read_group([], ["state"], ["__count"])
    charged = env["cdr.record"].search_count([("charge_id.run_id", "in", runs.ids)])
    errors = env["billing.error"].search([("state", "=", "open")])
    say()
    say(f"calls: {sum(count for _state, count in states)} in {len(files)} files; {charged} billed")
    for file in files.filtered(lambda file: file.state != "processed"):
        say(f"  {file.name}: {file._fields['state'].convert_to_export(file.state, file)}")
    say(f"billing errors open: {len(errors)}")
    for error in errors:
        say(f"  {error.display_name} ({error.record_count})")
    say(
        f"calls rated a second: {MEASURED / seconds:,.0f}"
        f" (a file of {MEASURED:,} calls imported in {seconds:.1f} s, and undone)"
    )


def print_run(run):
    say()
    say(f"{run.number}  {run.cycle_id.name}, {run.company_id.name}: {run.state}")
    say(f"  {'stage':<12}{'customers':>10}{'documents':>11}{'seconds':>9}  amount")
    for result in run.result_ids.sorted("started_date"):
        say(
            f"  {result.stage:<12}{result.entities:>10}{result.documents:>11}"
            f"{result.duration:>9.0f}  {result.amount_text}"
        )
    skipped = env["billing.bill"]._read_group(
        [("run_id", "=", run.id), ("state", "=", "skipped")], ["skip_reason"], ["__count"]
    )
    for reason, count in skipped:
        say(f"  {count} not billed: {reason}")


def print_totals(moves):
    """The line that counts, totals by currency with tax, credit notes apart."""
    invoices = moves.filtered(lambda move: move.move_type == "out_invoice")
    say()
    say(f"invoices posted: {len(invoices)}")
    if moves - invoices:
        say(f"credit notes posted: {len(moves - invoices)}")
    for currency, group in moves.grouped("currency_id").items():
        total = sum(group.mapped("amount_total_in_currency_signed"))
        say(f"total {currency.name}: {currency.round(total):.{currency.decimal_places}f}")


def print_exceptions(runs):
    bills = env["billing.bill"].search(
        [("run_id", "in", runs.ids), ("error_code", "!=", False)], order="run_id, partner_id"
    )
    say()
    say(f"exceptions: {len(bills)}")
    for bill in bills.sorted(lambda bill: (bill.run_id.id, bill.partner_id.name or "")):
        reason = " ".join((bill.error_message or "").split())
        say(f"  {bill.partner_id.name}: {bill.error_code}: {reason}")


def print_prepaid():
    """What a week of daily runs did with the wallets."""
    runs = env["billing.run"].search([("run_type", "=", "prepaid")], order="cutoff_date")
    debits = env["billing.wallet.transaction"].search_count([("run_id", "in", runs.ids)])
    say()
    say(f"prepaid runs: {len(runs)}; {debits} debits")
    services = env["billing.service"].search([("classification", "=", "prepaid")], order="id")
    wallets = env["billing.wallet"].search([("partner_id", "in", services.partner_id.ids)])
    for service in services:
        wallet = wallets.filtered(lambda w, s=service: w.partner_id == s.partner_id)
        state = service._fields["state"].convert_to_export(service.state, service)
        until = wallet.depletion_date and f", pays until {wallet.depletion_date}"
        say(
            f"  {service.partner_id.name}: {wallet.currency_id.name} {wallet.balance:.2f},"
            f" {state.lower()}{until or ''}"
        )


def collect(runs, folder):
    """Collect what the hosting company's run has billed."""
    sys.path.append(str(Path(sys.argv[0]).parent))
    from demo_payments import (  # noqa: PLC0415
        collect_by_card,
        collect_by_debit,
        open_payments,
    )

    start = time.perf_counter()
    say()
    open_payments(env, runs.company_id)
    for run in runs.filtered(lambda run: run.company_id.billing_creditor_id):
        collect_by_debit(env, run, folder, say)
        collect_by_card(env, run, say)
    env.cr.commit()
    say(f"collected in {time.perf_counter() - start:.1f} s")


def export(runs):
    """Write what the hosting company's run has billed into files for its accounting software."""
    from demo_accounting import export as export_run  # noqa: PLC0415

    say()
    for run in runs:
        export_run(env, run, say)
    env.cr.commit()


def write_pdfs(moves, folder):
    """Copy the PDFs out of the database, so that they can be looked at without the client."""
    files = moves.invoice_pdf_report_id
    for attachment in files:
        run = env["account.move"].browse(attachment.res_id).billing_bill_id.run_id
        target = folder / run.number.replace("/", "-")
        target.mkdir(parents=True, exist_ok=True)
        (target / attachment.name.replace("/", "-")).write_bytes(attachment.raw)
    say()
    say(f"PDFs: {len(files)}" + (f", in {folder}" if files else ""))


def main():
    first_time = not env["ir.config_parameter"].sudo().get_param(DATES)
    choose_layouts()
    seconds = measure_rating()
    runs = request_runs()
    watch(runs)
    for run in runs:
        print_run(run)
    moves = env["account.move"].search(
        [("billing_bill_id.run_id", "in", runs.ids), ("state", "=", "posted")]
    )
    print_totals(moves)
    print_exceptions(runs)
    print_calls(runs, seconds)
    print_prepaid()
    collect(runs, Path(sys.argv[1]))
    export(runs)
    write_pdfs(moves, Path(sys.argv[1]))
    # Repeated, only what was in error is left to bill, and a run that produces nothing has failed.
    return 1 if first_time and "failed" in runs.mapped("state") else 0


sys.exit(main())
