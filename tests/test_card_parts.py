"""Dates of cards, and what errors of the network say of a charge. No database."""

import unittest
from datetime import date

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from odoo.exceptions import ValidationError

from ..payment_runs.card_answers import is_lost, is_not_reached
from ..payment_runs.card_dates import expiry_text, next_try, parse_days, parse_expiry


class TestCardDates(unittest.TestCase):
    def test_days_between_tries(self):
        self.assertEqual(parse_days("3, 5, 7"), [3, 5, 7])
        self.assertEqual(parse_days(" 1;2 30 "), [1, 2, 30])
        self.assertEqual(parse_days(None), [])
        for wrong in ("x", "3, -1", "0", "91", "1.5", "²", ",".join("1" * 11)):
            with self.subTest(wrong=wrong), self.assertRaises(ValueError):
                parse_days(wrong)

    def test_each_day_counts_from_the_try_before(self):
        day = date(2026, 2, 27)
        self.assertEqual(next_try(day, 1, [3, 5]), date(2026, 3, 2))
        self.assertEqual(next_try(day, 2, [3, 5]), date(2026, 3, 4))
        self.assertIsNone(next_try(day, 3, [3, 5]))
        self.assertIsNone(next_try(day, 1, []))

    def test_a_card_is_good_to_the_end_of_its_month(self):
        for text in ("02/2028", "2/28", " 02-28 ", "02.2028"):
            self.assertEqual(parse_expiry(text), date(2028, 2, 29))
        self.assertEqual(expiry_text(date(2028, 2, 29)), "02/2028")
        self.assertEqual(expiry_text(None), "")
        for wrong in ("", None, "13/2028", "0/28", "2028/02", "02/028", "02/1999", "0228", "٢/28"):
            with self.subTest(wrong=wrong), self.assertRaises(ValueError):
                parse_expiry(wrong)


class TestAnswers(unittest.TestCase):
    def as_odoo_says_it(self, error):
        """The error that Odoo makes of one of the network."""
        try:
            try:
                raise error
            except Exception:
                raise ValidationError("Could not establish the connection.")  # noqa: B904
        except ValidationError as said:
            return said

    def refused(self, status):
        response = requests.Response()
        response.status_code = status
        return requests.exceptions.HTTPError(response=response)

    def test_what_may_have_arrived_is_lost(self):
        for error in (
            requests.exceptions.ReadTimeout(),
            requests.exceptions.ConnectionError("reset by peer"),
            self.refused(500),
            self.refused(504),
            self.refused(408),
        ):
            said = self.as_odoo_says_it(error)
            self.assertEqual((is_lost(said), is_not_reached(said)), (True, False), error)

    def test_what_was_answered_is_not_lost(self):
        for error in (self.refused(402), self.refused(400), KeyError("x")):
            self.assertFalse(is_lost(self.as_odoo_says_it(error)), error)
        self.assertFalse(is_lost(ValidationError("The card was declined.")))

    def test_without_a_connection_nothing_was_sent(self):
        refused = NewConnectionError(None, "refused")
        for error in (
            requests.exceptions.ConnectTimeout(),
            requests.exceptions.ConnectionError(MaxRetryError(None, "/", refused)),
        ):
            said = self.as_odoo_says_it(error)
            self.assertTrue(is_not_reached(said) or isinstance(error, requests.ConnectionError))
        try:
            requests.get("http://127.0.0.1:9/", timeout=2)
        except requests.exceptions.ConnectionError as error:
            self.assertTrue(is_not_reached(self.as_odoo_says_it(error)))
