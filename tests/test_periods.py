"""Period arithmetic: boundaries, due periods, and that periods tile a service's life."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..services.periods import (
    Period,
    Schedule,
    boundary,
    boundary_on_or_after,
    days_left,
    due_day,
    due_periods,
    interval_index,
    next_due_day,
)
from . import naive_billing

EXAMPLES = settings(derandomize=True, max_examples=60, deadline=None, database=None)
DAYS = st.dates(date(2019, 1, 1), date(2028, 12, 31))


@st.composite
def schedules(draw):
    """Any schedule a person can set up."""
    unit = draw(st.sampled_from(["day", "week", "month", "year"]))
    number = draw(st.integers(1, {"day": 40, "week": 6, "month": 13, "year": 3}[unit]))
    alignment = draw(st.sampled_from(["anniversary", "calendar"]))
    anchor_day = draw(st.integers(1, 7 if unit == "week" else 31))
    return Schedule(number, unit, alignment, draw(DAYS), anchor_day)


def monthly(anchor, number=1, unit="month", alignment="anniversary", anchor_day=1):
    return Schedule(number, unit, alignment, anchor, anchor_day)


def starts(schedule, start, end, cutoff, timing="advance", **options):
    return [period.start for period in due_periods(schedule, start, end, cutoff, timing, **options)]


class TestBoundaries(BaseCase):
    def test_the_31st_is_the_last_day_of_shorter_months_and_comes_back(self):
        schedule = monthly(date(2026, 1, 31))
        self.assertEqual(
            [boundary(schedule, index) for index in range(5)],
            [
                date(2026, 1, 31),
                date(2026, 2, 28),
                date(2026, 3, 31),
                date(2026, 4, 30),
                date(2026, 5, 31),
            ],
        )

    def test_the_30th_skips_only_february(self):
        schedule = monthly(date(2023, 12, 30))
        self.assertEqual(boundary(schedule, 2), date(2024, 2, 29))
        self.assertEqual(boundary(schedule, 3), date(2024, 3, 30))

    def test_a_year_from_a_leap_day_returns_to_it_every_four_years(self):
        schedule = monthly(date(2024, 2, 29), unit="year")
        self.assertEqual(
            [boundary(schedule, index) for index in (1, 2, 3, 4)],
            [date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)],
        )

    def test_calendar_day_31_is_the_last_day_of_every_month(self):
        schedule = monthly(date(2026, 6, 15), alignment="calendar", anchor_day=31)
        index = interval_index(schedule, date(2026, 2, 10))
        self.assertEqual(boundary(schedule, index), date(2026, 1, 31))
        self.assertEqual(boundary(schedule, index + 1), date(2026, 2, 28))
        self.assertEqual(interval_index(schedule, date(2026, 2, 28)), index + 1)

    def test_calendar_quarters_start_in_january_april_july_and_october(self):
        schedule = monthly(date(2026, 2, 17), number=3, alignment="calendar")
        found = starts(schedule, date(2026, 2, 17), None, date(2027, 1, 1))
        self.assertEqual(
            found,
            [
                date(2026, 2, 17),
                date(2026, 4, 1),
                date(2026, 7, 1),
                date(2026, 10, 1),
                date(2027, 1, 1),
            ],
        )

    def test_calendar_weeks_start_on_their_weekday(self):
        schedule = monthly(date(2026, 3, 1), unit="week", alignment="calendar", anchor_day=3)
        found = starts(schedule, date(2026, 3, 1), None, date(2026, 3, 20))
        self.assertEqual(
            found, [date(2026, 3, 1), date(2026, 3, 4), date(2026, 3, 11), date(2026, 3, 18)]
        )

    def test_calendar_years_start_in_january(self):
        schedule = monthly(date(2026, 5, 5), unit="year", alignment="calendar", anchor_day=10)
        self.assertEqual(
            starts(schedule, date(2026, 5, 5), None, date(2027, 12, 31)),
            [date(2026, 5, 5), date(2027, 1, 10)],
        )

    @EXAMPLES
    @given(schedules(), DAYS)
    def test_every_day_lies_in_exactly_the_interval_found_for_it(self, schedule, day):
        index = interval_index(schedule, day)
        self.assertLessEqual(boundary(schedule, index), day)
        self.assertGreater(boundary(schedule, index + 1), day)

    @EXAMPLES
    @given(schedules(), DAYS)
    def test_boundaries_agree_with_looking_at_each_day(self, schedule, day):
        index = interval_index(schedule, day)
        self.assertEqual(
            (boundary(schedule, index), boundary(schedule, index + 1)),
            naive_billing.full_period(schedule, day),
        )

    @EXAMPLES
    @given(schedules(), DAYS)
    def test_the_next_boundary_is_the_first_one_not_before_the_day(self, schedule, day):
        found = boundary_on_or_after(schedule, day)
        self.assertTrue(naive_billing.is_boundary(schedule, found))
        for offset in range((found - day).days):
            self.assertFalse(naive_billing.is_boundary(schedule, day + timedelta(days=offset)))


class TestDuePeriods(BaseCase):
    def test_advance_takes_a_period_that_starts_on_the_cutoff(self):
        schedule = monthly(date(2026, 1, 31))
        self.assertEqual(starts(schedule, date(2026, 2, 28), None, date(2026, 2, 27)), [])
        self.assertEqual(
            starts(schedule, date(2026, 2, 28), None, date(2026, 2, 28)), [date(2026, 2, 28)]
        )

    def test_arrears_takes_a_period_whose_last_day_is_the_cutoff(self):
        schedule = monthly(date(2026, 1, 15))
        rated = date(2026, 1, 15)
        self.assertEqual(starts(schedule, rated, None, date(2026, 2, 13), "arrears"), [])
        self.assertEqual(starts(schedule, rated, None, date(2026, 2, 14), "arrears"), [rated])

    def test_arrears_takes_a_period_that_the_end_cuts_when_the_end_has_come(self):
        schedule = monthly(date(2026, 1, 1))
        found = list(
            due_periods(schedule, date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 10), "arrears")
        )
        self.assertEqual(
            found, [Period(date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 1), date(2026, 2, 1))]
        )

    def test_missed_periods_are_caught_up_one_by_one(self):
        schedule = monthly(date(2025, 10, 31))
        self.assertEqual(
            starts(schedule, date(2025, 10, 31), None, date(2026, 2, 28)),
            [
                date(2025, 10, 31),
                date(2025, 11, 30),
                date(2025, 12, 31),
                date(2026, 1, 31),
                date(2026, 2, 28),
            ],
        )

    def test_nothing_is_due_once_the_end_is_rated(self):
        schedule = monthly(date(2026, 1, 1))
        self.assertIsNone(next_due_day(schedule, date(2026, 2, 1), date(2026, 2, 1), "advance"))

    def test_a_started_period_is_whole_where_parts_are_not_billed(self):
        schedule = monthly(date(2026, 1, 20), alignment="calendar")
        found = list(
            due_periods(
                schedule, date(2026, 1, 20), date(2026, 2, 5), date(2026, 5, 1), "advance", "none"
            )
        )
        self.assertEqual(
            found,
            [
                Period(date(2026, 1, 20), date(2026, 2, 1), date(2026, 1, 20), date(2026, 2, 1)),
                Period(date(2026, 2, 1), date(2026, 3, 1), date(2026, 2, 1), date(2026, 3, 1)),
            ],
        )

    @EXAMPLES
    @given(
        schedules(),
        DAYS,
        st.integers(1, 900),
        st.integers(0, 1000),
        st.sampled_from(["advance", "arrears"]),
        st.sampled_from(["daily", "none"]),
    )
    def test_due_periods_agree_with_walking_from_day_to_day(
        self, schedule, start, life, ahead, timing, proration
    ):
        end, cutoff = start + timedelta(days=life), start + timedelta(days=ahead)
        self.assertEqual(
            [tuple(p) for p in due_periods(schedule, start, end, cutoff, timing, proration)],
            naive_billing.periods(schedule, start, end, cutoff, timing, proration),
        )

    @EXAMPLES
    @given(
        schedules(),
        DAYS,
        st.integers(1, 1500),
        st.lists(st.integers(0, 1600), max_size=6),
        st.sampled_from(["advance", "arrears"]),
    )
    def test_periods_tile_the_life_of_a_service_whatever_the_cutoffs(
        self, schedule, start, life, cutoffs, timing
    ):
        end = start + timedelta(days=life)
        rated_up_to, periods = start, []
        for offset in [*sorted(cutoffs), life]:
            cutoff = start + timedelta(days=offset)
            for period in due_periods(schedule, rated_up_to, end, cutoff, timing):
                self.assertEqual(period.start, rated_up_to)
                periods.append(period)
                rated_up_to = period.end
        self.assertEqual(rated_up_to, end)
        self.assertEqual(periods, list(due_periods(schedule, start, end, date(2999, 1, 1), timing)))
        for period in periods:
            self.assertLessEqual(period.full_start, period.start)
            self.assertLess(period.start, period.end)
            self.assertLessEqual(period.end, period.full_end)

    @EXAMPLES
    @given(schedules(), DAYS, st.integers(1, 400), st.sampled_from(["advance", "arrears"]))
    def test_the_next_due_day_is_the_earliest_cutoff_that_takes_something(
        self, schedule, start, life, timing
    ):
        end = start + timedelta(days=life)
        due = next_due_day(schedule, start, end, timing)
        self.assertTrue(list(due_periods(schedule, start, end, due, timing)))
        before = due - timedelta(days=1)
        self.assertFalse(list(due_periods(schedule, start, end, before, timing)))

    @EXAMPLES
    @given(schedules(), DAYS, st.integers(1, 900))
    def test_whole_periods_cover_every_day_once(self, schedule, start, life):
        end = start + timedelta(days=life)
        day = start
        for period in due_periods(schedule, start, end, end, "advance", "none"):
            self.assertEqual(period.start, day)
            self.assertEqual((period.full_start, period.full_end), (period.start, period.end))
            self.assertLess(period.start, end)
            day = period.end
        self.assertGreaterEqual(day, end)

    def test_a_cut_period_in_arrears_is_due_on_its_last_served_day(self):
        period = Period(date(2026, 1, 1), date(2026, 2, 1), date(2026, 1, 1), date(2026, 2, 1))
        self.assertEqual(due_day(period, date(2026, 1, 11), "arrears"), date(2026, 1, 10))


class TestDaysLeft(BaseCase):
    @EXAMPLES
    @given(
        DAYS,
        st.integers(0, 60),
        st.lists(st.tuples(st.integers(-20, 80), st.integers(0, 30)), max_size=5),
    )
    def test_what_is_left_is_each_day_that_no_range_covers(self, start, length, ranges):
        def days(first, stop):
            return {first + timedelta(days=number) for number in range((stop - first).days)}

        end = start + timedelta(days=length)
        taken = [
            (start + timedelta(days=first), start + timedelta(days=first + size))
            for first, size in ranges
        ]
        left = list(days_left(start, end, taken))
        self.assertEqual(left, sorted(left))
        self.assertTrue(all(first < stop for first, stop in left))
        covered = set().union(*(days(*one) for one in taken))
        self.assertEqual(
            sum((sorted(days(*one)) for one in left), []), sorted(days(start, end) - covered)
        )
