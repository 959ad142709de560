"""What people see of the queue: names, progress, health, notices, housekeeping, settings."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..billing_tasks.server_limits import ServerLimits
from .task_common import BillingTasksCase

AMPLE = ServerLimits(cron_threads=9, real=900, real_cron=900, cpu=600)


@tagged("post_install", "-at_install")
class TestTaskMonitor(BillingTasksCase):
    def make_running(self, **values):
        task = self.tasks.enqueue("test_work")
        task.write({"state": "running", "attempt_token": "t", **values})
        return task

    def make_failed(self, count=1, **options):
        tasks = self.tasks.browse()
        for _n in range(count):
            task = self.tasks.enqueue("test_work", **options)
            task.write({"state": "running", "attempt_token": "t", "retry_count": 2})
            task._fail_attempt(UserError("The file is broken."))
            tasks += task
        return tasks

    # === TASK FOR === #

    def test_a_task_names_opens_and_is_found_by_the_record_it_is_for(self):
        partner = self.env["res.partner"].create({"name": "Zebra Ltd"})
        task = self.tasks.enqueue("test_work", partner)
        self.tasks.enqueue("test_work", self.env["res.partner"].create({"name": "Lion Ltd"}))
        self.assertEqual(task.record_name, "Zebra Ltd")
        self.assertEqual(self.tasks.search([("record_name", "ilike", "zebra")]), task)
        action = task.action_open_record()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", partner.id))
        partner.unlink()
        task.invalidate_recordset()
        self.assertEqual(task.record_name, f"Contact #{task.res_id}")
        with self.assertRaises(UserError):
            task.action_open_record()

    def test_a_customer_counts_and_opens_its_tasks(self):
        partner = self.env["res.partner"].create({"name": "Zebra Ltd"})
        self.tasks.enqueue("test_work", partner)
        self.tasks.enqueue("test_work", partner=partner)
        self.assertEqual(partner.billing_task_count, 2)
        action = partner.action_open_billing_tasks()
        self.assertEqual(self.tasks.search_count(action["domain"]), 2)
        outsider = new_test_user(self.env, "task_outsider", groups="base.group_user")
        self.assertEqual(partner.with_user(outsider).billing_task_count, 0)

    def test_tasks_are_found_by_their_number_and_their_type(self):
        task = self.tasks.enqueue("test_work")
        for text in (str(task.id), f"#{task.id}", task.display_name, "Test test_work"):
            self.assertIn(task.id, [found for found, _name in self.tasks.name_search(text)], text)
        self.assertEqual(self.tasks.name_search("no such type"), [])

    # === PROGRESS AND HEALTH === #

    def test_progress_is_the_last_line_of_a_running_task(self):
        task = self.make_running()
        self.assertEqual(task.progress, 0)
        for done in (10, 40):
            self.env["billing.task.log"].create(
                {"task_id": task.id, "level": "progress", "message": ".", "done": done, "total": 80}
            )
        task.invalidate_recordset()
        self.assertEqual(task.progress, 50)

    def test_the_dead_are_those_that_run_and_no_worker_holds(self):
        now = fields.Datetime.now()
        young = self.make_running(attempt_date=now)
        dead = self.make_running(attempt_date=now - timedelta(minutes=1))
        self.assertEqual(self.tasks._dead_ids(), dead.ids)
        self.assertTrue(dead.is_stuck)
        self.assertFalse(young.is_stuck)
        self.tasks._show_life(dead.id)
        self.assertEqual(self.tasks._dead_ids(), [])
        self.tasks._rest()
        self.assertEqual(self.tasks._dead_ids(), dead.ids)

    def test_what_is_due_for_long_is_stuck(self):
        late, punctual = self.tasks.enqueue("test_work"), self.tasks.enqueue("test_work")
        late.delay_date -= timedelta(minutes=16)
        self.assertTrue(late.is_stuck)
        self.assertFalse(punctual.is_stuck)
        self.assertIn(late, self.tasks.search([("is_stuck", "=", True)]))
        self.assertNotIn(punctual, self.tasks.search([("is_stuck", "=", True)]))
        self.assertIn(punctual, self.tasks.search([("is_stuck", "=", False)]))

    def test_health_counts_what_the_user_may_see(self):
        manager = new_test_user(
            self.env, "task_manager", groups="billing_operations.group_billing_manager"
        )
        before = self.tasks.with_user(manager).get_health()
        late = self.tasks.enqueue("test_work")
        late.delay_date -= timedelta(minutes=20)
        self.make_failed(2)
        other = self.env["res.company"].create({"name": "Other"})
        self.tasks.with_company(other).enqueue("test_work")
        health = self.tasks.with_user(manager).get_health()
        self.assertEqual(health["waiting"] - before["waiting"], 1)
        self.assertEqual(health["failed"] - before["failed"], 2)
        self.assertGreaterEqual(health["oldest_due_seconds"], 1200)
        self.assertTrue(health["late"])
        due = self.tasks.with_user(manager).search(health["domains"].pop("due"))
        self.assertIn(late, due)
        for name, domain in health["domains"].items():
            self.assertEqual(self.tasks.with_user(manager).search_count(domain), health[name], name)

    # === NOTICES === #

    def test_managers_get_one_notice_of_all_new_failures_and_of_each_once(self):
        manager = new_test_user(
            self.env,
            "task_manager",
            groups="billing_operations.group_billing_manager",
            notification_type="inbox",
        )
        watcher = new_test_user(
            self.env,
            "task_watcher",
            groups="billing_operations.group_billing_tasks",
            notification_type="inbox",
        )
        self.tasks.search([("state", "=", "failed")]).failure_notified = True
        failed = self.make_failed(25)
        notices = self.env["mail.notification"].search([]).ids
        with self.enter_registry_test_mode():
            self.env.ref("billing_operations.cron_billing_task_failures").method_direct_trigger()
        new = self.env["mail.notification"].search([("id", "not in", notices)])
        mine = new.filtered(lambda notice: notice.res_partner_id == manager.partner_id)
        self.assertEqual(len(mine), 1)
        self.assertFalse(new.filtered(lambda n: n.res_partner_id == watcher.partner_id))
        message = mine.mail_message_id
        self.assertIn("25 billing tasks failed", message.subject)
        self.assertIn(f"/odoo/billing-tasks/{failed[0].id}", message.body)
        self.assertIn("The file is broken.", message.body)
        self.assertIn("5 more", message.body)
        with self.enter_registry_test_mode():
            self.env.ref("billing_operations.cron_billing_task_failures").method_direct_trigger()
        again = self.env["mail.notification"].search([("id", "not in", notices + new.ids)])
        self.assertFalse(again)

    def test_notices_keep_to_the_company_of_the_tasks(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        manager = new_test_user(
            self.env,
            "task_elsewhere",
            groups="billing_operations.group_billing_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
            notification_type="inbox",
        )
        self.make_failed()._notify_failures()
        mine = [("res_partner_id", "=", manager.partner_id.id)]
        self.assertFalse(self.env["mail.notification"].search(mine))
        self.make_failed(record=company)
        task = self.tasks.with_company(company).enqueue("test_work")
        task.write({"state": "failed", "error_message": "No way."})
        task._notify_failures()
        self.assertEqual(len(self.env["mail.notification"].search(mine)), 1)

    # === HOUSEKEEPING === #

    def test_ended_tasks_are_kept_for_ninety_days_unless_a_setting_says_otherwise(self):
        key = "billing_operations.task_retention_days"
        self.env["ir.config_parameter"].search([("key", "=", key)]).unlink()
        for value, days in ((None, 90), ("many", 90), ("7", 7), ("-1", 0), ("9" * 20, 36500)):
            if value:
                self.env["ir.config_parameter"].set_param(key, value)
            self.assertEqual(self.tasks._retention_days(), days)
            self.tasks._gc_ended_tasks()

    def test_ended_tasks_go_after_the_days_of_the_setting(self):
        self.env["ir.config_parameter"].set_param("billing_operations.task_retention_days", "30")
        now = fields.Datetime.now()
        tasks = self.tasks.browse()
        for state, days in (
            ("completed", 31),
            ("failed", 31),
            ("skipped", 31),
            ("completed", 29),
            ("error", 31),
        ):
            task = self.tasks.enqueue("test_work")
            task.write({"state": state, "ended_date": now - timedelta(days=days)})
            task._log("a line")
            tasks += task
        self.tasks._gc_ended_tasks()
        self.assertEqual(tasks.exists(), tasks[3:])
        self.env["ir.config_parameter"].set_param("billing_operations.task_retention_days", "0")
        tasks[3].ended_date = now - timedelta(days=4000)
        self.assertEqual(self.tasks._gc_ended_tasks(), (0, 0))
        self.assertTrue(tasks[3].exists())

    # === SETTINGS === #

    def settings(self, **values):
        return self.env["res.config.settings"].create(values)

    def test_settings_are_kept_also_where_they_are_zero(self):
        self.settings(billing_task_workers=0, billing_task_retention_days=0).execute()
        self.assertEqual(self.tasks._worker_count(), 0)
        self.assertEqual(self.settings().billing_task_workers, 0)
        self.settings(billing_task_workers=8).execute()
        self.assertEqual(self.tasks._worker_count(), 8)
        for values in (
            {"billing_task_workers": 9},
            {"billing_task_workers": -1},
            {"billing_task_retention_days": -1},
            {"billing_task_retention_days": 36501},
            {"billing_task_engine": "queue_job"} if "queue.job" not in self.env else {},
        ):
            if values:
                with self.assertRaises(ValidationError):
                    self.settings(**values)

    def test_limits_of_the_server_that_are_too_small_are_named(self):
        settings = self.settings(billing_task_workers=4)
        self.assertEqual(settings._billing_limit_warnings(AMPLE), [])
        unlimited = ServerLimits(cron_threads=5, real=0, real_cron=0, cpu=0)
        self.assertEqual(settings._billing_limit_warnings(unlimited), [])
        small = ServerLimits(cron_threads=2, real=120, real_cron=120, cpu=60)
        warnings = settings._billing_limit_warnings(small)
        self.assertEqual(len(warnings), 3)
        for warning, option in zip(
            warnings, ("max_cron_threads", "limit_time_real_cron", "limit_time_cpu"), strict=True
        ):
            self.assertIn(option, warning)

    def test_no_workers_is_said(self):
        settings = self.settings(billing_task_workers=0)
        self.assertEqual(len(settings._billing_limit_warnings(AMPLE)), 1)
