"""The queue in a real browser: every state and every button."""

from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from .task_common import BillingTasksCase


@tagged("post_install", "-at_install")
class TestTaskTours(BillingTasksCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.env.cr.execute("DELETE FROM billing_task")
        self.tasks.invalidate_model()
        for state in ("pending", "running", "completed", "error", "failed", "skipped"):
            self.make_task(state)

    def make_task(self, state):
        partner = self.env["res.partner"].create({"name": f"Tour {state}"})
        task = self.tasks.enqueue("test_work", partner, {"bills": [1, 2]})
        now = fields.Datetime.now()
        if state == "pending":
            return task
        task.write({"state": "running", "attempt_token": "t", "started_date": now})
        if state == "running":
            task.attempt_date = now - timedelta(minutes=1)
        elif state == "completed":
            task._complete({"charges": 3}, 1.5)
        elif state == "skipped":
            task._set_state("skipped", ended_date=now)
        else:
            if state == "failed":
                task.retry_count = 2
            task._fail_attempt(ValueError("The file is broken"), 0.5)
        return task

    def test_a_manager_sees_every_state_and_uses_every_button(self):
        new_test_user(
            self.env,
            "task_manager",
            groups="billing_operations.group_billing_manager,base.group_partner_manager",
        )
        self.start_tour("/odoo", "billing_task_manager", login="task_manager", timeout=180)
        by_name = {task.record_name: task for task in self.tasks.search([])}
        self.assertNotIn("Tour completed", by_name)
        self.assertEqual(by_name["Tour failed"].state, "skipped")
        self.assertEqual(by_name["Tour failed"].priority, 3)
        self.assertEqual(by_name["Tour error"].state, "pending")
        self.assertEqual(by_name["Tour pending"].state, "skipped")

    def test_who_only_watches_may_delete_and_nothing_else(self):
        new_test_user(self.env, "task_watcher", groups="billing_operations.group_billing_tasks")
        self.start_tour("/odoo", "billing_task_watcher", login="task_watcher", timeout=120)
        self.assertFalse(self.tasks.search([("state", "=", "failed")]))
