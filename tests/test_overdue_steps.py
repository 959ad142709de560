"""Which step follows for an overdue invoice, without a database."""

import unittest
from datetime import date, timedelta

from ..payment_runs.overdue_steps import Done, Step, next_step

TODAY = date(2026, 6, 1)
REMIND, WARN, SUSPEND = Step(1, 7), Step(2, 21), Step(3, 35, failures=3)
STEPS = [SUSPEND, REMIND, WARN]


class TestNextStep(unittest.TestCase):
    def taken(self, *steps, ago=0):
        return [Done(step.id, TODAY - timedelta(days=ago), step.days) for step in steps]

    def after(self, overdue, done=(), failures=0, steps=STEPS):
        found = next_step(steps, list(done), overdue, failures, TODAY)
        return found and found.id

    def test_the_first_step_comes_on_its_day(self):
        self.assertIsNone(self.after(6))
        self.assertEqual(self.after(7), REMIND.id)

    def test_an_invoice_found_late_begins_at_the_beginning(self):
        self.assertEqual(self.after(300), REMIND.id)

    def test_between_two_steps_lie_the_days_between_their_places(self):
        for ago, expected in ((0, None), (13, None), (14, WARN.id), (50, WARN.id)):
            done = self.taken(REMIND, ago=ago)
            self.assertEqual(self.after(300, done), expected, ago)

    def test_the_invoice_has_to_be_overdue_for_so_long_all_the_same(self):
        self.assertIsNone(self.after(20, self.taken(REMIND, ago=14)))

    def test_no_step_is_taken_twice(self):
        self.assertIsNone(self.after(300, self.taken(REMIND, WARN, SUSPEND, ago=200)))

    def test_failed_collections_lead_to_their_step_at_once(self):
        self.assertIsNone(self.after(1, failures=2))
        self.assertEqual(self.after(1, failures=3), SUSPEND.id)
        self.assertIsNone(self.after(1, self.taken(SUSPEND), failures=9))

    def test_steps_that_were_passed_are_not_taken_up_again(self):
        self.assertIsNone(self.after(100, self.taken(SUSPEND, ago=90)))

    def test_a_step_that_is_no_more_still_counts_for_the_days_between(self):
        done = [Done(99, TODAY - timedelta(days=5), 20)]
        self.assertIsNone(self.after(300, done, steps=[REMIND, SUSPEND]))
        done = [Done(99, TODAY - timedelta(days=15), 20)]
        self.assertEqual(self.after(300, done, steps=[REMIND, SUSPEND]), SUSPEND.id)

    def test_two_steps_of_one_day_come_one_after_the_other(self):
        other = Step(4, 7)
        self.assertEqual(self.after(7, steps=[REMIND, other]), REMIND.id)
        self.assertEqual(self.after(8, self.taken(REMIND), steps=[REMIND, other]), other.id)

    def test_without_steps_nothing_follows(self):
        self.assertIsNone(self.after(300, steps=[]))
