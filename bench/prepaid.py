"""A day of prepaid services: identified, rated, debited and estimated by sets, beside a plain ORM loop

Two services a wallet. The plain loop rates a service, creates its charge and its transaction, one
after the other, for a sample. Then the small set is run day after day, to see whether a longer ledger
makes days slower. What counts is what the processors work, the worker's and its database process's:
they take turns, so that on an idle machine it is the time by the wall. Arguments: services in the
small and in the large run, and days of the long one (10,000, 100,000 and 365 if left out).
"""

import os
import resource
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from odoo import api
from odoo.fields import Command, Date

SMALL, LARGE, DAYS = (
    int(argument) for argument in (sys.argv[1:4] if len(sys.argv) > 3 else (10_000, 100_000, 365))
)
SAMPLE = min(SMALL, 300)
LONG = min(SMALL, 10_000)
FIRST = Date.to_date("2026-01-01")
PER_SECOND_AT_LEAST = 10_000
TIMES_ORM_AT_LEAST = 15
GROWTH_AT_MOST = 1.1
MEMORY_AT_MOST = 200  # MB over an idle worker
STAGES = ("rating", "debit", "estimation")


class Spent(NamedTuple):
    """Seconds by the wall, and of both processors' work: the worker's and its database process's."""

    wall: float
    worker: float
    server: float

    @classmethod
    def until_now(cls, server):
        """Return the seconds until now of this process and the database process ``server``."""
        try:
            text = Path(f"/proc/{server}/stat").read_text(encoding="utf-8")
            ticks = sum(map(int, text.rpartition(")")[2].split()[11:13]))
        except OSError:  # the server runs elsewhere
            ticks = 0
        return cls(time.perf_counter(), time.process_time(), ticks / os.sysconf("SC_CLK_TCK"))

    def __add__(self, other):
        return Spent(*(mine + its for mine, its in zip(self, other, strict=True)))

    def __sub__(self, other):
        return Spent(*(mine - its for mine, its in zip(self, other, strict=True)))

    @property
    def cpu(self):
        """Seconds that the processors worked; the wall's where the server runs elsewhere."""
        return self.worker + self.server if self.server else self.wall


NOTHING = Spent(0, 0, 0)


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
        classification of their customers.

        The first customer, wallet and service are made as ever; the others are the same rows with
        names and numbers of their own.
        """
        env = self.env
        category = self.new_category()
        partner = env["res.partner"].create(
            {"name": "Customer 0", "category_id": [Command.set(category.ids)]}
        )
        wallet = env["billing.wallet"].create({"partner_id": partner.id})
        service = env["billing.service"].create(
            {"partner_id": partner.id, "tariff_id": self.tariff.id, "name": "Line"}
        )
        service._activate(FIRST)
        env.flush_all()
        customers = max(count // 2, 1)
        texts = {name: "'Customer ' || n" for name in ("name", "complete_name")}
        partners = self.copies(
            partner, range(1, customers), texts | {"commercial_partner_id": "made.id"}
        )
        env.cr.execute(
            "INSERT INTO res_partner_res_partner_category_rel (partner_id, category_id)"
            " SELECT unnest(%s), %s",
            [partners, category.id],
        )
        number = "old.number || '-' || n"
        owner = {"number": number, "partner_id": f"{partner.id} + n"}
        assert partners == list(range(partner.id + 1, partner.id + customers))
        wallets = [wallet.id, *self.copies(wallet, range(1, customers), owner)]
        env.cr.execute(
            """
            INSERT INTO billing_wallet_transaction
                   (wallet_id, company_id, currency_id, date, kind, amount, granted_amount,
                    balance_after, reason, source_key)
            SELECT id, company_id, currency_id, %s, 'credit', 1000, 0, 1000, 'Start', 'bench:' || id
              FROM billing_wallet
             WHERE id = ANY(%s)
            """,
            [FIRST, wallets],
        )
        owner["partner_id"] = f"{partner.id} + n / 2"
        services = [service.id, *self.copies(service, range(1, count), owner)]
        env.invalidate_all()
        env.cr.commit()
        self.settle()
        return services, category

    def settle(self):
        """Vacuum and analyse what was filled in, as a database that is used has been long since."""
        with self.env.registry.cursor() as cr:
            cr._cnx.autocommit = True
            cr.execute("VACUUM ANALYZE")
            cr._cnx.autocommit = False

    def copies(self, record, numbers, changes):
        """Insert copies of a row; return their ids.

        :param changes: {column: SQL of what it holds instead}, in which ``n`` is the copy's number
        """
        cr = self.env.cr
        table = record._table
        cr.execute(
            "SELECT attname FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'id'",
            [table],
        )
        names = [name for (name,) in cr.fetchall()]
        columns = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(str(changes.get(name, f'old."{name}"')) for name in names)
        cr.execute(
            f"""
            INSERT INTO {table} (id, {columns})
            SELECT made.id, {values}
              FROM (SELECT n, nextval('{table}_id_seq')::int AS id
                      FROM unnest(%s) AS n ORDER BY n) AS made,
                   (SELECT * FROM {table} WHERE id = %s) AS old
         RETURNING id
            """,
            [list(numbers), record.id],
        )
        return sorted(row_id for (row_id,) in cr.fetchall())

    def in_transaction(self, work):
        """Return what ``work(env)`` returns and what it took, commit included."""
        with self.env.registry.cursor() as cr:
            env = api.Environment(cr, self.env.uid, self.env.context)
            cr.execute("SELECT pg_backend_pid()")
            [server] = cr.fetchone()
            start = Spent.until_now(server)
            result = work(env)
            cr.commit()
            return result, Spent.until_now(server) - start

    def day(self, day, category):
        """Run one day for the customers of a classification, batch by batch; return
        {stage: what it took}."""

        def make(env):
            values = {"partner_category_ids": [Command.set(category.ids)]}
            return env["billing.cycle"].browse(self.cycle.id)._create_run(day, **values).id

        run_id, _seconds = self.in_transaction(make)
        spent = {}
        (batches, stages), identify = self.in_transaction(
            lambda env: (
                env["billing.run"]
                .browse(run_id)
                ._customer_ranges(env["billing.run"].browse(run_id)._stages()[0].customers),
                [(s.name, s.method) for s in env["billing.run"].browse(run_id)._stages()],
            )
        )
        spent["identify"] = identify
        for name, method in stages:
            spent[name] = NOTHING
            for first, last in batches:
                _result, seconds = self.in_transaction(
                    lambda env, method=method, first=first, last=last: getattr(
                        env["billing.run"].browse(run_id), method
                    )(first, last)
                )
                spent[name] += seconds
        return spent

    def plain(self, ids, day):
        """Rate, charge and debit services one by one through the ORM; return what it took."""

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


def total(spent):
    return sum(spent.values(), NOTHING)


def main():
    provider = Provider(env)  # noqa: F821
    warm, category = provider.fill(100)
    provider.day(FIRST, category)
    sample, _category = provider.fill(SAMPLE)
    plain = len(sample) / provider.plain(sample, FIRST).cpu
    rates = {}
    for count in (SMALL, LARGE):
        ids, category = provider.fill(count)
        provider.env.invalidate_all()
        idle = memory()
        spent = provider.day(FIRST, category)
        rates[count] = len(ids) / total(spent).cpu
        print(
            f"{count:>9,} services: {rates[count]:9,.0f} a processor's second,"
            f" {len(ids) / total(spent).wall:,.0f} by the wall"
        )
        for name, part in spent.items():
            print(
                f"{name:>20} {part.worker:6.2f} s of the worker,"
                f" {part.server:6.2f} s of the database, {part.wall:6.2f} s by the wall"
            )
        ours_memory = memory() - idle
        print(f"{'':>9} memory over an idle worker: {ours_memory:.0f} MB")
    print(f"plain ORM loop: {plain:,.0f} a second; by sets {rates[LARGE] / plain:,.1f} times")
    _ids, category = provider.fill(LONG)
    days = [total(provider.day(FIRST + timedelta(days=n), category)).cpu for n in range(DAYS)]
    part = max(min(30, DAYS // 3), 1)
    first, last = statistics.median(days[:part]), statistics.median(days[-part:])
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
