"""Invoices built and posted by the builder, beside Odoo's plain create and action_post

Both make the same invoices in one process and one run, batch by batch in turns: three product
lines, one 15 % tax, a 30-day term, one company and currency, prices of their own for every
customer. Drafts and posting are transactions of their own, as the tasks of a run do them.
Arguments: how many invoices in the small and in the large run (500 and 2,000 if left out).
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
WAYS = ("plain", "ours")
STAGES = ("create", "post")
SMALL, LARGE = (int(argument) for argument in sys.argv[1:3] or ("500", "2000"))
FASTER_AT_LEAST = 2.0
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


def create(env, way, specs):
    builder = env["billing.invoice.builder"]
    if way == "ours":
        return builder._create_invoices(specs).ids
    return env["account.move"].create([builder._plain_move_values(spec) for spec in specs]).ids


def post(env, way, ids):
    moves = env["account.move"].browse(ids)
    if way == "ours":
        env["billing.invoice.builder"]._post_invoices(moves)
    else:
        moves.action_post()


def run(provider, count):
    """Bill ``count`` customers each way, batch by batch in turns.

    :return: ``{(way, stage): [seconds per batch]}``, and the highest memory of our batches in MB
    """
    seconds = {(way, stage): [] for way in WAYS for stage in STAGES}
    batches = [split_every(BATCH, provider.specs(way, count)) for way in WAYS]
    memory = 0.0
    for number, batch in enumerate(zip(*batches, strict=True)):
        turn = dict(zip(WAYS, batch, strict=True))
        for way in WAYS if number % 2 else reversed(WAYS):
            specs = list(turn[way])
            gc.collect()
            forget_peak()
            ids, spent = in_transaction(provider, lambda env: create(env, way, specs))  # noqa: B023
            seconds[way, "create"].append(spent)
            _none, spent = in_transaction(provider, lambda env: post(env, way, ids))  # noqa: B023
            seconds[way, "post"].append(spent)
            if way == "ours":
                memory = max(memory, peak_memory())
    return seconds, memory


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
    per_second = {
        (count, way, stage): BATCH / statistics.median(seconds[way, stage])
        for count, (seconds, _memory) in measured.items()
        for way in WAYS
        for stage in STAGES
    }
    both = {
        (count, way): 1 / sum(1 / per_second[count, way, stage] for stage in STAGES)
        for count in measured
        for way in WAYS
    }
    print(f"Invoices a second, medians of batches of {BATCH}")
    print(f"{'invoices':>10} {'way':>6} {'create':>8} {'post':>8} {'both':>8}")
    for count in measured:
        for way in WAYS:
            stages = " ".join(f"{per_second[count, way, stage]:8.1f}" for stage in STAGES)
            print(f"{count:>10,} {way:>6} {stages} {both[count, way]:8.1f}")
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
