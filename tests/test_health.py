"""What a monitoring system learns of billing, and who is told nothing."""

import json
import logging
from datetime import date, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, TransactionCase, new_test_user, tagged

from odoo.addons.billing_operations.billing_tasks import health
from odoo.addons.billing_operations.billing_tasks.log_lines import log_line

from .common import BillingCase

ADDRESS = "/billing_operations/health"
LINES = "odoo.addons.billing_operations.billing_tasks.log_lines"


def figures(**parts):
    """Return figures of a quiet queue, with other values in its parts."""
    quiet = {
        "queue": {"oldest_due_seconds": 0, "failed": 0, "lost": 0},
        "workers": {"wanted": 2, "busy": 0, "seen_seconds": 20},
    }
    return {name: quiet.get(name, {}) | parts.get(name, {}) for name in quiet | parts}


class TestHealthArithmetic(TransactionCase):
    def test_a_quiet_queue_is_well(self):
        found = health.problems(figures())
        self.assertEqual(set(found.values()), {health.OK})
        self.assertEqual(health.worst(found), health.OK)

    def test_work_that_nobody_begins_is_a_warning_and_then_a_failure(self):
        for seconds, status in (
            (300, "ok"),
            (301, "warning"),
            (1800, "warning"),
            (1801, "failing"),
        ):
            with self.subTest(seconds=seconds):
                found = health.problems(figures(queue={"oldest_due_seconds": seconds}))
                self.assertEqual(found["queue"], status)

    def test_workers_that_nobody_has_seen_are_a_failure_unless_one_is_at_work(self):
        for seen, busy, status in (
            (300, 0, "ok"),
            (301, 0, "failing"),
            (None, 0, "failing"),
            (9999, 1, "ok"),
        ):
            with self.subTest(seen=seen, busy=busy):
                parts = figures(workers={"seen_seconds": seen, "busy": busy})
                self.assertEqual(health.problems(parts)["workers"], status)
        self.assertEqual(health.problems(figures(workers={"wanted": 0}))["workers"], "warning")

    def test_what_failed_is_to_be_looked_at(self):
        self.assertEqual(health.problems(figures(queue={"failed": 1}))["tasks"], "warning")
        self.assertEqual(health.problems(figures(queue={"lost": 1}))["tasks"], "warning")
        self.assertEqual(health.problems(figures(runs={"failed": 1}))["runs"], "warning")

    def test_only_the_whole_key_is_the_key(self):
        self.assertTrue(health.is_key("secret", "secret"))
        for given, wanted in (("secre", "secret"), ("", "secret"), (None, "secret"), ("", "")):
            self.assertFalse(health.is_key(given, wanted))
        self.assertFalse(health.is_key("anything", None))
        self.assertFalse(health.is_key("schlüssel", "secret"))


@tagged("post_install", "-at_install")
class TestHealthAddress(HttpCase, BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["billing.task"]._new_health_key()
        cls.key = cls.env["ir.config_parameter"].get_param("billing_operations.health_key")
        cls.env["billing.task"].search([]).unlink()
        cls.env["ir.cron"].search([("model_id.model", "=", "billing.task")]).write(
            {"lastcall": fields.Datetime.now()}
        )

    def ask(self, **options):
        return self.url_open(ADDRESS, headers=options)

    def told(self):
        answer = self.ask(Authorization=f"Bearer {self.key}")
        return answer.status_code, json.loads(answer.text)

    def test_the_key_opens_it_in_the_header_or_in_the_address(self):
        for answer in (
            self.ask(Authorization=f"Bearer {self.key}"),
            self.url_open(f"{ADDRESS}?key={self.key}"),
        ):
            self.assertEqual(answer.status_code, 200)
            self.assertEqual(answer.headers["Content-Type"], "application/json")
            self.assertEqual(json.loads(answer.text)["status"], "ok")
            self.assertNotIn("session_id", answer.cookies)

    def test_without_the_key_there_is_no_such_address(self):
        for answer in (
            self.ask(),
            self.ask(Authorization="Bearer wrong"),
            self.ask(Authorization=f"Basic {self.key}"),
            self.url_open(f"{ADDRESS}?key="),
            self.url_open(f"{ADDRESS}?key={self.key[:-1]}"),
        ):
            self.assertEqual(answer.status_code, 404)
        self.authenticate("admin", "admin")
        self.assertEqual(self.ask().status_code, 404, "a login is no key")

    def test_without_a_key_set_it_answers_nobody(self):
        self.env["billing.task"]._drop_health_key()
        self.assertEqual(self.url_open(f"{ADDRESS}?key=").status_code, 404)
        self.assertEqual(self.ask(Authorization="Bearer ").status_code, 404)

    def test_it_tells_of_the_queue_and_of_what_stands_still(self):
        tasks = self.env["billing.task"]
        task = tasks.enqueue("run_report")
        task.delay_date = fields.Datetime.now() - timedelta(hours=1)
        failed = tasks.enqueue("run_report")
        failed._own().write({"state": "failed", "ended_date": fields.Datetime.now()})
        status, said = self.told()
        self.assertEqual((status, said["status"]), (503, "failing"))
        self.assertEqual(
            said["checks"],
            {
                "queue": "failing",
                "tasks": "warning",
                "workers": "ok",
                "runs": said["checks"]["runs"],
            },
        )
        self.assertEqual((said["queue"]["waiting"], said["queue"]["failed"]), (1, 1))
        self.assertAlmostEqual(said["queue"]["oldest_due_seconds"], 3600, delta=60)

    def test_it_tells_of_the_last_run_without_a_customers_name(self):
        scheme = self.make_scheme()
        self.make_service(self.make_customer("Nobody Else Ltd"), self.make_tariff(scheme))
        run = self.make_run(self.make_cycle(scheme), date(2026, 1, 1))
        with patch.object(type(run), "_post_summary", lambda run: None):
            run._execute("posting")
            run.action_close()
        status, said = self.told()
        self.assertEqual(said["runs"]["last_run"], run.number)
        self.assertEqual(said["runs"]["last_state"], "completed")
        self.assertEqual(status, 200)
        self.assertNotIn("Nobody Else", json.dumps(said))

    def test_only_administrators_give_out_the_key(self):
        user = new_test_user(
            self.env, "no_admin", groups="billing_operations.group_billing_administrator"
        )
        for method in ("_new_health_key", "_drop_health_key"):
            with self.assertRaises(AccessError):
                getattr(self.env["billing.task"].with_user(user), method)()


@tagged("post_install", "-at_install")
class TestLogLines(BillingCase):
    def test_a_line_is_one_json_object(self):
        with self.assertLogs(LINES, logging.INFO) as logs:
            log_line("task_ended", task=7, type="run_rate", seconds=1.5)
        [record] = logs.records
        name, _space, text = record.getMessage().partition(" ")
        self.assertEqual(name, "billing")
        self.assertEqual(
            json.loads(text), {"event": "task_ended", "task": 7, "type": "run_rate", "seconds": 1.5}
        )

    def test_stages_and_runs_leave_lines_when_they_are_committed(self):
        scheme = self.make_scheme()
        self.make_service(self.make_customer("Nobody Else Ltd"), self.make_tariff(scheme))
        run = self.make_run(self.make_cycle(scheme), date(2026, 1, 1))
        self.env.cr.postcommit.clear()
        with self.assertLogs(LINES, logging.INFO) as logs:
            run._execute("posting")
            run.action_close()
            self.env.cr.postcommit.run()
        lines = [json.loads(record.getMessage().partition(" ")[2]) for record in logs.records]
        stages = [line["stage"] for line in lines if line["event"] == "stage_ended"]
        self.assertEqual(stages, ["rating", "invoicing", "posting"])
        [ended] = [line for line in lines if line["event"] == "run_ended"]
        self.assertEqual((ended["run"], ended["state"], ended["errors"]), (run.id, "completed", 0))
        self.assertNotIn("Nobody", json.dumps(lines))
