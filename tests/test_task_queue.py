from datetime import UTC, datetime, timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .task_common import BillingTasksCase


@tagged("post_install", "-at_install")
class TestEnqueue(BillingTasksCase):
    def test_live_tasks_are_those_that_run_or_will_run_by_themselves(self):
        partner = self.env["res.partner"].create({"name": "Subject"})
        task = self.tasks.enqueue("test_work", partner)
        for records, code, found in (
            (None, None, True),
            (partner, None, True),
            (partner, "test_work", True),
            (partner, "test_other", False),
            (partner.browse(), None, False),
        ):
            live = self.tasks.search(self.tasks._live_domain(records, code))
            self.assertEqual(task in live, found)
        task.action_skip()
        self.assertNotIn(task, self.tasks.search(self.tasks._live_domain()))

    def test_a_task_takes_company_customer_and_numbers_from_record_and_type(self):
        company = self.env["res.company"].create({"name": "Second"})
        partner = self.env["res.partner"].create({"name": "Customer", "company_id": company.id})
        self.task_type.write({"priority": 7, "max_retries": 4})
        task = self.tasks.enqueue("test_work", partner, {"batch": [1, 2]})
        self.assertRecordValues(
            task,
            [
                {
                    "type_id": self.task_type.id,
                    "state": "pending",
                    "company_id": company.id,
                    "partner_id": partner.id,
                    "res_model": "res.partner",
                    "res_id": partner.id,
                    "parameters": {"batch": [1, 2]},
                    "priority": 7,
                    "max_retries": 4,
                    "test_mode": False,
                }
            ],
        )
        self.assertEqual(task._record(), partner)
        self.assertEqual(task.delay_date, task.added_date)

    def test_many_tasks_are_one_insert(self):
        specs = [{"type_code": "test_work", "parameters": {"n": n}} for n in range(500)]
        self.tasks.enqueue("test_work")
        queries = self.env.cr.sql_log_count
        new_ids, existing_ids = self.tasks.enqueue_many(specs)
        self.assertEqual(self.env.cr.sql_log_count - queries, 1)
        self.assertEqual(len(new_ids), 500)
        self.assertEqual(existing_ids, [])
        self.assertEqual(
            [task.parameters["n"] for task in self.tasks.browse(new_ids)], list(range(500))
        )

    def test_a_waiting_task_stands_in_for_one_with_its_identity_key(self):
        first = self.tasks.enqueue("test_work", identity_key="run-1")
        self.assertEqual(self.tasks.enqueue("test_work", identity_key="run-1"), first)
        new_ids, existing_ids = self.tasks.enqueue_many(
            [
                {"type_code": "test_work", "identity_key": "run-1"},
                {"type_code": "test_work", "identity_key": "run-2"},
                {"type_code": "test_work", "identity_key": "run-2"},
            ]
        )
        self.assertEqual(len(new_ids), 1)
        self.assertEqual(existing_ids, first.ids)

    def test_a_key_is_free_again_once_its_task_has_started(self):
        seen = []

        def handler(task):
            if not seen:
                seen.append(task.env["billing.task"].enqueue("test_work", identity_key="run-1"))

        self.handlers["test_work"] = handler
        first = self.tasks.enqueue("test_work", identity_key="run-1")
        self.assertEqual(self.tasks._run_inline(), 2)
        self.assertNotEqual(seen[0], first)

    def test_parameters_must_be_a_json_object_without_secrets(self):
        for parameters in (
            [1],
            [],
            "",
            0,
            {"when": datetime.now()},
            {"mean": float("nan")},
            {"name": "\0"},
            {"ftp": {"password": "x"}},
            {"accessToken": "x"},
        ):
            with self.subTest(parameters=parameters), self.assertRaises(ValidationError):
                self.tasks.enqueue("test_work", parameters=parameters)
        task = self.tasks.enqueue("test_work")
        with self.assertRaises(ValidationError):
            task.parameters = {"api_key": "x"}
            task.flush_recordset()

    def test_mistakes_in_code_are_named(self):
        with self.assertRaisesRegex(ValueError, "no_such_type"):
            self.tasks.enqueue("no_such_type")
        with self.assertRaisesRegex(ValueError, "prio"):
            self.tasks.enqueue_many([{"type_code": "test_work", "prio": 1}])

    def test_times_to_wait_for_are_in_utc_and_never_past(self):
        now = fields.Datetime.now()
        past = self.tasks.enqueue("test_work", delay_until=now - timedelta(days=3))
        self.assertGreaterEqual(past.delay_date, now)
        text = self.tasks.enqueue("test_work", delay_until="2100-01-01 10:00:00")
        self.assertEqual(text.delay_date, datetime(2100, 1, 1, 10))
        with self.assertRaisesRegex(ValueError, "naive"):
            self.tasks.enqueue("test_work", delay_until=datetime.now(UTC))

    def test_workers_are_woken_once_a_transaction_and_not_for_delayed_tasks(self):
        triggers = self.env["ir.cron.trigger"].search_count([])
        self.tasks.enqueue("test_work", delay_until=fields.Datetime.now() + timedelta(hours=1))
        self.env.cr.precommit.run()
        self.assertEqual(self.env["ir.cron.trigger"].search_count([]), triggers)
        self.tasks.enqueue("test_work")
        self.tasks.enqueue("test_work")
        self.env.cr.precommit.run()
        self.assertEqual(
            self.env["ir.cron.trigger"].search_count([]), triggers + self.tasks._worker_count()
        )

    def test_tasks_carried_out_here_wake_workers_only_for_what_they_leave(self):
        self.env.cr.precommit.run()
        triggers = self.env["ir.cron.trigger"]
        before = triggers.search_count([])
        follow = ["test_work", "test_work"]

        def handler(task):
            if follow:
                self.tasks.with_env(task.env).enqueue(follow.pop())

        self.handlers["test_work"] = handler
        self.tasks._insert_tasks(
            [
                self.tasks._prepare_task_row(
                    {"type_code": "test_work"}, fields.Datetime.now(), self.env.uid
                )
            ]
        )
        self.tasks._run_inline(limit=2)
        self.env.cr.precommit.run()
        woken = triggers.search_count([])
        self.assertEqual(woken, before + self.tasks._worker_count())
        self.tasks._run_inline()
        self.env.cr.precommit.run()
        self.assertEqual(triggers.search_count([]), woken)

    def test_the_person_who_asked_is_noted_also_for_follow_up_tasks(self):
        user = self.env.ref("base.user_admin")
        self.make_task_type("test_more")
        self.handlers["test_work"] = lambda task: (
            task.env["billing.task"].enqueue("test_more") and None
        )
        self.handlers["test_more"] = lambda task: None
        self.tasks.with_user(user).sudo().enqueue("test_work")
        self.tasks._run_inline()
        more = self.tasks.search([("type_id.code", "=", "test_more")])
        self.assertEqual(more.requested_by_id, user)


@tagged("post_install", "-at_install")
class TestClaim(BillingTasksCase):
    def claim_id(self, **options):
        self.env.flush_all()
        claim = self.tasks._claim(**options)
        self.tasks.invalidate_model()
        return claim and claim.task_id

    def test_a_claim_marks_the_task_running_with_a_token(self):
        task = self.tasks.enqueue("test_work")
        claim = self.tasks._claim()
        self.tasks.invalidate_model()
        self.assertEqual((claim.task_id, claim.type_code), (task.id, "test_work"))
        self.assertEqual((task.state, task.attempt_token), ("running", claim.token))
        self.assertIsNone(self.tasks._claim())
        self.assertEqual(self.tasks._lock_attempt(claim), task)
        self.assertIsNone(self.tasks._lock_attempt(claim._replace(token="other")))

    def test_claims_go_by_priority_and_in_turn_by_age(self):
        old = self.tasks.enqueue("test_work", priority=90)
        old.delay_date -= timedelta(hours=1)
        waiting = self.tasks.enqueue(
            "test_work", priority=1, delay_until=fields.Datetime.now() + timedelta(hours=1)
        )
        urgent = self.tasks.enqueue("test_work", priority=10)
        urgent_too = self.tasks.enqueue("test_work", priority=10)
        self.env.flush_all()
        self.assertEqual(self.claim_id(), urgent.id)
        self.assertEqual(self.claim_id(by_age=True), old.id)
        self.assertEqual(self.claim_id(), urgent_too.id)
        self.assertIsNone(self.claim_id())
        self.assertEqual(waiting.state, "pending")

    def test_no_task_starts_while_one_with_its_identity_key_runs(self):
        first = self.tasks.enqueue("test_work", identity_key="run-1")
        self.assertEqual(self.claim_id(), first.id)
        second = self.tasks.enqueue("test_work", identity_key="run-1")
        self.assertNotEqual(first, second)
        other = self.tasks.enqueue("test_work")
        self.assertEqual(self.claim_id(), other.id)
        self.assertIsNone(self.claim_id())
        first._complete(None, 0)
        self.env.flush_all()
        self.assertEqual(self.claim_id(), second.id)

    def test_held_keys_and_full_types_are_passed_over_and_stop_nobody_else(self):
        narrow = self.make_task_type("test_narrow", max_parallel=1)
        for _n in range(30):
            self.tasks.enqueue("test_work", priority=1, exclusive_key="journal-1")
            self.tasks.enqueue("test_narrow", priority=2)
        free = self.tasks.enqueue("test_work", priority=3, exclusive_key="journal-2")
        with self.registry.cursor() as other:
            tasks = self.tasks.with_env(self.tasks.env(cr=other))
            self.assertTrue(tasks._try_lock("billing.task/exclusive/journal-1"))
            self.assertTrue(tasks._try_lock(f"billing.task/type/{narrow.id}/0"))
            self.assertEqual(self.claim_id(), free.id)
            self.assertIsNone(self.claim_id())
        self.assertTrue(self.claim_id())

    def test_one_parallel_slot_is_enough_to_start(self):
        wide = self.make_task_type("test_wide", max_parallel=2)
        task = self.tasks.enqueue("test_wide")
        with self.registry.cursor() as other:
            tasks = self.tasks.with_env(self.tasks.env(cr=other))
            self.assertTrue(tasks._try_lock(f"billing.task/type/{wide.id}/0"))
            self.assertEqual(self.claim_id(), task.id)

    def test_a_task_given_back_waits_as_before(self):
        task = self.tasks.enqueue("test_work")
        self.claim_id()
        self.assertEqual(task.attempt_count, 1)
        task._give_back()
        self.assertEqual((task.state, task.retry_count), ("pending", 0))
        self.assertEqual(task.attempt_count, 0)

    def test_the_reaper_counts_a_retry_and_says_so_until_the_task_fails(self):
        task = self.tasks.enqueue("test_work")
        for attempt in range(3):
            self.assertEqual(self.claim_id(), task.id)
            self.assertFalse(self.tasks._reap(), "an attempt younger than the grace was taken back")
            task.attempt_date -= timedelta(seconds=11)
            self.env.flush_all()
            self.assertEqual(self.tasks._reap(), task)
            self.assertEqual(self.log_text(task).count("was interrupted: the process"), attempt + 1)
        self.assertEqual(
            (task.state, task.retry_count, task.error_code), ("failed", 2, "interrupted")
        )

    def test_claims_use_the_partial_index_however_many_tasks_wait_for_later(self):
        later = fields.Datetime.now() + timedelta(days=1)
        self.tasks.enqueue_many(
            [{"type_code": "test_work", "priority": 1, "delay_until": later} for _n in range(5000)]
        )
        self.tasks.enqueue_many([{"type_code": "test_work", "priority": 5} for _n in range(5000)])
        self.env.cr.execute("ANALYZE billing_task")
        queries = []
        with self.profile_queries(queries):
            self.tasks._claim()
        self.env.cr.execute("EXPLAIN ANALYZE " + queries[0])
        plan = "\n".join(row[0] for row in self.env.cr.fetchall())
        self.assertIn("billing_task_claim_idx", plan)
        self.assertNotIn("Seq Scan on billing_task ", plan)

    def profile_queries(self, queries):
        from contextlib import contextmanager
        from threading import current_thread

        @contextmanager
        def watch():
            def hook(cr, query, params, start, delay):
                queries.append(cr.mogrify(query, params).decode())

            current_thread().query_hooks = (hook,)
            try:
                yield
            finally:
                del current_thread().query_hooks

        return watch()
