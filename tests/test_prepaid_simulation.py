"""Many daily runs: whatever was missed, repeated or run twice, the price of invoices comes out."""

import os
import random
import unittest
from datetime import date, timedelta

from odoo.fields import Command
from odoo.tests import tagged

from ..billing_runs.prepaid.switching import LAST_ID
from .prepaid_common import PrepaidCase
from .workers import Database, process_test

START = date(2026, 1, 1)
ONE_DAY = timedelta(days=1)
#: a year of many wallets; while something is tried, fewer do: BILLING_SIMULATION=60x32
DAYS, CUSTOMERS = map(int, os.environ.get("BILLING_SIMULATION", "365x200").split("x"))


class DailyRuns(PrepaidCase):
    """Days of wallets, whose services have chance prices, quantities and discounts.

    The same services under postpaid terms are invoiced for the same days; each customer pays the
    same to the cent. Wallets run out and are topped up by chance: each one's estimate must be the
    day on which it really runs out. Every day is committed, as in real life.
    """

    @classmethod
    def simulate(cls, env):
        """Run the days in a database of their own."""
        cls.env = env
        cls.make_provider()
        cls.category = cls.env["res.partner.category"].create({"name": "Prepaid"})
        cls.prepaid = cls.make_scheme("Prepaid", classification="prepaid")
        cls.cycle = cls.make_prepaid_cycle()
        cls().check_days()

    def build(self, chance):
        weekly = self.make_scheme(
            "Weekly", classification="prepaid", interval_unit="week", anchor_day=1
        )
        self.cycle.term_scheme_ids += weekly
        self.cycle.estimation_days = 500
        twins = {
            self.prepaid: self.make_scheme("Postpaid"),
            weekly: self.make_scheme("Weekly postpaid", interval_unit="week", anchor_day=1),
        }
        offers = [
            [self.make_tariff(terms, price) for terms in pair]
            for pair in twins.items()
            for price in (9.99, 17.0, 0.35, 120.01)
        ]
        partners = self.env["res.partner"].create(
            [
                {"name": f"Customer {n}", "category_id": [Command.set(self.category.ids)]}
                for n in range(CUSTOMERS)
            ]
        )
        self.wallets = self.env["billing.wallet"].create(
            [{"partner_id": p.id, "company_id": self.company.id} for p in partners]
        )
        for wallet in self.wallets:
            wallet._credit(chance.randint(20, 900), "Start")
        values = [
            {
                "partner_id": partner.id,
                "company_id": self.company.id,
                "name": "Line",
                "tariff_id": tariff.id,
                "quantity": quantity,
                "discount": discount,
            }
            for partner in partners
            for offer, quantity, discount in [
                (chance.choice(offers), chance.choice((1, 1, 2)), chance.choice((0, 0, 10)))
                for _n in range(chance.randint(1, 3))
            ]
            for tariff in offer
        ]
        services = self.env["billing.service"].create(values)
        services._activate(START)
        self.lines, self.twins = services[::2], services[1::2]

    # === DAYS === #

    def make_runs(self):
        """Two runs that are given each day in turn: a year of runs of their own would differ in their
        numbers alone."""
        self.run_one, self.run_two = (self.make_run(self.cycle, START) for _n in range(2))
        self.run_rates = self.make_run(self.cycle, START)
        self.run_rates.target_stage = "rating"

    def on(self, run, day):
        run.write({"cutoff_date": day, "transaction_date": day})
        return run

    def do_day(self, chance, day):
        """Run a day in one of the ways in which days are run."""
        one, two, rates = (
            self.on(run, day) for run in (self.run_one, self.run_two, self.run_rates)
        )
        way = chance.random()
        if way < 0.85:
            self.stages(one)
        elif way < 0.9:
            self.stages(one)
            self.stages(two)
        elif way < 0.95:
            # Stage by stage.
            rates._rate_prepaid(1, LAST_ID)
            one._debit_wallets(1, LAST_ID)
            one._estimate_wallets(1, LAST_ID)
        else:
            # Two at once.
            rates._rate_prepaid(1, LAST_ID)
            two._rate_prepaid(1, LAST_ID)
            one._debit_wallets(1, LAST_ID)
            two._debit_wallets(1, LAST_ID)
            two._estimate_wallets(1, LAST_ID)

    def stages(self, run):
        for method in ("_rate_prepaid", "_debit_wallets", "_estimate_wallets"):
            getattr(run, method)(1, LAST_ID)

    def query(self, statement, *arguments):
        self.env.flush_all()
        self.env.cr.execute(statement, arguments)
        return self.env.cr.fetchall()

    def owing(self):
        """The wallets whose customers owe something."""
        return {
            wallet
            for (wallet,) in self.query(
                "SELECT DISTINCT wallet.id FROM billing_charge AS charge"
                "  JOIN billing_wallet AS wallet ON wallet.partner_id = charge.partner_id"
                " WHERE charge.state = 'rated' AND charge.service_id = ANY(%s)",
                self.lines.ids,
            )
        }

    def estimated(self):
        return dict(
            self.query(
                "SELECT id, depletion_date FROM billing_wallet WHERE id = ANY(%s)",
                self.wallets.ids,
            )
        )

    def check_days(self):
        chance = random.Random(2026)
        self.build(chance)
        self.make_runs()
        known, before, exact = {}, None, 0
        for day in (START + timedelta(days=n) for n in range(DAYS)):
            if chance.random() < 0.1:
                continue  # missed
            self.do_day(chance, day)
            owing, estimated = self.owing(), self.estimated()
            for wallet, told in known.items():
                if wallet in owing:
                    self.assertLessEqual(told, day, "it ran out before its estimate")
                    self.assertGreater(told, before, "it ran out after its estimate")
                    exact += before == day - ONE_DAY
                else:
                    self.assertGreater(told, day, "it did not run out on its day")
                    self.assertEqual(estimated[wallet], told, "the estimate moved")
            for wallet in self.wallets.browse(sorted(owing)):
                wallet._credit(chance.randint(50, 900), "Top-up")
            known = {w: told for w, told in estimated.items() if told and w not in owing}
            before = day
            self.env.flush_all()
            self.env.cr.commit()
            self.env.invalidate_all()
        self.assertGreater(exact, 0)
        # Everybody pays what is left, up to the last day.
        for wallet in self.wallets:
            wallet._credit(2000, "Top-up")
        last = START + timedelta(days=DAYS - 1)
        self.stages(self.on(self.run_one, last))
        self.assertFalse(self.owing())
        self.check_totals(last)

    # === TOTALS === #

    def check_totals(self, last):
        """Compare what was debited with invoices of the same days."""
        self.twins._terminate(last + ONE_DAY)
        charges = self.twins._rate(last)
        whole = charges.filtered(
            lambda c: (c.period_start, c.period_end) == (c.full_start, c.full_end)
        )
        known = {}
        owed, ends = {}, {}
        for charge in whole:
            if charge.amount not in known:
                known[charge.amount] = self.tax.compute_all(
                    charge.amount, currency=charge.currency_id, product=charge.product_id
                )["total_included"]
            twin = charge.service_id.id
            owed[twin] = round(owed.get(twin, 0) + known[charge.amount], 2)
            ends[twin] = max(ends.get(twin, START), charge.period_end)
        for line, twin in zip(self.lines, self.twins, strict=True):
            [(paid, states)] = self.query(
                "SELECT sum(amount), array_agg(DISTINCT state) FROM billing_charge"
                " WHERE service_id = %s AND full_start >= %s AND full_end <= %s",
                line.id,
                START,
                ends[twin.id],
            )
            self.assertEqual((float(paid), states), (owed[twin.id], ["settled"]))
        rows = self.query(
            """
            SELECT wallet.id FROM billing_wallet AS wallet
             WHERE wallet.id = ANY(%s)
               AND (SELECT -sum(amount) FROM billing_wallet_transaction
                     WHERE wallet_id = wallet.id AND kind = 'debit')
                   <> (SELECT sum(amount) FROM billing_charge
                        WHERE partner_id = wallet.partner_id AND service_id = ANY(%s))
            """,
            self.wallets.ids,
            self.lines.ids,
        )
        self.assertFalse(rows)


SIMULATE = """
from odoo.addons.billing_operations.tests.test_prepaid_simulation import DailyRuns
DailyRuns.simulate(env)
print("All days came to what invoices come to.")
"""


@process_test
class TestDailyRuns(unittest.TestCase):
    def test_daily_runs_come_to_what_invoices_come_to(self):
        with Database() as database:
            output = database.script(SIMULATE, timeout=120 + DAYS * CUSTOMERS // 20)
        self.assertIn("All days came to", output)


@tagged("post_install", "-at_install")
class TestTwoRunsAtOnce(PrepaidCase):
    def test_two_runs_of_one_day_debit_it_once(self):
        partner = self.make_prepaid_customer("Twice", 100)
        self.make_service(partner, self.mobile, START)
        one = self.make_run(self.cycle, START, partner_ids=[Command.set(partner.ids)])
        two = self.make_run(self.cycle, START)
        one._execute("rating")
        two._execute("rating")
        two._execute()
        one._execute()
        self.assertEqual((one.state, two.state), ("completed", "completed"))
        self.assertEqual(self.debited(partner), 1.11)
