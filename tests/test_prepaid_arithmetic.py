"""What prepaid days cost and how long money lasts, without a database."""

import random
from datetime import date, timedelta
from decimal import Decimal

from odoo.tests import BaseCase, tagged

from ..billing_runs.prepaid.arithmetic import (
    Burn,
    Outlook,
    boundaries,
    day_row,
    rounded_share,
)
from ..services.periods import Period, Schedule
from ..services.proration import PriceLine

D = Decimal
CENT = D("0.01")
MONTHLY = Schedule(1, "month", "calendar", date(2026, 1, 1), 1)


@tagged("post_install", "-at_install")
class TestPrepaidDays(BaseCase):
    def test_the_days_of_a_period_come_to_its_gross_price(self):
        chance = random.Random(3)
        line = PriceLine("recurring", 1, None, D(30), D(1), D(0))
        for _case in range(200):
            gross = D(chance.randint(1, 99999)) / 100
            total, day = D(0), date(2026, 2, 1)
            while day < date(2026, 3, 1):
                end = min(day + timedelta(days=chance.randint(1, 5)), date(2026, 3, 1))
                period = Period(day, end, date(2026, 2, 1), date(2026, 3, 1))
                total += day_row(line, gross, period, CENT)["amount"]
                day = end
            self.assertEqual(total, gross)

    def test_quantity_and_discount_come_to_the_same_gross_price(self):
        line = PriceLine("recurring", 1, None, D("9.99"), D(3), D(10))
        period = Period(date(2026, 2, 1), date(2026, 3, 1), date(2026, 2, 1), date(2026, 3, 1))
        row = day_row(line, D("31.02"), period, CENT)
        self.assertEqual(row["amount"], D("31.02"))
        self.assertEqual(
            (row["price_unit"] * row["quantity"] * (1 - row["discount"] / 100)).quantize(CENT),
            D("31.02"),
        )

    def test_shares_are_rounded_half_up(self):
        self.assertEqual([rounded_share(1, n, 4) for n in range(5)], [0, 0, 1, 1, 1])
        self.assertEqual(rounded_share(3450, 10, 31), 1113)

    def test_boundaries_hold_the_days_and_one_more(self):
        self.assertEqual(
            boundaries(MONTHLY, date(2026, 1, 15), date(2026, 2, 2)),
            [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)],
        )
        self.assertEqual(len(boundaries(MONTHLY, date(2026, 1, 1), date(2026, 1, 1))), 2)


@tagged("post_install", "-at_install")
class TestDepletion(BaseCase):
    def burn(self, coins, start, end=None, whole=False, schedule=MONTHLY):
        days = boundaries(schedule, start, start + timedelta(days=800))
        return Burn(coins, tuple(days), start, end, whole)

    def depletion(self, available, burns, first, horizon, daily=0.0):
        """Return the first day that money does not pay."""
        outlook = Outlook(dict(enumerate(burns)), first, horizon)
        days = outlook.days(available, tuple(range(len(burns))), daily)
        return None if days is None else first + timedelta(days=days)

    def simulate(self, available, burns, first, horizon):
        """Day by day, the plain way."""
        for n in range(horizon):
            day = first + timedelta(days=n)
            if sum(burn.until(day) for burn in burns) > available:
                return day
        return None

    def test_the_estimate_is_the_day_that_counting_finds(self):
        chance = random.Random(5)
        schedules = [
            MONTHLY,
            Schedule(1, "month", "anniversary", date(2024, 1, 31), 1),
            Schedule(1, "week", "calendar", date(2026, 1, 1), 3),
            Schedule(3, "month", "anniversary", date(2025, 11, 12), 1),
        ]
        for _case in range(300):
            first = date(2026, 1, 1) + timedelta(days=chance.randint(0, 400))
            burns = [
                self.burn(
                    chance.randint(0, 5000),
                    first + timedelta(days=chance.choice((0, 0, 0, 3))),
                    chance.choice((None, None, first + timedelta(days=chance.randint(0, 90)))),
                    chance.random() < 0.3,
                    chance.choice(schedules),
                )
                for _n in range(chance.randint(1, 4))
            ]
            available = chance.randint(-100, 20000)
            self.assertEqual(
                self.depletion(available, burns, first, 200),
                self.simulate(available, burns, first, 200),
            )

    def test_money_that_lasts_beyond_the_horizon_has_no_day(self):
        self.assertIsNone(
            self.depletion(10**9, [self.burn(100, MONTHLY.anchor)], MONTHLY.anchor, 90)
        )
        self.assertIsNone(self.depletion(0, [], MONTHLY.anchor, 90))

    def test_where_nothing_is_to_pay_no_money_runs_out(self):
        # Not even what is overdrawn, as after a lower credit limit.
        self.assertIsNone(self.depletion(-100, [], MONTHLY.anchor, 90))

    def test_a_wallet_may_pay_for_thousands_of_services(self):
        first, horizon = MONTHLY.anchor, 90
        same, others = 3000, 2000
        burns = dict(enumerate(self.burn(100 + n, first) for n in range(others + 1)))
        numbers = (0,) * same + tuple(range(1, others + 1))
        outlook = Outlook(burns, first, horizon)
        total = [sum(burns[n].until(first + timedelta(days=d)) for n in numbers) for d in (9, 10)]
        self.assertEqual(outlook.days(total[0], numbers), 10)
        self.assertEqual(outlook.days(total[1] - 1, numbers), 10)
        self.assertEqual(outlook.days(total[0] - 1, numbers), 9)
        # One more counts again for each of the equal ones.
        self.assertEqual(outlook.days(same * burns[0].until(first), numbers[:same]), 1)

    def test_what_is_used_besides_counts(self):
        burns = [self.burn(3100, date(2026, 1, 1))]
        self.assertEqual(self.depletion(1000, burns, date(2026, 1, 1), 90), date(2026, 1, 11))
        self.assertEqual(self.depletion(1000, burns, date(2026, 1, 1), 90, 100.0), date(2026, 1, 6))
