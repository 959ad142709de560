"""A day of prepaid services: identified, rated, debited and estimated by sets, beside a plain ORM loop

Two services a wallet. The plain loop rates a service, creates its charge and its transaction, one
after the other, for a sample. Then a smaller set is run day after day, to see whether a longer ledger
makes days slower. Arguments: services in the small and in the large run, and days of the long one
(10,000, 100,000 and 365 if left out).
"""

import resource
import statistics
import sys
import time
from datetime import timedelta

from odoo import api
from odoo.fields import Command, Date

SMALL, LARGE, DAYS = (
    int(argument) for argument in (sys.argv[1:4] if len(sys.argv) > 3 else (10_000, 100_000, 365))
)
SAMPLE = min(SMALL, 300)
LONG = min(SMALL, 1_000)
FIRST = Date.to_date("2026-01-01")
PER_SECOND_AT_LEAST = 10_000
TIMES_ORM_AT_LEAST = 15
GROWTH_AT_MOST = 1.1
MEMORY_AT_MOST = 200  # MB over an idle worker
STAGES = ("rating", "debit", "estimation")


class Provider:
    """A company with a chart of accounts, a prepaid tariff and its cycle."""

    def __init__(self, env):
        self.company = env["res.company"].create({"name": "Bench"})
        env.user.company_ids += self.company
        env["account.chart.template"].try_loading(
            "generic_coa", company=self.company, install_demo=False
        )
        env.user.company_id = self.company
        self.env = env(
            context={
                **env.context,
                "allowed_company_ids": self.company.ids,
                "tracking_disable": True,
            }
        )
        tax = self.env["account.tax"].create({"name": "Bench 15%", "amount": 15.0})
        product = self.env["product.product"].create(
            {"name": "Mobile", "type": "service", "taxes_id": [Command.set(tax.ids)]}
        )
        self.scheme = self.env["billing.term.scheme"].create(
            {"name": "Prepaid", "classification": "prepaid", "alignment": "calendar"}
        )
        self.tariff = self.env["billing.tariff"].create(
            {
                "name": "Mobile",
                "product_id": product.id,
                "term_scheme_id": self.scheme.id,
                "price": 9.99,
            }
        )
        self.category = self.new_category()
        self.cycle = self.env["billing.cycle"].create(
            {
                "name": "Prepaid",
                "run_type": "prepaid",
                "recurrence_unit": "day",
                "term_scheme_ids": [Command.set(self.scheme.ids)],
                "partner_category_ids": [Command.set(self.category.ids)],
            }
        )
        self.cycle.action_activate()
        self.env.cr.commit()

    def new_category(self):
        """Return another classification: runs are limited to it, which keeps the sets apart."""
        return self.env["res.partner.category"].create({"name": "Bench"})

    def fill(self, count):
        """Make active services of new customers, two a wallet; return their ids and the
        classification of their customers."""
        env = self.env
        category = self.new_category()
        partners = env["res.partner"].create(
            [
                {"name": f"Customer {n}", "category_id": [Command.set(category.ids)]}
                for n in range(max(count // 2, 1))
            ]
        )
        wallets = env["billing.wallet"].create([{"partner_id": p.id} for p in partners])
        env["billing.wallet.transaction"]._book(
            [
                {
                    "wallet_id": wallet.id,
                    "kind": "credit",
                    "amount": 100,
                    "reason": "Start",
                    "source_key": f"bench:{wallet.id}",
                }
                for wallet in wallets
            ]
        )
        services = env["billing.service"].create(
            [
                {"partner_id": partner.id, "tariff_id": self.tariff.id, "name": "Line"}
                for partner in partners
                for _n in range(2)
            ]
        )
        for start in range(0, len(services), 5000):
            services[start : start + 5000]._activate(FIRST)
        env.flush_all()
        env.cr.commit()
        env.cr.execute("ANALYZE")
        env.cr.commit()
        return services.ids, category

    def in_transaction(self, work):
        """Return what ``work(env)`` returns and its seconds, commit included."""
        with self.env.registry.cursor() as cr:
            env = api.Environment(cr, self.env.uid, self.env.context)
            start = time.perf_counter()
            result = work(env)
            cr.commit()
            return result, time.perf_counter() - start

    def day(self, day, category):
        """Run one day for the customers of a classification, batch by batch; return
        {stage: seconds}."""

        def make(env):
            values = {"partner_category_ids": [Command.set(category.ids)]}
            return env["billing.cycle"].browse(self.cycle.id)._create_run(day, **values).id

        run_id, _seconds = self.in_transaction(make)
        spent = {}
        (batches, stages), identify = self.in_transaction(
            lambda env: (
                env["billing.run"].browse(run_id)._customer_ranges(2000),
                [(s.name, s.method) for s in env["billing.run"].browse(run_id)._stages()],
            )
        )
        spent["identify"] = identify
        for name, method in stages:
            spent[name] = 0.0
            for first, last in batches:
                _result, seconds = self.in_transaction(
                    lambda env, method=method, first=first, last=last: getattr(
                        env["billing.run"].browse(run_id), method
                    )(first, last)
                )
                spent[name] += seconds
        return spent

    def plain(self, ids, day):
        """Rate, charge and debit services one by one through the ORM; return the seconds."""

        def work(env):
            for service in env["billing.service"].browse(ids):
                rows, after = service._rate_rows(day)[service]
                [values] = env["billing.charge"]._complete_rows(rows)
                values = {
                    name: float(value) if hasattr(value, "as_tuple") else value
                    for name, value in values.items()
                }
                charge = env["billing.charge"].create(values)
                wallet = env["billing.wallet"].search([("partner_id", "=", service.partner_id.id)])
                debit = env["billing.wallet.transaction"].create(
                    {
                        "wallet_id": wallet.id,
                        "company_id": wallet.company_id.id,
                        "currency_id": wallet.currency_id.id,
                        "date": day,
                        "kind": "debit",
                        "amount": -charge.amount,
                        "balance_after": wallet.balance - charge.amount,
                        "service_id": service.id,
                        "source_key": f"charge:{charge.id}",
                    }
                )
                wallet.invalidate_recordset(["balance"])
                charge._settle()
                charge.wallet_transaction_id = debit
                service._own().write({"rated_up_to": after})
                env.flush_all()

        _none, seconds = self.in_transaction(work)
        return seconds


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    provider = Provider(env)  # noqa: F821
    warm, category = provider.fill(100)
    provider.day(FIRST, category)
    sample, _category = provider.fill(SAMPLE)
    plain = len(sample) / provider.plain(sample, FIRST)
    rates = {}
    for count in (SMALL, LARGE):
        ids, category = provider.fill(count)
        provider.env.invalidate_all()
        idle = memory()
        spent = provider.day(FIRST, category)
        rates[count] = len(ids) / sum(spent.values())
        parts = "  ".join(f"{name} {seconds:6.2f} s" for name, seconds in spent.items())
        print(f"{count:>9,} services: {rates[count]:9,.0f} a second   {parts}")
        print(f"{'':>9} memory over an idle worker: {memory() - idle:.0f} MB")
        ours_memory = memory() - idle
    print(f"plain ORM loop: {plain:,.0f} a second; by sets {rates[LARGE] / plain:,.1f} times")
    _ids, category = provider.fill(LONG)
    seconds = [sum(provider.day(FIRST + timedelta(days=n), category).values()) for n in range(DAYS)]
    part = max(min(30, DAYS // 3), 1)
    first, last = statistics.median(seconds[:part]), statistics.median(seconds[-part:])
    print(
        f"{LONG:,} services for {DAYS} days: the last days take {last / first:.2f} times the first"
    )
    kept = {
        f"at least {PER_SECOND_AT_LEAST:,} a second": rates[LARGE] >= PER_SECOND_AT_LEAST,
        f"at least {TIMES_ORM_AT_LEAST} times the ORM": rates[LARGE] >= TIMES_ORM_AT_LEAST * plain,
        "flat by number": rates[SMALL] / rates[LARGE] <= GROWTH_AT_MOST,
        "flat by day": last / first <= GROWTH_AT_MOST,
        f"at most {MEMORY_AT_MOST} MB": ours_memory <= MEMORY_AT_MOST,
    }
    for what, good in kept.items():
        print(f"{'yes' if good else 'NO':>4}  {what}")
    return all(kept.values()) and bool(warm)


sys.exit(0 if main() else 1)
