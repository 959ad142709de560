"""Invoices made as a run that goes on to posting makes them, beside Odoo's plain create and action_post

Both make the same invoices in one process, batch by batch in turns: three product lines, one 15 %
tax, a 30-day term, one company and currency, prices of their own for every customer. Ours proves
each shape first and writes by sets from then on; how many were written is said, and what proving
took is in the figures. Then whole runs are measured, from rating to posted bills, by the tasks of a
run in this process. Arguments: how many invoices in the small and in the large run (500 and 2,000 if
left out).
"""

import gc
import resource
import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path

from odoo import api
from odoo.fields import Command, Date
from odoo.tools import split_every

BATCH = 100
FIRST = Date.to_date("2026-01-01")
WAYS = ("plain", "ours")
SMALL, LARGE = (int(argument) for argument in sys.argv[1:3] or ("500", "2000"))
FASTER_AT_LEAST = 12.0
GROWTH_AT_MOST = 1.15
MEMORY_AT_MOST = 400  # MB


class Provider:
    """A company with a chart of accounts, three products and a journal for each way."""

    def __init__(self, env):
        self.company = env["res.company"].create({"name": "Bench"})
        env.user.company_ids += self.company
        env["account.chart.template"].try_loading(
            "generic_coa", company=self.company, install_demo=False
        )
        env.user.company_id = self.company
        self.env = env(context={**env.context, "allowed_company_ids": self.company.ids})
        tax = self.env["account.tax"].create({"name": "Bench 15%", "amount": 15.0})
        self.term = self.env["account.payment.term"].create(
            {
                "name": "30 days",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 100.0, "nb_days": 30})
                ],
            }
        )
        self.products = self.env["product.product"].create(
            [
                {"name": name, "type": "service", "taxes_id": [Command.set(tax.ids)]}
                for name in ("Hosting", "Domain", "Mailboxes")
            ]
        )
        journal = self.env["account.journal"]
        self.journals = {
            way: journal.create({"name": way, "code": way[:4].upper(), "type": "sale"}).id
            for way in WAYS
        }
        self.scheme = self.env["billing.term.scheme"].create({"name": "Monthly"})
        self.cycle = self.env["billing.cycle"].create(
            {"name": "Bench", "term_scheme_ids": [Command.set(self.scheme.ids)]}
        )
        self.cycle.action_activate()
        self.env.cr.commit()

    def new_run(self, day):
        """Return the id of a new run of the cycle."""
        run = self.env["billing.run"].create(
            {
                "cycle_id": self.cycle.id,
                "cutoff_date": day,
                "invoice_date": day,
                "transaction_date": day,
            }
        )
        self.env.cr.commit()
        return run.id

    def subscribe(self, count):
        """Give new customers a service with a monthly price of its own each."""
        tariff = self.env["billing.tariff"].create(
            {
                "name": "Line",
                "product_id": self.products[0].id,
                "term_scheme_id": self.scheme.id,
                "price": 10.0,
            }
        )
        customers = self.env["res.partner"].create(
            [
                {"name": f"Subscriber {number}", "property_payment_term_id": self.term.id}
                for number in range(count)
            ]
        )
        services = self.env["billing.service"].create(
            [
                {"partner_id": customer.id, "tariff_id": tariff.id, "price": 9.99 + number / 100}
                for number, customer in enumerate(customers)
            ]
        )
        services._activate(FIRST)
        self.env.flush_all()
        self.env.cr.commit()

    def specs(self, way, count):
        """Return specs for new customers; both ways get the same amounts."""
        customers = self.env["res.partner"].create(
            [
                {"name": f"{way} {number}", "property_payment_term_id": self.term.id}
                for number in range(count)
            ]
        )
        self.env.cr.commit()
        date = Date.to_date("2026-01-31")
        return [
            {
                "move_type": "out_invoice",
                "partner_id": customer_id,
                "journal_id": self.journals[way],
                "currency_id": self.company.currency_id.id,
                "company_id": self.company.id,
                "invoice_date": date,
                "date": date,
                "invoice_payment_term_id": self.term.id,
                "lines": [
                    {
                        "product_id": product_id,
                        "name": "January",
                        "quantity": 1.0 + position,
                        "price_unit": 9.99 + number / 100 + position,
                        "discount": 0.0,
                    }
                    for position, product_id in enumerate(self.products.ids)
                ],
            }
            for number, customer_id in enumerate(customers.ids)
        ]


def forget_peak():
    """Let the system measure the highest memory anew, where it can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory():
    """Return the highest resident memory in MB, since it was last forgotten where that works."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def in_transaction(provider, work):
    """Return what ``work(env)`` returns and its seconds, commit included, in a new transaction."""
    with provider.env.registry.cursor() as cr:
        env = api.Environment(cr, provider.env.uid, provider.env.context)
        start = time.perf_counter()
        result = work(env)
        cr.commit()
        return result, time.perf_counter() - start


def make(env, way, specs, run_id):
    builder = env["billing.invoice.builder"]
    if way == "ours":
        run = env["billing.run"].browse(run_id)
        return builder._create_posted(specs, builder._shaped(specs), run).move_ids
    moves = env["account.move"].create([builder._plain_move_values(spec) for spec in specs])
    moves.action_post()
    return moves.ids


def run(provider, count):
    """Bill ``count`` customers each way, batch by batch in turns.

    :return: ``{way: [seconds per batch]}``, and the highest memory of our batches in MB
    """
    seconds = {way: [] for way in WAYS}
    run_id = provider.new_run(FIRST)
    batches = [split_every(BATCH, provider.specs(way, count)) for way in WAYS]
    memory = 0.0
    for number, batch in enumerate(zip(*batches, strict=True)):
        turn = dict(zip(WAYS, batch, strict=True))
        for way in WAYS if number % 2 else reversed(WAYS):
            specs = list(turn[way])
            gc.collect()
            forget_peak()
            _ids, spent = in_transaction(
                provider,
                lambda env: make(env, way, specs, run_id),  # noqa: B023
            )
            seconds[way].append(spent)
            if way == "ours":
                memory = max(memory, peak_memory())
    return seconds, memory


def whole_runs(provider, count, months=3):
    """Return the bills a second of runs from rating to posted bills, month after month."""
    provider.subscribe(count)
    rates = []
    for month in range(1, months + 1):
        run_id = provider.new_run(Date.to_date(f"2026-{month:02}-01"))
        provider.env.invalidate_all()
        start = time.perf_counter()
        provider.env["billing.run"].browse(run_id)._execute("posting")
        provider.env.cr.commit()
        rates.append(count / (time.perf_counter() - start))
    return rates


def totals(provider):
    """Return what each journal holds, which has to be the same."""
    provider.env.invalidate_all()
    return {
        way: provider.env["account.move.line"]._read_group(
            [("journal_id", "=", journal), ("parent_state", "=", "posted")],
            ["account_id"],
            ["__count", "debit:sum", "credit:sum"],
        )
        for way, journal in provider.journals.items()
    }


def main():
    provider = Provider(env)  # noqa: F821
    run(provider, 2 * BATCH)  # warms up caches and plans
    measured = {SMALL: ({}, 0.0), LARGE: ({}, 0.0)}
    # The small run before and after the large one, so that both meet the same machine.
    for count in (SMALL, LARGE, SMALL):
        seconds, memory = run(provider, count)
        before, memory_before = measured[count]
        merged = {key: before.get(key, []) + spent for key, spent in seconds.items()}
        measured[count] = (merged, max(memory, memory_before))
    # Means, not medians: proving is a part of it.
    both = {
        (count, way): BATCH / statistics.mean(seconds[way])
        for count, (seconds, _memory) in measured.items()
        for way in WAYS
    }
    print(f"Invoices created and posted a second, in batches of {BATCH}")
    for count in measured:
        print(f"{count:>10,}" + "".join(f"   {way} {both[count, way]:6.1f}" for way in WAYS))
    written = provider.env["account.move"].search_count([("billing_shape", "!=", False)])
    made = provider.env["account.move"].search_count(
        [("journal_id", "=", provider.journals["ours"]), ("state", "=", "posted")]
    )
    print(f"Written by sets: {written:,} of {made:,}")
    rates = ", ".join(f"{rate:.0f}" for rate in whole_runs(provider, LARGE))
    print(f"Whole runs of {LARGE:,} customers, bills a second, month by month: {rates}")
    failed = []

    def aim(text, reached, passed):
        print(f"{'PASS' if passed else 'FAIL'}  {text}: {reached}")
        if not passed:
            failed.append(text)

    for count in measured:
        ratio = both[count, "ours"] / both[count, "plain"]
        aim(
            f"ours at least {FASTER_AT_LEAST:g} times plain at {count:,}",
            f"{ratio:.1f} times",
            ratio >= FASTER_AT_LEAST,
        )
    aim("all but what was proven is written by sets", f"{made - written:,}", made - written < 40)
    growth = both[SMALL, "ours"] / both[LARGE, "ours"]
    aim(
        f"an invoice at {LARGE:,} costs at most {GROWTH_AT_MOST:g} of one at {SMALL:,}",
        f"{growth:.2f} (plain: {both[SMALL, 'plain'] / both[LARGE, 'plain']:.2f})",
        growth <= GROWTH_AT_MOST,
    )
    memory = max(memory for _seconds, memory in measured.values())
    aim(f"memory under {MEMORY_AT_MOST} MB", f"{memory:.0f} MB", memory < MEMORY_AT_MOST)
    plain, ours = totals(provider).values()
    aim("the same items and amounts on every account", f"{len(ours)} accounts", plain == ours)
    sys.exit(1 if failed else 0)


main()
