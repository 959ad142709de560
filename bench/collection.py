"""Open invoices collected by direct debit, beside Odoo's own register-payment wizard

Two invoices a customer. First half of some are collected by a payment run and half by the wizard, in
batches of the same size, alternating in one run. Then a run of all the invoices that are asked for, and
one of a tenth of them before, show whether a line costs more where there are many: selecting,
confirming, the file, and the first payments (their batches are alike). Their invoices are copied by SQL. Seconds are
those of processors, of this process and of its database connection; memory is the peak of the steps
over the process before anything was made. Argument: how many invoices (20,000 if left out).
"""

import ctypes
import gc
import sys
from datetime import date, timedelta
from pathlib import Path

import psutil

from odoo.fields import Command
from odoo.tools import split_every

from odoo.addons.billing_operations.billing_tasks.table_statistics import (
    outgrown,
    refresh_after_commit,
)
from odoo.addons.billing_operations.payment_runs.models.billing_payment_run_post import BATCH

#: what is aimed at: times the wizard's payments a second, the file of 20,000 lines in seconds, MB,
#: and how much more a line may cost in the large run than in the small one
FASTER_AT_LEAST = 8
FILE_SECONDS = 20
MEMORY_AT_MOST = 200
COSTLIER_AT_MOST = 1.3
ROUNDS = 2
COMPARED = 1000
#: how many payments of the large runs are posted
POSTED = 1000
STEPS = ("select", "confirm", "file", "post")


def say(text):
    print(text, flush=True)


def make_company(env):
    company = env["res.company"].create(
        {"name": "Bench Provider Ltd", "currency_id": env.ref("base.EUR").id}
    )
    env.ref("base.EUR").active = True
    env.user.company_ids += company
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
    company.currency_id = env.ref("base.EUR")
    journal = env["account.journal"].search(
        [("company_id", "=", company.id), ("type", "=", "bank")], limit=1
    )
    journal.bank_account_id = env["res.partner.bank"].create(
        {"acc_number": "DE89370400440532013000", "partner_id": company.partner_id.id}
    )
    company.write(
        {
            "billing_creditor_id": "DE98ZZZ09999999999",
            "billing_debit_journal_id": journal.id,
            "billing_prenotification_days": 1,
        }
    )
    context = {"allowed_company_ids": company.ids, "tracking_disable": True}
    return company.with_context(**context).with_company(company)


def iban(number):
    """Return an account with right check digits."""
    bank = f"37040044{number:010}"
    check = 98 - int(f"{bank}131400") % 97
    return f"DE{check:02}{bank}"


class Book:
    """Customers with mandates, and their open invoices."""

    def __init__(self, env, company):
        self.env, self.company = env, company
        self.customers = 0
        self.product = env["product.product"].create({"name": "Hosting", "taxes_id": []})

    def make(self, count):
        """Return so many posted invoices of new customers, two each."""
        ids = []
        for numbers in split_every(500, range(count // 2), list):
            ids += self._invoices(self._payers(len(numbers)))
            self.env.cr.commit()
            self.env.invalidate_all()
        return self.env["account.move"].browse(ids)

    def copy(self, count):
        """Return so many invoices as ``make`` makes them, two each of new customers, by copying the
        rows of one."""
        invoice = self.make(2)[0]
        customer = invoice.partner_id
        account, mandate = customer.bank_ids, self._mandate(customer)
        first, number = self.customers, count // 2
        self.customers += number
        bank = f"'37040044' || lpad(({first} + n)::text, 10, '0')"
        number_of_account = (
            f"'DE' || lpad((98 - ({bank} || '131400')::numeric %% 97)::text, 2, '0') || {bank}"
        )
        partners = self._rows(customer, number, {"name": f"'Customer ' || {first} + n"})
        self.env.cr.execute(
            "UPDATE res_partner SET commercial_partner_id = id, complete_name = name"
            " WHERE id = ANY(%s)",
            [partners],
        )
        owner = {"partner_id": "(%(partners)s::int[])[n]"}
        values = {"partners": partners}
        values["accounts"] = self._rows(
            account,
            number,
            owner | {"acc_number": number_of_account, "sanitized_acc_number": number_of_account},
            values,
        )
        self._rows(
            mandate,
            number,
            owner
            | {
                "partner_bank_id": "(%(accounts)s::int[])[n]",
                "iban": number_of_account,
                "reference": f"'BENCH-COPY-' || {first} + n",
            },
            values,
        )
        owner = {
            name: "(%(partners)s::int[])[(n + 1) / 2]"
            for name in ("partner_id", "commercial_partner_id", "partner_shipping_id")
        }
        name = f"'COPY/' || {first * 2} + n"
        values["moves"] = self._rows(
            invoice,
            count,
            owner | {"name": name, "payment_reference": name, "sequence_prefix": "'COPY/'"},
            values,
        )
        for line in invoice.line_ids:
            own = {"move_id": "(%(moves)s::int[])[n]", "move_name": name}
            self._rows(line, count, owner | own, values)
        self.env.cr.execute("ANALYZE")
        self.env.cr.commit()
        self.env.invalidate_all()
        return self.env["account.move"].browse(values["moves"])

    def _mandate(self, customer):
        return self.env["billing.mandate"].search([("partner_id", "=", customer.id)])

    def _rows(self, record, count, changed, values=None):
        """Copy the row of a record so often; return the new ids.

        :param dict changed: ``{column: SQL}`` of what differs; ``n`` counts from 1
        """
        self.env.flush_all()
        cr = self.env.cr
        cr.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema AND table_name = %s AND column_name <> 'id'",
            [record._table],
        )
        columns = [name for (name,) in cr.fetchall()]
        taken = ", ".join(changed.get(name, f'"{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        cr.execute(
            f"INSERT INTO {record._table} ({names})"
            f" SELECT {taken} FROM {record._table}, generate_series(1, {count}) AS n"
            f" WHERE id = {record.id} ORDER BY n RETURNING id",
            values or {"partners": []},
        )
        return [row[0] for row in cr.fetchall()]

    def _payers(self, count):
        numbers = range(self.customers, self.customers + count)
        self.customers += count
        partners = self.env["res.partner"].create(
            [
                {"name": f"Customer {number}", "billing_payment_preference": "direct_debit"}
                for number in numbers
            ]
        )
        accounts = self.env["res.partner.bank"].create(
            [
                {"acc_number": iban(number), "partner_id": partner.id}
                for number, partner in zip(numbers, partners, strict=True)
            ]
        )
        mandates = self.env["billing.mandate"].create(
            [
                {
                    "partner_id": account.partner_id.id,
                    "partner_bank_id": account.id,
                    "company_id": self.company.id,
                    "reference": f"BENCH-{account.id}",
                    "signed_date": date.today(),
                }
                for account in accounts
            ]
        )
        mandates.action_activate()
        return partners

    def _invoices(self, partners):
        builder = self.env["billing.invoice.builder"]
        moves = builder._create_invoices(
            [
                {
                    "move_type": "out_invoice",
                    "company_id": self.company.id,
                    "partner_id": partner.id,
                    "invoice_date": date.today(),
                    "invoice_date_due": date.today(),
                    "lines": [{"product_id": self.product.id, "price_unit": 10.0, "tax_ids": []}],
                }
                for partner in partners
                for _twice in range(2)
            ]
        )
        builder._post_invoices(moves)
        return moves.ids


class Meter:
    """Seconds of this process and of its database connection, and the peak of memory, by step."""

    def __init__(self):
        self.seconds, self.peak = {}, {}
        env.cr.execute("SELECT pg_backend_pid()")
        self.processes = [psutil.Process(), psutil.Process(env.cr.fetchone()[0])]

    def _spent(self):
        times = [process.cpu_times() for process in self.processes]
        return sum(spent.user + spent.system for spent in times)

    def step(self, name, work):
        """Do a step as a task would: with nothing read before, and committed at its end."""
        env.invalidate_all()
        trim()
        Path("/proc/self/clear_refs").write_text("5")
        begun = self._spent()
        result = work()
        env.flush_all()
        tables = outgrown(env.cr)
        env.cr.commit()
        refresh_after_commit(env.cr, tables)
        self.seconds[name] = self.seconds.get(name, 0) + self._spent() - begun
        self.peak[name] = max(self.peak.get(name, 0), status("VmHWM") - IDLE)
        return result


def trim():
    """Give back the memory that is free, so that what a step takes shows."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)


def status(name):
    """Return MB of this process's status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def prepare(meter, invoices):
    """Return a submitted payment run of these invoices, made as its tasks make it."""
    run = env["billing.payment.run"].create(
        {
            "wanted_date": date.today() + timedelta(days=30),
            "partner_ids": [Command.set(invoices.partner_id.ids)],
        }
    )
    customers = env["res.partner"]
    for task in meter.step("select", run._selecting_tasks):
        some = customers.browse(task["partner_ids"])
        meter.step("select", lambda some=some: run._select_some(some, set()))
    for task in meter.step("confirm", run._confirming_tasks):
        ids = task["line_ids"]
        meter.step("confirm", lambda ids=ids: run._confirm_lines(run._lock_lines("draft", ids)))
    meter.step("confirm", run._finish_confirm)
    meter.step("file", run._submit)
    return run


def post(meter, run, limit=None):
    """Post the payments of a run, and return how many."""
    lines = env["billing.payment.line"]
    ids = lines.search([("run_id", "=", run.id)], order="id", limit=limit).ids
    for some in split_every(BATCH, ids, lines.browse):
        meter.step("post", lambda some=some: run._post_lines(some))
    return len(ids)


def pay(meter, invoices):
    """Pay invoices by Odoo's wizard, one payment each, and return how many."""
    for ids in split_every(BATCH, invoices.ids, list):

        def work(ids=ids):
            wizards = env["account.payment.register"].with_context(
                active_model="account.move", active_ids=ids
            )
            wizards.create({"group_payment": False}).action_create_payments()

        meter.step("post", work)
    return len(invoices)


def compare(book):
    """Return how many payments a second of processors the wizard posts, we post, and we collect
    from the selection on."""
    # What is done for the first time reads more than later: caches, registry, schema.
    pay(Meter(), book.make(10))
    warm = Meter()
    post(warm, prepare(warm, book.make(10)))
    ours, theirs, numbers = Meter(), Meter(), [0, 0]
    for number in range(ROUNDS):
        invoices = book.make(COMPARED // ROUNDS)
        if number % 2:
            numbers[1] += pay(theirs, invoices)
        else:
            numbers[0] += post(ours, prepare(ours, invoices))
    return (
        numbers[1] / theirs.seconds["post"],
        numbers[0] / ours.seconds["post"],
        numbers[0] / sum(ours.seconds.values()),
    )


def collect(book, count):
    """Return ``({step: ms a line}, {step: MB})`` of a run of so many invoices."""
    invoices = book.copy(count)
    meter = Meter()
    run = prepare(meter, invoices)
    posted = post(meter, run, POSTED)
    [file] = run.file_ids
    lines = {name: posted if name == "post" else file.line_count for name in STEPS}
    return {name: meter.seconds[name] / lines[name] * 1000 for name in STEPS}, meter.peak


def main():
    global env, IDLE
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    company = make_company(env)
    env = company.env
    book = Book(env, company)
    env["account.move"].search([("company_id", "=", company.id)], limit=1)
    trim()
    IDLE = status("VmRSS")
    failed = []

    def aim(text, reached, passed):
        say(f"{'PASS' if passed else 'FAIL'}  {text}: {reached}")
        if not passed:
            failed.append(text)

    wizard, posted, whole = compare(book)
    say(
        f"payments a second of processors: posted {posted:.0f}, all steps {whole:.0f},"
        f" wizard {wizard:.0f}"
    )
    aim(
        f"posted at least {FASTER_AT_LEAST} times as fast as by the wizard",
        f"{posted / wizard:.1f} times; all steps together {whole / wizard:.1f} times",
        posted / wizard >= FASTER_AT_LEAST,
    )
    costs = {}
    for number in (count // 10, count):
        costs[number], peak = collect(book, number)
        say(
            f"{number} lines, ms a line: "
            + ", ".join(f"{name} {costs[number][name]:.2f}" for name in STEPS)
            + "; MB: "
            + ", ".join(f"{name} {peak[name]:.0f}" for name in STEPS)
        )
    aim(
        f"a file of 20,000 lines in {FILE_SECONDS} s at most",
        f"{costs[count]['file'] * 20:.1f} s",
        costs[count]["file"] * 20 <= FILE_SECONDS,
    )
    memory = max(peak.values())
    aim(
        f"at most {MEMORY_AT_MOST} MB over an idle worker",
        f"{memory:.0f} MB",
        memory <= MEMORY_AT_MOST,
    )
    few, many = (sum(costs[number].values()) for number in costs)
    aim(
        f"a line of {count} costs at most {COSTLIER_AT_MOST} times one of {count // 10}",
        f"{many / few:.2f} times",
        many / few <= COSTLIER_AT_MOST,
    )
    sys.exit(1 if failed else 0)


main()
