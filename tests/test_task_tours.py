"""The queue in a real browser: every state and every button."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..billing_tasks import server_limits
from .service_task_common import ServiceTaskCase
from .task_common import BillingTasksCase


@tagged("post_install", "-at_install")
class TestTaskTours(BillingTasksCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.env.cr.execute("DELETE FROM billing_task")
        self.tasks.invalidate_model()
        self.make_task_type("test_other", name="Other work")

    def make_tasks(self, requester):
        for state in ("pending", "running", "completed", "error", "failed", "skipped"):
            self.make_task(state, requester)

    def make_task(self, state, requester):
        partner = self.env["res.partner"].create({"name": f"Tour {state}"})
        tasks = self.tasks.with_user(requester).sudo() if state == "pending" else self.tasks
        code = "test_other" if state == "skipped" else "test_work"
        task = tasks.enqueue(code, partner, {"bills": [1, 2]}, identity_key=f"tour:{state}")
        now = fields.Datetime.now()
        if state == "pending":
            return
        task.write({"state": "running", "attempt_token": "t", "started_date": now})
        if state == "running":
            task.attempt_date = now - timedelta(minutes=1)
            task.added_date = now - timedelta(days=2)
        elif state == "completed":
            task._complete({"charges": 3}, 1.5)
        elif state == "skipped":
            self.tasks.enqueue("test_other", identity_key="tour:skipped")
            task._fail_attempt(ValueError("Not this time"))
        else:
            if state == "failed":
                task.retry_count = 2
            task._fail_attempt(ValueError("The file is broken"), 0.5)

    def test_a_manager_sees_every_state_and_uses_every_button(self):
        manager = new_test_user(
            self.env,
            "task_manager",
            groups="billing_operations.group_billing_manager,base.group_partner_manager",
        )
        self.make_tasks(manager)
        self.start_tour("/odoo", "billing_task_manager", login="task_manager", timeout=180)
        by_name = {task.record_name: task for task in self.tasks.search([])}
        self.assertNotIn("Tour completed", by_name)
        self.assertEqual(by_name["Tour failed"].state, "skipped")
        self.assertEqual(by_name["Tour failed"].priority, 3)
        self.assertEqual(by_name["Tour error"].state, "skipped")
        self.assertEqual(by_name["Tour error"].priority, 4)
        self.assertEqual(by_name["Tour running"].state, "running")
        self.assertEqual(by_name["Tour pending"].state, "skipped")

    def test_who_only_watches_may_delete_and_nothing_else(self):
        watcher = new_test_user(
            self.env, "task_watcher", groups="billing_operations.group_billing_tasks"
        )
        self.make_tasks(watcher)
        self.start_tour("/odoo", "billing_task_watcher", login="task_watcher", timeout=120)
        self.assertFalse(self.tasks.search([("state", "=", "failed")]))

    def test_an_administrator_pauses_a_type_and_sets_the_workers(self):
        new_test_user(
            self.env,
            "task_administrator",
            groups="base.group_system,billing_operations.group_billing_administrator",
        )
        small = server_limits.ServerLimits(cron_threads=4, real=900, real_cron=900, cpu=600)
        with patch.object(server_limits, "limits", return_value=small):
            self.start_tour("/odoo", "billing_task_administrator", login="task_administrator")
        self.assertFalse(self.task_type.active)
        self.assertEqual(self.tasks._worker_count(), 3)


@tagged("post_install", "-at_install")
class TestTaskButtons(ServiceTaskCase, HttpCase):
    def test_runs_and_services_lead_to_their_tasks(self):
        self.make_webhook()
        service = self.make_service(self.customer, self.tariff)
        self.ask(service, "suspend")
        run = self.make_run(self.make_cycle(self.scheme))
        run.sudo()._enqueue_advance()
        self.assertEqual(self.customer.billing_task_count, 1)
        for record in (run, service):
            self.assertEqual(record.billing_task_count, 1, record)
            self.start_tour(
                f"/odoo/{record._name}/{record.id}",
                "billing_task_of_record",
                login=self.manager.login,
            )
