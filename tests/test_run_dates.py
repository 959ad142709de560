"""The dates of a run, tested without a database."""

import unittest
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.billing_operations.billing_runs.cycles.dates import (
    apply_day_rule,
    apply_due_rule,
    move_by_months,
    next_occurrence,
)

DAYS = st.dates(date(2019, 1, 1), date(2032, 12, 31))


class TestDayRules(unittest.TestCase):
    def test_day_31_means_the_last_day_of_a_shorter_month(self):
        self.assertEqual(apply_day_rule("month_day", 31, date(2024, 2, 10)), date(2024, 2, 29))
        self.assertEqual(apply_day_rule("month_day", 31, date(2025, 2, 10)), date(2025, 2, 28))

    def test_the_month_before_january_is_december(self):
        self.assertEqual(
            apply_day_rule("previous_month_day", 31, date(2026, 1, 1)), date(2025, 12, 31)
        )

    def test_the_month_after_december_is_january(self):
        self.assertEqual(apply_day_rule("next_month_day", 5, date(2025, 12, 31)), date(2026, 1, 5))

    def test_the_reference_date_itself_can_be_meant(self):
        self.assertEqual(apply_day_rule("run_date", 9, date(2026, 3, 17)), date(2026, 3, 17))


class TestDueRules(unittest.TestCase):
    def test_days_count_from_the_invoice_date(self):
        self.assertEqual(apply_due_rule("days", 30, date(2026, 1, 31)), date(2026, 3, 2))

    def test_month_end_is_taken_after_the_days_have_passed(self):
        self.assertEqual(apply_due_rule("month_end", 0, date(2026, 2, 3)), date(2026, 2, 28))
        self.assertEqual(apply_due_rule("month_end", 30, date(2026, 1, 31)), date(2026, 3, 31))

    def test_a_day_of_the_next_month_is_cut_to_its_length(self):
        self.assertEqual(apply_due_rule("next_month_day", 31, date(2026, 1, 15)), date(2026, 2, 28))

    @given(DAYS, st.integers(0, 90), st.sampled_from(["days", "month_end", "next_month_day"]))
    def test_nothing_is_due_before_it_is_invoiced(self, invoice_date, days, rule):
        self.assertGreaterEqual(apply_due_rule(rule, days, invoice_date), invoice_date)


class TestMovedDates(unittest.TestCase):
    def moved(self, first, months, times):
        days = [first]
        for _index in range(times):
            days.append(move_by_months(days[-1], months, days[-2::-1]))
        return [(day.month, day.day) for day in days[1:]]

    def test_the_day_comes_back_after_a_shorter_month(self):
        for day, months, found in (
            (date(2026, 1, 30), 1, [(2, 28), (3, 30), (4, 30), (5, 30)]),
            (date(2026, 1, 29), 1, [(2, 28), (3, 29)]),
            (date(2025, 12, 30), 2, [(2, 28), (4, 30), (6, 30), (8, 30)]),
            (date(2026, 1, 31), 1, [(2, 28), (3, 31), (4, 30)]),
            (date(2026, 2, 28), 1, [(3, 31), (4, 30)]),
            (date(2027, 2, 28), 12, [(2, 29), (2, 28)]),
            (date(2026, 1, 15), 1, [(2, 15), (3, 15)]),
        ):
            self.assertEqual(self.moved(day, months, len(found)), found)

    def test_a_last_day_that_somebody_chose_stays_the_last_day(self):
        earlier = [date(2026, 1, 15)]
        self.assertEqual(move_by_months(date(2026, 2, 28), 1, earlier), date(2026, 3, 31))


class TestRecurrence(unittest.TestCase):
    def test_a_cycle_from_the_31st_returns_to_the_31st(self):
        found, after = [], date(2026, 1, 31)
        for _index in range(3):
            after = next_occurrence(date(2026, 1, 31), 1, "month", (), after)
            found.append(after)
        self.assertEqual(found, [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)])

    def test_only_the_chosen_months_count(self):
        self.assertEqual(
            next_occurrence(date(2026, 1, 1), 1, "month", {3, 9}, date(2026, 3, 1)),
            date(2026, 9, 1),
        )

    def test_a_month_that_never_comes_gives_none(self):
        self.assertIsNone(next_occurrence(date(2026, 1, 1), 1, "year", {2}, date(2026, 1, 1)))

    def test_before_the_start_the_start_is_next(self):
        self.assertEqual(
            next_occurrence(date(2026, 5, 4), 1, "week", (), date(2026, 1, 1)), date(2026, 5, 4)
        )

    @given(
        start=DAYS,
        number=st.integers(1, 4),
        unit=st.sampled_from(["day", "week"]),
        gap=st.integers(-40, 900),
    )
    def test_days_and_weeks_agree_with_counting_day_by_day(self, start, number, unit, gap):
        after = start + timedelta(days=gap)
        step = number * (7 if unit == "week" else 1)
        expected = start
        while expected <= after:
            expected += timedelta(days=step)
        self.assertEqual(next_occurrence(start, number, unit, (), after), expected)

    @given(start=DAYS, number=st.integers(1, 5), gap=st.integers(-40, 900))
    def test_months_agree_with_trying_every_day(self, start, number, gap):
        after = start + timedelta(days=gap)
        found = next_occurrence(start, number, "month", (), after)
        day = max(after + timedelta(days=1), start)
        while not self._falls_on(start, number, day):
            day += timedelta(days=1)
        self.assertEqual(found, day)

    @staticmethod
    def _falls_on(start, number, day):
        months = (day.year - start.year) * 12 + day.month - start.month
        last = (day + timedelta(days=1)).day == 1
        right_day = day.day == start.day or (last and start.day > day.day)
        return months % number == 0 and right_day
