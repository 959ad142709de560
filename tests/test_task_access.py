"""Who may see and do what with billing tasks, also over RPC."""

from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .task_common import BillingTasksCase


@tagged("post_install", "-at_install")
class TestTaskAccess(BillingTasksCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.env["res.company"].create({"name": "Other"})
        cls.outsider = cls.make_user("outsider", "account.group_account_invoice")
        cls.accountant = cls.make_user("accountant", "billing_operations.group_billing_user")
        cls.watcher = cls.make_user("watcher", "billing_operations.group_billing_tasks")
        cls.manager = cls.make_user("manager", "billing_operations.group_billing_manager")
        cls.task = cls.tasks.enqueue("test_work")
        cls.task._log("a line")
        cls.foreign = cls.tasks.with_company(cls.other_company).enqueue("test_work")

    @classmethod
    def make_user(cls, login, group):
        return new_test_user(
            cls.env,
            login=f"task_{login}",
            groups=f"base.group_user,{group}",
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )

    def rpc(self, person, method, *args, model="billing.task"):
        return call_kw(self.env[model].with_user(person), method, list(args), {})

    def rights(self, person, model):
        records = self.env[model].with_user(person)
        operations = ("read", "write", "create", "unlink")
        return [operation for operation in operations if records.has_access(operation)]

    def test_the_queue_is_seen_by_its_group_alone_and_written_by_nobody(self):
        for person in (self.outsider, self.accountant):
            for model in ("billing.task", "billing.task.log", "billing.task.type"):
                self.assertEqual(self.rights(person, model), [])
            with self.assertRaises(AccessError):
                self.rpc(person, "search_read", [])
            with self.assertRaises(AccessError):
                self.rpc(person, "get_health")
        for person in (self.watcher, self.manager):
            self.assertEqual(self.rights(person, "billing.task"), ["read", "unlink"])
            self.assertEqual(self.rights(person, "billing.task.log"), ["read"])
        self.assertEqual(self.rights(self.watcher, "billing.task.type"), ["read"])
        self.assertEqual(self.rights(self.manager, "billing.task.type"), ["read", "write"])

    def test_nobody_sees_or_touches_tasks_of_other_companies(self):
        seen = self.tasks.with_user(self.manager).search([])
        self.assertIn(self.task, seen)
        self.assertNotIn(self.foreign, seen)
        logs = self.env["billing.task.log"].with_user(self.manager).search([])
        self.foreign._log("not for everybody")
        self.assertEqual(logs.task_id.company_id, self.env.company)
        for method, args in (
            ("action_retry_now", ()),
            ("action_skip", ()),
            ("action_set_priority", (1,)),
            ("unlink", ()),
        ):
            with self.assertRaises(AccessError):
                self.rpc(self.manager, method, self.foreign.ids, *args)

    def test_people_cannot_create_change_or_forge_tasks_over_rpc(self):
        values = {"type_id": self.task_type.id}
        for person in (self.accountant, self.watcher, self.manager):
            with self.assertRaises(AccessError):
                self.rpc(person, "create", values)
            with self.assertRaises(AccessError):
                self.rpc(person, "write", self.task.ids, {"state": "completed"})
            with self.assertRaises(AccessError):
                self.rpc(person, "create", {"task_id": self.task.id}, model="billing.task.log")
            for private in ("enqueue", "enqueue_many", "_run_inline", "_set_state", "_claim"):
                with self.assertRaises(AccessError):
                    self.rpc(person, private, "test_work")

    def test_watchers_delete_what_is_not_running_and_change_nothing(self):
        for method, args in (
            ("action_retry_now", ()),
            ("action_skip", ()),
            ("action_set_priority", (1,)),
        ):
            with self.assertRaises(AccessError):
                self.rpc(self.watcher, method, self.task.ids, *args)
        running = self.tasks.enqueue("test_work")
        running.write({"state": "running", "attempt_token": "t"})
        with self.assertRaisesRegex(UserError, "running task cannot be deleted"):
            self.rpc(self.watcher, "unlink", running.ids)
        self.rpc(self.watcher, "unlink", self.task.ids)
        self.assertFalse(self.task.exists())

    def test_managers_skip_retry_and_change_the_priority(self):
        self.rpc(self.manager, "action_set_priority", self.task.ids, 3)
        self.assertEqual(self.task.priority, 3)
        self.rpc(self.manager, "action_skip", self.task.ids)
        self.assertEqual(self.task.state, "skipped")
        self.rpc(self.manager, "action_skip", self.task.ids)
        with self.assertRaises(UserError):
            self.rpc(self.manager, "action_set_priority", self.task.ids, 4)
        self.rpc(self.manager, "action_retry_now", self.task.ids)
        self.assertEqual(self.task.state, "pending")
        log = self.log_text(self.task)
        for word in ("Priority set to 3", "Skipped by", "Retry asked for by"):
            self.assertIn(word, log)
        for bad in ("1", True, 1.5, None, -1, 10**12):
            with self.assertRaises(UserError):
                self.rpc(self.manager, "action_set_priority", self.task.ids, bad)

    def test_a_retry_gives_all_retries_back(self):
        self.task.write({"state": "running", "attempt_token": "t", "retry_count": 2})
        self.task._fail_attempt(ValueError("broken"))
        self.assertEqual(self.task.state, "failed")
        self.rpc(self.manager, "action_retry_now", self.task.ids)
        self.assertRecordValues(
            self.task,
            [{"state": "pending", "retry_count": 0, "error_code": False, "ended_date": False}],
        )

    def test_what_ended_well_or_runs_is_not_retried_or_skipped(self):
        done = self.tasks.enqueue("test_work")
        done.write({"state": "completed"})
        running = self.tasks.enqueue("test_work")
        running.write({"state": "running", "attempt_token": "t"})
        for task in (done, running):
            for method in ("action_retry_now", "action_skip"):
                with self.assertRaisesRegex(UserError, f"#{task.id}"):
                    self.rpc(self.manager, method, task.ids)

    def test_a_task_is_not_retried_beside_one_that_does_the_same(self):
        first = self.tasks.enqueue("test_work", identity_key="run-1")
        first._set_state("skipped")
        second = self.tasks.enqueue("test_work", identity_key="run-1")
        with self.assertRaisesRegex(UserError, f"#{second.id}"):
            self.rpc(self.manager, "action_retry_now", first.ids)
        second._set_state("skipped")
        with self.assertRaisesRegex(UserError, f"#{first.id} .*#{second.id}"):
            self.rpc(self.manager, "action_retry_now", (first | second).ids)
        self.rpc(self.manager, "action_retry_now", second.ids)

    def test_managers_tune_types_but_never_their_code(self):
        self.rpc(
            self.manager, "write", self.task_type.ids, {"max_retries": 9}, model="billing.task.type"
        )
        self.assertEqual(self.task_type.max_retries, 9)
        with self.assertRaises(UserError):
            self.rpc(
                self.manager, "write", self.task_type.ids, {"code": "x"}, model="billing.task.type"
            )
        for values in (
            {"priority": -1},
            {"max_retries": 1001},
            {"retry_delay": 1441},
            {"backoff": 0.5},
            {"backoff": 1e300},
            {"max_parallel": 10**9},
        ):
            with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), self.cr.savepoint():
                self.rpc(
                    self.manager, "write", self.task_type.ids, values, model="billing.task.type"
                )
        for operation, args in (("create", [{"name": "x", "code": "y"}]), ("unlink", [[1]])):
            with self.assertRaises(AccessError):
                self.rpc(self.manager, operation, *args, model="billing.task.type")

    def test_a_forged_context_does_not_redirect_the_log(self):
        self.task.with_context(billing_task_journal={"add": 1})._log("still written")
        self.assertIn("still written", self.log_text(self.task))
