"""The worker's shell: its transactions, conflicts and what handlers must not do."""

import time
from contextlib import contextmanager
from unittest.mock import patch

from psycopg2 import errors

from odoo.exceptions import LockError
from odoo.tests import tagged

from ..billing_tasks import worker as worker_module
from ..billing_tasks.exceptions import RetryTask
from ..billing_tasks.handlers import ExternalHandler, SteppedHandler
from ..billing_tasks.listener import Listener
from ..billing_tasks.worker import MAX_CONFLICTS, TaskWorker
from .task_common import BillingTasksCase


@tagged("post_install", "-at_install")
class TestWorker(BillingTasksCase):
    def work(self, seconds=60, **options):
        """Let one worker work until nothing is due; commits stay inside this test."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), patch.object(worker_module.time, "sleep"):
            again = TaskWorker(self.env.registry, time.monotonic() + seconds, **options).run()
        self.env.invalidate_all()
        return again

    def test_a_worker_goes_on_until_nothing_is_due(self):
        done = []
        self.handlers["test_work"] = lambda task: done.append(task.id)
        tasks = [self.tasks.enqueue("test_work") for _n in range(3)]
        beats = []
        self.assertFalse(self.work(beat=lambda: beats.append(len(done)) or True))
        self.assertEqual(done, [task.id for task in tasks])
        self.assertEqual({task.state for task in tasks}, {"completed"})
        self.assertEqual(beats, [1])
        self.assertIn("Begun by process", self.log_text(tasks[0]))

    def test_a_worker_that_has_worked_stays_for_what_comes_next(self):
        done, looks = [], []
        self.handlers["test_work"] = lambda task: done.append(task.id)
        first = self.tasks.enqueue("test_work")
        later = self.tasks.enqueue("test_work")
        claim = TaskWorker._claim

        def claim_late(worker, tasks):
            # The second task comes when the worker has looked in vain twice.
            looks.append(len(done))
            return None if looks[1:] in ([1], [1, 1]) else claim(worker, tasks)

        with patch.object(TaskWorker, "_claim", claim_late):
            self.assertFalse(self.work(patience=0.2))
            self.assertEqual(done, [first.id, later.id])
            looks.clear()
            self.assertFalse(self.work(patience=60))
            self.assertEqual(looks, [2])

    def test_a_worker_that_waits_looks_again_when_it_hears_of_tasks(self):
        done, waits = [], []
        self.handlers["test_work"] = lambda task: done.append(task.id)
        tasks = [self.tasks.enqueue("test_work")]

        def wait(_listener, seconds):
            waits.append(seconds)
            if len(waits) > 1:
                return seconds
            tasks.append(self.tasks.enqueue("test_work"))
            self.env.flush_all()
            return 0.0

        # A second look has no time: only what was heard of at once leaves any.
        waiting = patch.object(Listener, "wait", wait)
        with waiting, patch.object(worker_module, "WAITS", worker_module.LOOK_INTERVAL / 60):
            self.assertFalse(self.work(patience=60))
        self.assertEqual(done, [task.id for task in tasks])
        self.assertEqual(len(waits), 2)
        self.assertGreaterEqual(min(waits), worker_module.LOOK_INTERVAL)

    def test_a_worker_that_waits_again_and_again_makes_room_for_others(self):
        self.handlers["test_work"] = lambda task: None
        self.tasks.enqueue("test_work")
        looks = []
        claim = TaskWorker._claim

        def look(worker, tasks):
            looks.append(True)
            return claim(worker, tasks)

        with (
            patch.object(TaskWorker, "_claim", look),
            patch.object(worker_module, "WAITS", worker_module.LOOK_INTERVAL / 60),
        ):
            self.assertFalse(self.work(patience=60))
        self.assertEqual(len(looks), 3, "at work, waiting once, and gone")

    def test_a_worker_stops_when_its_time_is_up_or_the_server_stops(self):
        self.handlers["test_work"] = lambda task: None
        task = self.tasks.enqueue("test_work")
        self.assertTrue(self.work(seconds=-1))
        with patch.object(worker_module.server_limits, "stopping", return_value=True):
            self.assertTrue(self.work())
        self.assertEqual(task.state, "pending")

    def test_a_worker_stops_soon_when_it_is_not_wanted_any_more(self):
        key = "billing_operations.task_workers"
        done = []

        def handler(task):
            done.append(task.id)
            task.env["ir.config_parameter"].set_param(key, "0")

        self.handlers["test_work"] = handler
        self.env["ir.config_parameter"].set_param(key, "2")
        tasks = [self.tasks.enqueue("test_work") for _n in range(3)]
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref("billing_operations.cron_billing_task_worker_1").method_direct_trigger()
        self.assertEqual(done, [tasks[0].id])
        self.assertEqual([task.state for task in tasks], ["completed", "pending", "pending"])

    def test_conflicts_are_retried_at_once_and_cost_nothing(self):
        conflicts = [
            errors.SerializationFailure("could not serialize access"),
            errors.DeadlockDetected("deadlock detected"),
            errors.LockNotAvailable("could not obtain lock"),
            LockError("Cannot grab a lock on records"),
            errors.SerializationFailure("could not serialize access"),
        ]
        self.assertEqual(len(conflicts), MAX_CONFLICTS)

        def handler(task):
            if conflicts:
                raise conflicts.pop()
            return {"done": 1}

        self.handlers["test_work"] = handler
        task = self.tasks.enqueue("test_work")
        self.work()
        self.assertEqual(task.result, {"done": 1})
        self.assertEqual((task.state, task.retry_count, task.postpone_count), ("completed", 0, 0))

    def test_a_worker_that_begins_again_is_not_taken_for_dead(self):
        """A conflict frees the task's row for a moment; the reaper leaves the task alone."""
        conflicts = [errors.SerializationFailure("could not serialize access")]

        def handler(task):
            if conflicts:
                raise conflicts.pop()

        reaped = []

        def reap_meanwhile(_seconds):
            with self.env.registry.cursor() as cr:
                tasks = self.env(cr=cr)["billing.task"]
                cr.execute(
                    "UPDATE billing_task SET attempt_date = attempt_date - interval '1 hour'"
                )
                reaped.append((tasks._reap().ids, tasks._dead_ids()))

        self.handlers["test_work"] = handler
        task = self.tasks.enqueue("test_work")
        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(worker_module.time, "sleep", reap_meanwhile),
        ):
            TaskWorker(self.env.registry, time.monotonic() + 60).run()
        self.env.invalidate_all()
        self.assertEqual(reaped, [([], [])])
        self.assertEqual((task.state, task.retry_count), ("completed", 0))
        self.env.cr.execute(self.tasks._alive())
        self.assertFalse(self.env.cr.fetchall(), "a worker at rest still shows life")

    def test_conflicts_without_end_postpone_the_task(self):
        def handler(task):
            raise errors.DeadlockDetected("deadlock detected")

        self.handlers["test_work"] = handler
        self.task_type.retry_delay = 5
        task = self.tasks.enqueue("test_work")
        self.work()
        self.assertEqual((task.state, task.retry_count, task.postpone_count), ("error", 0, 1))
        self.assertIn("times in a row: deadlock detected", task.error_message)

    def test_the_effects_of_a_failed_attempt_are_undone(self):
        # That its log survives the rollback is for the tests with real processes to show.
        def handler(task):
            task.env["res.partner"].create({"name": "Half-done work"})
            raise ValueError("broken")

        self.handlers["test_work"] = handler
        task = self.tasks.enqueue("test_work")
        self.work()
        self.assertEqual((task.state, task.retry_count), ("failed", 2))
        self.assertFalse(self.env["res.partner"].search_count([("name", "=", "Half-done work")]))

    def test_a_handler_must_not_commit_or_roll_back(self):
        for method in ("commit", "rollback"):
            with self.subTest(method=method):
                self.handlers["test_work"] = lambda task, m=method: getattr(task.env.cr, m)()
                task = self.tasks.enqueue("test_work")
                self.work()
                self.assertEqual(task.state, "failed")
                self.assertIn("must not commit", task.error_message)

    def test_a_worker_that_lost_its_task_leaves_no_trace(self):
        self.handlers["test_work"] = lambda task: self.fail("the handler of a lost task was called")
        task = self.tasks.enqueue("test_work")
        lost = patch.object(
            self.registry["billing.task"], "_lock_attempt", lambda tasks, claim: None
        )
        with lost:
            self.work()
        self.assertEqual((task.state, task.retry_count), ("running", 0))
        self.assertEqual(len(task.log_ids), 1)

    def test_a_task_whose_gate_closed_after_the_claim_is_given_back(self):
        self.handlers["test_work"] = lambda task: None
        task = self.tasks.enqueue("test_work", exclusive_key="alone")
        answers = [False, True]

        def gates(tasks, gates):
            return answers.pop(0)

        with patch.object(self.registry["billing.task"], "_pass_gates", gates):
            self.work()
        self.assertEqual((task.state, task.retry_count), ("completed", 0))
        self.assertIn("Given back", self.log_text(task))

    # === STEPS === #

    def in_steps(self, record=lambda task, data, outcome: None, **more):
        """Declare a handler of two rounds whose steps are noted in `self.steps`."""
        self.steps = []
        done = []

        def prepare(task):
            self.steps.append("prepare")
            return len(done) if len(done) < 2 else None

        def work(data):
            self.steps.append(f"work {data}")
            return data * 10

        def write(task, data, outcome):
            self.steps.append(f"record {outcome}")
            record(task, data, outcome)
            done.append(data)

        self.handlers["test_work"] = SteppedHandler(
            prepare=prepare, work=work, record=write, finish=lambda task: {"rounds": 2}, **more
        )

    def test_work_in_steps_goes_round_by_round_each_committed(self):
        self.in_steps()
        task = self.tasks.enqueue("test_work")
        commits = []
        commit = worker_module._Attempt._commit

        def count(attempt):
            commits.append(len(self.steps))
            commit(attempt)

        with patch.object(worker_module._Attempt, "_commit", count):
            self.work()
        rounds = ["prepare", "work 0", "record 0", "prepare", "work 1", "record 10", "prepare"]
        self.assertEqual(self.steps, rounds)
        self.assertEqual(commits, [1, 3, 4, 6, 7])
        self.assertEqual((task.state, task.result), ("completed", {"rounds": 2}))

    def test_a_conflict_while_writing_repeats_no_work(self):
        failures = [errors.SerializationFailure("again")]

        def record(task, data, outcome):
            if failures:
                raise failures.pop()

        self.in_steps(record)
        task = self.tasks.enqueue("test_work")
        self.work()
        self.assertEqual(self.steps[:4], ["prepare", "work 0", "record 0", "record 0"])
        self.assertEqual((task.state, task.retry_count), ("completed", 0))

    def test_a_round_that_fails_is_done_again_by_the_next_attempt(self):
        failures = [None, ValueError("no"), None, None]

        def record(task, data, outcome):
            if error := failures.pop(0):
                raise error

        self.in_steps(record)
        task = self.tasks.enqueue("test_work")
        self.work()
        self.assertEqual(self.steps.count("work 0"), 1)
        self.assertEqual(self.steps.count("work 1"), 2)
        self.assertEqual((task.state, task.retry_count), ("completed", 1))

    def test_in_test_mode_work_in_steps_is_rehearsed_in_one_transaction(self):
        self.in_steps(rehearse=lambda task: {"rehearsed": True})
        task = self.tasks.enqueue("test_work", test_mode=True)
        self.work()
        self.assertEqual(self.steps, [])
        self.assertEqual(task.result, {"rehearsed": True})

    # === OUTSIDE === #

    @contextmanager
    def outside(self, **steps):
        """Declare an external handler whose steps are noted in `self.steps`."""
        self.steps = []

        def step(name, default):
            function = steps.get(name, default)

            def call(task, *arguments):
                self.steps.append(name)
                return function(task, *arguments)

            return call

        def prepare(task):
            done = self.steps.count("record") + self.steps.count("unknown")
            return {"reference": f"R{done}"} if done < 2 else None

        self.handlers["test_work"] = ExternalHandler(
            prepare=step("prepare", prepare),
            call=step("call", lambda task, intent: "ok"),
            record=step("record", lambda task, intent, answer: None),
            ask=step("ask", steps["ask"]) if "ask" in steps else None,
            unknown=step("unknown", steps["unknown"]) if "unknown" in steps else None,
        )
        yield self.tasks.enqueue("test_work")

    def test_outside_work_goes_intent_by_intent(self):
        with self.outside() as task:
            self.work()
        self.assertEqual(
            self.steps, ["prepare", "call", "record", "prepare", "call", "record", "prepare"]
        )
        self.assertEqual((task.state, task.intent_state), ("completed", False))
        self.assertEqual(task.result, {"recorded": 2, "handed_over": 0})

    def test_the_intent_is_committed_before_the_call(self):
        seen = []

        def call(task, intent):
            seen.append((task.intent_state, task.intent))
            return "ok"

        with self.outside(call=call):
            self.work()
        self.assertEqual(seen, [("sending", {"reference": "R0"}), ("sending", {"reference": "R1"})])

    def test_a_conflict_while_recording_repeats_the_recording_alone(self):
        failures = [errors.SerializationFailure("again"), errors.SerializationFailure("again")]

        def record(task, intent, answer):
            if failures:
                raise failures.pop()

        with self.outside(record=record) as task:
            self.work()
        self.assertEqual(self.steps[:5], ["prepare", "call", "record", "record", "record"])
        self.assertEqual(task.state, "completed")

    def test_an_unclear_call_is_asked_about_and_never_repeated(self):
        calls = []

        def call(task, intent):
            calls.append(intent["reference"])
            if len(calls) == 1:
                raise TimeoutError("no answer")
            return "ok"

        with self.outside(call=call, ask=lambda task, intent: "it arrived") as task:
            self.work()
        self.assertEqual(calls, ["R0", "R1"])
        self.assertEqual(self.steps.count("ask"), 1)
        self.assertEqual((task.state, task.retry_count), ("completed", 1))

    def test_what_nobody_can_tell_goes_to_a_person(self):
        def call(task, intent):
            if intent["reference"] == "R0":
                raise TimeoutError("no answer")
            return "ok"

        with self.outside(call=call, unknown=lambda task, intent: None) as task:
            self.work()
        self.assertEqual(task.result, {"recorded": 1, "handed_over": 1})
        self.assertEqual(self.steps.count("call"), 2)

    def test_without_anybody_to_ask_the_task_fails_as_unknown(self):
        def call(task, intent):
            raise TimeoutError("no answer")

        with self.outside(call=call) as task:
            self.work()
        self.assertEqual(self.steps.count("call"), 1)
        self.assertEqual(
            (task.state, task.error_code, task.intent_state),
            ("failed", "outcome_unknown", "unknown"),
        )

    def test_a_refusal_withdraws_the_intent(self):
        refusals = [RetryTask("connection refused", delay=0)]

        def call(task, intent):
            if refusals:
                raise refusals.pop()
            return "ok"

        with self.outside(call=call) as task:
            self.work()
        self.assertEqual((task.state, task.postpone_count), ("completed", 1))
        self.assertEqual(self.steps.count("call"), 3)
