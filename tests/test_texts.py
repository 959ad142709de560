"""Texts for people are in the singular for one, and in the plural for any other number."""

from unittest import TestCase

from ..billing_tasks.texts import plural


class TestPlural(TestCase):
    def test_only_one_is_singular(self):
        found = [plural(count, "1 bill", f"{count} bills") for count in (0, 1, 2)]
        self.assertEqual(found, ["0 bills", "1 bill", "2 bills"])
