import unittest
from datetime import date, timedelta

from odoo.addons.billing_operations.billing_tasks.exceptions import (
    FatalTaskError,
    OutcomeUnknown,
    RetryTask,
    SkipTask,
)
from odoo.addons.billing_operations.billing_tasks.redaction import (
    plain_json,
    redact,
    secret_keys,
    storable_text,
)
from odoo.addons.billing_operations.billing_tasks.retry_policy import (
    Attempts,
    judge,
    judge_interruption,
    retry_delay,
)


def attempts(**values):
    return Attempts(
        **{"retry_count": 0, "max_retries": 2, "retry_delay": 5, "backoff": 3, **values}
    )


def middle(low, high):
    return (low + high) / 2


class TestRetryPolicy(unittest.TestCase):
    def test_delays_grow_by_the_factor_up_to_a_day(self):
        minutes = [
            retry_delay(attempts(retry_count=n), middle).total_seconds() / 60
            for n in (0, 1, 2, 50, 5000)
        ]
        self.assertEqual(minutes, [5, 15, 45, 1440, 1440])
        extreme = attempts(retry_delay=1e300, backoff=1e300, retry_count=10**6)
        self.assertEqual(retry_delay(extreme, middle), timedelta(days=1))
        self.assertEqual(retry_delay(attempts(retry_delay=0, retry_count=9)), timedelta())

    def test_jitter_stays_within_a_fifth(self):
        delays = {retry_delay(attempts()).total_seconds() for _n in range(200)}
        self.assertGreater(len(delays), 50)
        self.assertGreaterEqual(min(delays), 240)
        self.assertLessEqual(max(delays), 360)

    def test_an_error_is_retried_until_the_retries_are_used_up(self):
        verdicts = [judge(ValueError(), attempts(retry_count=n)) for n in (0, 1, 2)]
        self.assertEqual([v.state for v in verdicts], ["error", "error", "failed"])
        self.assertEqual([v.retry_count for v in verdicts], [1, 2, 2])

    def test_an_interruption_uses_up_a_retry_and_is_due_at_once(self):
        verdicts = [judge_interruption(attempts(retry_count=n)) for n in (0, 1, 2)]
        self.assertEqual([v.state for v in verdicts], ["error", "error", "failed"])
        self.assertEqual(verdicts[0].delay, timedelta())

    def test_control_exceptions_end_the_task_at_once(self):
        self.assertEqual(judge(FatalTaskError("no"), attempts()).state, "failed")
        self.assertEqual(judge(SkipTask("no need"), attempts()).state, "skipped")
        self.assertEqual(judge(OutcomeUnknown("?"), attempts()).code, "outcome_unknown")

    def test_a_postponement_costs_no_retry(self):
        verdict = judge(RetryTask("later", delay=30), attempts(retry_count=2))
        self.assertEqual((verdict.state, verdict.retry_count), ("error", 2))
        self.assertEqual(verdict.delay, timedelta(seconds=30))
        for asked, given in (
            (timedelta(hours=2), timedelta(hours=2)),
            (-5, timedelta()),
            (1e300, timedelta(days=7)),
            (timedelta.max, timedelta(days=7)),
        ):
            self.assertEqual(judge(RetryTask("later", delay=asked), attempts()).delay, given)

    def test_postponements_end_after_a_hundred_or_after_seven_days(self):
        self.assertEqual(judge(RetryTask(), attempts(postpone_count=99)).state, "error")
        self.assertEqual(judge(RetryTask(), attempts(postpone_count=100)).state, "failed")
        self.assertEqual(
            judge(RetryTask(), attempts(postponed_for=timedelta(days=7))).state, "failed"
        )


class TestRedaction(unittest.TestCase):
    def test_secrets_are_found_at_any_depth_by_their_names(self):
        value = {
            "user": "a",
            "sftp": [{"password": "x", "SFTP_PASSWD": "y"}],
            "author": {"api_key": "z"},
        }
        self.assertEqual(sorted(secret_keys(value)), ["SFTP_PASSWD", "api_key", "password"])
        names = ["accessToken", "client-secret", "dbPassword", "token", "Authorization"]
        self.assertEqual(secret_keys(dict.fromkeys(names)), names)
        addresses = {"from": "sftp://joe:xyz@host/in", "to": "https://example.com:80/a@b"}
        self.assertEqual(secret_keys(addresses), ["from"])
        self.assertEqual(secret_keys({"hosts": ["redis://:xyz@host", "b"]}), ["hosts"])
        harmless = ["passenger", "secretary", "batch_key", "payment_token_id", "secret_ids"]
        self.assertEqual(secret_keys(dict.fromkeys(harmless)), [])

    def test_values_of_secrets_are_blotted_out_of_texts(self):
        self.assertEqual(redact("password=abc def"), "password=*** def")
        self.assertEqual(
            redact('{"client_secret": "abc def", "n": 1}'), '{"client_secret": ***, "n": 1}'
        )
        self.assertEqual(redact("ftp://joe:xyz@host/in"), "ftp://joe:***@host/in")
        self.assertEqual(redact("redis://:xyz@host/0"), "redis://:***@host/0")
        for credentials in ("dXNlcjpwYXNzd29yZA==", "YTpi"):
            self.assertEqual(redact(f"Authorization: Basic {credentials}"), "Authorization: ***")
        self.assertEqual(redact("sent 'Bearer abcdefghijklmnop.qr'"), "sent 'Bearer ***'")
        self.assertEqual(redact("GET /x?token=abc&n=1"), "GET /x?token=***&n=1")
        for harmless in ("nothing to hide: 3 = 3", "unexpected token: }", "basic information"):
            self.assertEqual(redact(harmless), harmless)


class TestPlainJson(unittest.TestCase):
    def test_values_come_back_as_they_will_be_read(self):
        value = {"n": (1, 2.5), 3: None, "text": "\\u0000 é €", "deep": {"x": [True]}}
        self.assertEqual(
            plain_json(value),
            {"n": [1, 2.5], "3": None, "text": "\\u0000 é €", "deep": {"x": [True]}},
        )

    def test_what_the_database_cannot_store_is_refused(self):
        endless = []
        for _level in range(100_000):
            endless = [endless]
        for value in (float("nan"), float("inf"), "\0", {"\0": 1}, "\udcff", date.today(), endless):
            with self.assertRaises(ValueError):
                plain_json({"value": value} if value is not endless else value)

    def test_texts_are_made_storable(self):
        self.assertEqual(storable_text("a\0b\udcffc é"), "a\N{REPLACEMENT CHARACTER}b?c é")
