from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..billing_tasks.dry_run import dry_run, is_dry_run
from ..billing_tasks.exceptions import FatalTaskError, OutcomeUnknown, RetryTask, SkipTask
from ..billing_tasks.handlers import ExternalHandler
from .task_common import BillingTasksCase


@tagged("post_install", "-at_install")
class TestAttempt(BillingTasksCase):
    def test_a_task_runs_as_odoobot_in_its_own_company_language_and_zone(self):
        company = self.env["res.company"].create({"name": "Second"})
        company.resource_calendar_id.tz = "America/New_York"
        seen = {}

        def handler(task):
            env = task.env
            seen.update(
                uid=env.uid,
                su=env.su,
                company=env.company,
                allowed=env.companies,
                tz=env.context["tz"],
            )
            seen.update(lang=env.lang)
            return {"done": 1}

        self.handlers["test_work"] = handler
        task = self.tasks.with_company(company).enqueue("test_work")
        self.tasks._run_inline()
        self.assertEqual(
            seen,
            {
                "uid": 1,
                "su": True,
                "company": company,
                "allowed": company,
                "tz": "America/New_York",
                "lang": company.partner_id.lang,
            },
        )
        self.assertEqual((task.state, task.result), ("completed", {"done": 1}))
        self.assertTrue(task.ended_date)
        self.assertIn("Completed", self.log_text(task))

    def test_order_is_priority_then_due_time_then_age(self):
        order = []
        self.handlers["test_work"] = lambda task: order.append(task.parameters["n"])
        now = fields.Datetime.now()
        with freeze_time(now - timedelta(hours=1)):
            for n, priority in ((1, 50), (2, 10), (3, 50)):
                self.tasks.enqueue("test_work", parameters={"n": n}, priority=priority)
            self.tasks.enqueue(
                "test_work",
                parameters={"n": 4},
                priority=50,
                delay_until=now - timedelta(minutes=10),
            )
        self.tasks.enqueue("test_work", parameters={"n": 5}, delay_until=now + timedelta(hours=1))
        self.assertEqual(self.tasks._run_inline(), 4)
        self.assertEqual(order, [2, 1, 3, 4])

    def test_the_inline_runner_minds_its_limit_and_domain(self):
        self.handlers["test_work"] = lambda task: None
        tasks = [self.tasks.enqueue("test_work", priority=n) for n in range(3)]
        self.assertEqual(self.tasks._run_inline(limit=1), 1)
        self.assertEqual(self.tasks._run_inline(domain=[("id", "=", tasks[2].id)]), 1)
        self.assertEqual([task.state for task in tasks], ["completed", "pending", "completed"])

    def test_an_error_undoes_the_work_and_keeps_the_log(self):
        def handler(task):
            task.env["res.partner"].create({"name": "Half-done work"})
            task._log("about to fail, password=abc")
            raise ValueError("bad file, token: no, api_key=12345")

        self.handlers["test_work"] = handler
        task = self.tasks.enqueue("test_work")
        self.tasks._run_inline(limit=1)
        self.assertEqual((task.state, task.retry_count, task.error_code), ("error", 1, "error"))
        self.assertFalse(self.env["res.partner"].search_count([("name", "=", "Half-done work")]))
        self.assertIn("bad file", task.error_message)
        log = self.log_text(task)
        self.assertIn("about to fail, password=***", log)
        self.assertIn("Traceback", log)
        self.assertNotIn("12345", log)
        self.tasks._run_inline()
        self.assertEqual(
            (task.state, task.retry_count, task.error_code), ("failed", 2, "retries_used_up")
        )

    def test_a_long_traceback_is_cut(self):
        def handler(task):
            raise ValueError("x" * 100_000)

        self.handlers["test_work"] = handler
        task = self.tasks.enqueue("test_work")
        self.tasks._run_inline(limit=1)
        self.assertLess(len(self.log_text(task)), 9000)
        self.assertLess(len(task.error_message), 2100)

    def test_handlers_steer_their_task_by_exceptions(self):
        def handler(task):
            raise {
                "fatal": FatalTaskError("never"),
                "skip": SkipTask("nothing to do"),
                "later": RetryTask("not yet", delay=timedelta(minutes=3)),
            }[task.parameters["how"]]

        self.handlers["test_work"] = handler
        fatal, skip, later = (
            self.tasks.enqueue("test_work", parameters={"how": how})
            for how in ("fatal", "skip", "later")
        )
        with freeze_time("2026-03-01 10:00:00"):
            later.delay_date = skip.delay_date = fatal.delay_date = datetime(2026, 3, 1, 9)
            self.tasks._run_inline()
        self.assertEqual((fatal.state, fatal.error_message), ("failed", "never"))
        self.assertEqual((skip.state, skip.error_message), ("skipped", "nothing to do"))
        self.assertEqual((later.state, later.retry_count, later.postpone_count), ("error", 0, 1))
        self.assertEqual((fatal.attempt_count, skip.attempt_count, later.attempt_count), (1, 1, 1))
        self.assertEqual(later.delay_date, datetime(2026, 3, 1, 10, 3))
        self.assertEqual(later.postponed_since, datetime(2026, 3, 1, 10))

    def test_a_task_without_a_handler_fails_with_a_clear_word(self):
        task = self.tasks.enqueue("test_work")
        self.tasks._run_inline()
        self.assertEqual(task.state, "failed")
        self.assertIn("test_work", task.error_message)

    def test_a_result_must_be_plain_json_without_secrets(self):
        for result in (
            {"when": datetime.now()},
            {"mean": float("nan")},
            {"name": "\0"},
            {"password": "x"},
        ):
            self.handlers["test_work"] = lambda task, result=result: result
            task = self.tasks.enqueue("test_work")
            self.tasks._run_inline()
            self.assertEqual((task.state, task.error_code), ("failed", "fatal"))

    def test_an_error_in_characters_that_cannot_be_stored_is_recorded_all_the_same(self):
        def handler(task):
            raise ValueError("bad line: \0\udcff")

        self.handlers["test_work"] = handler
        task = self.tasks.enqueue("test_work")
        self.tasks._run_inline(limit=1)
        self.env.flush_all()
        self.assertEqual(task.state, "error")
        self.assertIn("bad line", task.error_message)

    def test_an_error_in_words_for_people_is_logged_without_a_traceback(self):
        def handler(task):
            raise UserError("The file is empty.")

        self.handlers["test_work"] = handler
        task = self.tasks.enqueue("test_work")
        self.tasks._run_inline(limit=1)
        self.assertEqual(task.log_ids[0].message, "The file is empty.")

    def test_one_that_fails_while_a_successor_waits_is_superseded(self):
        def handler(task):
            if not task.parameters:
                task.env["billing.task"].enqueue(
                    "test_work", parameters={"late": 1}, identity_key="run-1"
                )
                raise FatalTaskError("never")

        # The successor must outlive the rollback of the attempt: it is enqueued by another
        # transaction.
        self.handlers["test_work"] = handler
        first = self.tasks.enqueue("test_work", identity_key="run-1")
        first.write({"state": "running", "attempt_token": "t"})
        second = self.tasks.enqueue("test_work", parameters={"late": 1}, identity_key="run-1")
        first._fail_attempt(ValueError("broken"))
        self.assertEqual((first.state, first.superseded_by_id), ("skipped", second))
        self.assertEqual(second.state, "pending")

    def test_the_failure_handler_is_called_once_for_good_failures_only(self):
        failed = []

        def handler(task):
            raise ValueError("broken")

        self.handlers["test_work"] = handler
        self.failure_handlers["test_work"] = lambda task: failed.append((task.id, task.env.company))
        task = self.tasks.enqueue("test_work")
        self.tasks._run_inline(limit=2)
        self.assertEqual(failed, [])
        self.tasks._run_inline()
        self.assertEqual(failed, [(task.id, task.company_id)])
        self.tasks.enqueue("test_work", test_mode=True)
        self.tasks._run_inline()
        self.assertEqual(len(failed), 1, "a failure in test mode had consequences")

    def test_a_mistake_in_a_failure_handler_does_not_hide_the_failure(self):
        def broken(task):
            raise ValueError("also broken")

        self.failure_handlers["test_work"] = broken
        task = self.tasks.enqueue("test_work")
        with self.assertLogs("odoo.addons.billing_operations", "ERROR"):
            self.tasks._run_inline()
        self.assertEqual(task.state, "failed")
        self.assertIn("also broken", self.log_text(task))

    def test_progress_is_written_at_the_end_and_at_most_once_a_second(self):
        def handler(task):
            for done in range(1, 1001):
                # As code does that does not know its task.
                task.env["billing.task"]._note_progress(done, 1000)

        self.handlers["test_work"] = handler
        task = self.tasks.enqueue("test_work")
        self.tasks._run_inline()
        lines = task.log_ids.filtered(lambda line: line.level == "progress")
        self.assertLessEqual(len(lines), 5)
        self.assertEqual((lines[-1].done, lines[-1].total), (1000, 1000))

    def test_tasks_of_a_paused_type_wait(self):
        self.handlers["test_work"] = lambda task: None
        self.task_type.active = False
        task = self.tasks.enqueue("test_work")
        self.assertEqual(self.tasks._run_inline(), 0)
        self.assertIsNone(self.tasks._claim())
        self.task_type.active = True
        self.assertEqual(self.tasks._run_inline(), 1)
        self.assertEqual(task.state, "completed")


@tagged("post_install", "-at_install")
class TestExternal(BillingTasksCase):
    def setUp(self):
        super().setUp()
        self.sent, self.recorded, self.unknown = [], [], []
        self.answer = None

        def prepare(task):
            left = [
                item
                for item in task.parameters["items"]
                if item not in self.recorded + self.unknown
            ]
            return {"reference": left[0]} if left else None

        def call(task, intent):
            self.sent.append(intent["reference"])
            if self.error:
                raise self.error
            return "ok"

        self.error = None
        self.handler = {
            "prepare": prepare,
            "call": call,
            "record": lambda task, intent, answer: self.recorded.append(intent["reference"]),
        }
        self.handlers["test_work"] = ExternalHandler(**self.handler)

    def enqueue(self, *items, **options):
        return self.tasks.enqueue("test_work", parameters={"items": list(items)}, **options)

    def test_each_intent_is_called_once_and_recorded(self):
        task = self.enqueue("a", "b")
        self.tasks._run_inline()
        self.assertEqual((self.sent, self.recorded), (["a", "b"], ["a", "b"]))
        self.assertEqual((task.state, task.intent_state), ("completed", False))
        self.assertEqual(task.result, {"recorded": 2, "handed_over": 0})

    def test_after_an_unclear_call_the_next_attempt_never_calls_again(self):
        self.error = TimeoutError("no answer")
        task = self.enqueue("a")
        self.tasks._run_inline(limit=1)
        self.assertEqual((task.state, task.intent_state), ("error", "sending"))
        self.error = None
        self.tasks._run_inline()
        self.assertEqual(self.sent, ["a"])
        self.assertEqual(
            (task.state, task.error_code, task.intent_state),
            ("failed", "outcome_unknown", "unknown"),
        )
        self.assertIn("a", task.error_message)

    def test_the_other_side_is_asked_where_it_can_tell(self):
        self.error = TimeoutError("no answer")
        asked = []

        def ask(task, intent):
            asked.append(intent["reference"])
            return "it arrived"

        self.handlers["test_work"] = ExternalHandler(**self.handler, ask=ask)
        task = self.enqueue("a", "b")
        self.tasks._run_inline(limit=1)
        self.error = None
        self.tasks._run_inline()
        self.assertEqual((self.sent, asked, self.recorded), (["a", "b"], ["a"], ["a", "b"]))
        self.assertEqual(task.state, "completed")

    def test_an_unknown_outcome_goes_to_a_person_and_the_rest_goes_on(self):
        self.error = TimeoutError("no answer")
        self.handlers["test_work"] = ExternalHandler(
            **self.handler, unknown=lambda task, intent: self.unknown.append(intent["reference"])
        )
        task = self.enqueue("a", "b")
        self.tasks._run_inline(limit=1)
        self.error = None
        self.tasks._run_inline()
        self.assertEqual((self.sent, self.unknown, self.recorded), (["a", "b"], ["a"], ["b"]))
        self.assertEqual(task.result, {"recorded": 1, "handed_over": 1})

    def test_an_open_intent_of_a_task_that_does_not_go_on_goes_to_a_person(self):
        self.error = TimeoutError("no answer")
        self.handlers["test_work"] = ExternalHandler(
            **self.handler, unknown=lambda task, intent: self.unknown.append(intent["reference"])
        )
        failing, skipped, deleted = self.enqueue("a"), self.enqueue("b"), self.enqueue("c")
        failing.max_retries = 0
        for task in failing | skipped | deleted:
            self.tasks._run_inline(limit=1, domain=[("id", "=", task.id)])
        self.assertEqual((failing.state, failing.intent_state), ("failed", "unknown"))
        self.assertEqual((skipped.state, skipped.intent_state), ("error", "sending"))
        skipped.action_skip()
        self.assertEqual((skipped.state, skipped.intent_state), ("skipped", "unknown"))
        deleted.unlink()
        self.assertEqual(self.unknown, ["a", "b", "c"])

    def test_a_call_may_say_that_its_outcome_is_unknown(self):
        self.error = OutcomeUnknown("no answer")
        task = self.enqueue("a")
        self.tasks._run_inline()
        self.assertEqual((task.state, task.intent_state), ("failed", "unknown"))
        self.error = None
        task.action_retry_now()
        self.tasks._run_inline()
        self.assertEqual((task.state, self.sent), ("failed", ["a"]), "it was called again")

    def test_a_refusal_withdraws_the_intent_and_is_called_again(self):
        self.error = RetryTask("connection refused", delay=0)
        task = self.enqueue("a")
        self.tasks._run_inline(limit=1)
        self.assertEqual((task.state, task.intent_state, task.intent), ("error", False, False))
        self.error = None
        self.tasks._run_inline()
        self.assertEqual((self.sent, task.state), (["a", "a"], "completed"))

    def test_a_call_cannot_write(self):
        def call(task, intent):
            task.env["res.partner"].create({"name": "From a call"})

        self.handlers["test_work"] = ExternalHandler(**{**self.handler, "call": call})
        task = self.enqueue("a")
        with mute_logger("odoo.sql_db"):
            self.tasks._run_inline(limit=1)
        self.assertEqual(task.state, "error")
        self.assertIn("read-only", task.error_message)
        self.assertFalse(self.env["res.partner"].search_count([("name", "=", "From a call")]))

    def test_an_intent_needs_a_reference(self):
        self.handlers["test_work"] = ExternalHandler(
            **{**self.handler, "prepare": lambda task: {"to": "a"}}
        )
        task = self.enqueue("a")
        self.tasks._run_inline()
        self.assertEqual((task.state, self.sent), ("failed", []))

    def test_test_mode_is_refused(self):
        task = self.enqueue("a", test_mode=True)
        self.tasks._run_inline()
        self.assertEqual((task.state, self.sent), ("failed", []))
        self.assertIn("test mode", task.error_message)


@tagged("post_install", "-at_install")
class TestDryRun(BillingTasksCase):
    def test_a_task_in_test_mode_keeps_its_result_alone(self):
        def handler(task):
            partner = task.env["res.partner"].create({"name": "Tried"})
            task.env.cr.postcommit.add(
                lambda: self.fail("what should follow the commit was not forgotten")
            )
            return {"partners": len(partner), "dry": is_dry_run(task.env)}

        self.handlers["test_work"] = handler
        task = self.tasks.enqueue("test_work", test_mode=True)
        self.tasks._run_inline()
        self.assertEqual((task.state, task.result), ("completed", {"partners": 1, "dry": True}))
        self.assertFalse(self.env["res.partner"].search_count([("name", "=", "Tried")]))
        self.env.cr.postcommit.run()
        self.assertIn("test mode", self.log_text(task))

    def test_numbers_are_not_used_up(self):
        sequence = self.env["ir.sequence"].create(
            {"name": "Test", "prefix": "T", "implementation": "standard"}
        )
        self.assertEqual(sequence.next_by_id(), "T1")
        with dry_run(self.env):
            self.assertEqual([sequence.next_by_id(), sequence.next_by_id()], ["TEST/T1", "TEST/T2"])
        self.assertEqual(sequence.next_by_id(), "T2")

    def test_attachments_leave_no_file(self):
        with dry_run(self.env):
            attachment = self.env["ir.attachment"].create({"name": "a", "raw": b"some content"})
            self.assertEqual(attachment.raw, b"some content")
            self.assertFalse(attachment.store_fname)

    def test_what_was_to_follow_the_commit_before_still_follows(self):
        called = []
        self.env.cr.postcommit.add(lambda: called.append("before"))
        with dry_run(self.env):
            self.env.cr.postcommit.add(lambda: called.append("inside"))
        self.env.cr.postcommit.run()
        self.assertEqual(called, ["before"])
        self.assertFalse(is_dry_run(self.env))

    def test_nothing_of_it_is_remembered(self):
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("billing.test", "before")
        with dry_run(self.env):
            parameters.set_param("billing.test", "inside")
            self.assertEqual(parameters.get_param("billing.test"), "inside")
        self.assertEqual(parameters.get_param("billing.test"), "before")

    def test_an_error_inside_ends_the_dry_run(self):
        with self.assertRaises(UserError), dry_run(self.env):
            raise UserError("stop")
        self.assertFalse(is_dry_run(self.env))
