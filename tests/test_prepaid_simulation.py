"""Many daily runs: whatever was missed, repeated or run twice, the price of invoices comes out."""

import random
from datetime import date, timedelta

from odoo.fields import Command
from odoo.tests import tagged

from .prepaid_common import PrepaidCase

START = date(2026, 1, 1)
DAYS, CUSTOMERS = 60, 32


@tagged("post_install", "-at_install")
class TestDailyRuns(PrepaidCase):
    """Wallets of many customers, whose services have chance prices, quantities and discounts.

    The same services under postpaid terms are invoiced for the same days; each customer pays the
    same to the cent. Some wallets have little money and are topped up by chance: each one's
    estimate must be the day on which it really runs out, where nobody tops it up before.
    """

    def build(self, chance):
        postpaid = self.make_scheme("Postpaid")
        weekly = self.make_scheme(
            "Weekly", classification="prepaid", interval_unit="week", anchor_day=1
        )
        self.cycle.term_scheme_ids += weekly
        self.cycle.estimation_days = 400
        twins = {
            self.prepaid: postpaid,
            weekly: self.make_scheme("Weekly postpaid", interval_unit="week", anchor_day=1),
        }
        offers = []
        for scheme, twin in twins.items():
            for price in (9.99, 17.0, 0.35, 120.01):
                pair = [self.make_tariff(terms, price) for terms in (scheme, twin)]
                offers.append(pair)
        partners = [
            self.make_prepaid_customer(f"Customer {n}", 5000 if n % 4 else 60)
            for n in range(CUSTOMERS)
        ]
        self.pairs = []
        for partner in partners:
            for _n in range(chance.randint(1, 3)):
                prepaid, twin = chance.choice(offers)
                values = {
                    "quantity": chance.choice((1, 1, 2)),
                    "discount": chance.choice((0, 0, 10)),
                }
                # Whole periods at their ends, so that the days end with both.
                first = START
                pair = [
                    self.make_service(partner, tariff, first, **values)
                    for tariff in (prepaid, twin)
                ]
                self.pairs.append(pair)
        self.postpaid = postpaid + twins[weekly]
        return partners

    def days(self, chance):
        """The days that runs bill as of: most of them, some twice, the last one surely."""
        days = [START + timedelta(days=n) for n in range(DAYS)]
        kept = [day for day in days if chance.random() > 0.15]
        return sorted([*kept, *chance.sample(kept, 20)])

    def test_daily_runs_come_to_what_invoices_come_to(self):
        chance = random.Random(2026)
        partners = self.build(chance)
        poor = self.env["billing.wallet"].search(
            [("balance", "=", 60), ("partner_id", "in", [p.id for p in partners])]
        )
        estimates, checked = {}, 0
        for day in self.days(chance):
            run = self.run_day(day)
            self.env.invalidate_all()
            failed = {
                bill.partner_id.id
                for bill in self.env["billing.bill"].search(
                    [("run_id", "=", run.id), ("error_code", "=", "insufficient_funds")]
                )
            }
            for wallet in poor:
                known = estimates.get(wallet.id)
                if wallet.partner_id.id in failed:
                    if known and known[0] <= day:
                        # It ran out on the day of the estimate: none before, this one failed.
                        self.assertGreater(known[0], known[1])
                        checked += 1
                    else:
                        self.assertIsNone(known, f"{wallet.number} ran out before its estimate")
                    wallet._credit(chance.randint(20, 300), "Top-up")
                    estimates.pop(wallet.id, None)
                elif wallet.depletion_date:
                    if known:
                        self.assertEqual(known[0], wallet.depletion_date, "the estimate moved")
                        self.assertGreater(known[0], day, "it did not run out on its day")
                    estimates[wallet.id] = (wallet.depletion_date, day)
        self.assertGreater(checked, 0)
        # Everybody pays what is left, up to the last day.
        for wallet in poor:
            wallet._credit(5000, "Top-up")
        last = START + timedelta(days=DAYS - 1)
        self.assertEqual(self.run_day(last).state, "completed")
        self.check_totals(partners, last)

    def check_totals(self, partners, last):
        """Compare what was debited with invoices of the same days."""
        for _prepaid, twin in self.pairs:
            twin._terminate(last + timedelta(days=1))
        services = self.env["billing.service"].browse([twin.id for _p, twin in self.pairs])
        charges = services._rate(last)
        paid, owed = {}, {}
        for prepaid, twin in self.pairs:
            for charge in prepaid.charge_ids:
                self.assertEqual(charge.state, "settled")
            whole = self.whole_periods(twin, charges)
            key = prepaid.partner_id.id
            owed[key] = round(owed.get(key, 0) + whole, 2)
            covered = prepaid.charge_ids.filtered(
                lambda c, end=self.ends[twin.id]: START <= c.full_start and c.full_end <= end
            )
            paid[key] = round(paid.get(key, 0) + sum(covered.mapped("amount")), 2)
        self.assertEqual(paid, owed)
        for partner in partners:
            charged = sum(
                sum(prepaid.charge_ids.mapped("amount"))
                for prepaid, _twin in self.pairs
                if prepaid.partner_id == partner
            )
            self.assertEqual(self.debited(partner), round(charged, 2))

    def whole_periods(self, twin, charges):
        """What the whole periods of a postpaid service come to on invoices, a line each, with
        tax."""
        mine = charges.filtered(
            lambda c: (
                c.service_id == twin
                and (c.period_start, c.period_end) == (c.full_start, c.full_end)
            )
        )
        self.ends = getattr(self, "ends", {})
        self.ends[twin.id] = max(mine.mapped("period_end"))
        total = 0.0
        for charge in mine:
            total += self.tax.compute_all(
                charge.amount, currency=charge.currency_id, quantity=1, product=charge.product_id
            )["total_included"]
        return total


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
