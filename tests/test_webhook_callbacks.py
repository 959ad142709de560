"""Callbacks of webhook modules to our own address."""

import json
import time

from odoo.tests import HttpCase, tagged

from .webhook_common import WebhookCase


@tagged("post_install", "-at_install")
class TestCallbacks(WebhookCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.operation = self.set_up((202, {"message": "queued"}))

    def call_back(self, said=None, timestamp=None, signature=None, module=None):
        """POST a callback and return the HTTP status."""
        said = {"operation": self.operation.key, "state": "done"} if said is None else said
        body = json.dumps(said).encode()
        timestamp = str(int(time.time()) if timestamp is None else timestamp)
        headers = {
            "Content-Type": "application/json",
            "X-Billing-Timestamp": timestamp,
            "X-Billing-Signature": signature or self.sign(timestamp, body),
        }
        module = module or self.panel.id
        url = f"/billing_operations/webhook/{module}"
        status = self.url_open(url, data=body, headers=headers).status_code
        self.env.invalidate_all()
        return status

    def test_what_was_accepted_is_finished_by_a_signed_callback_once(self):
        self.assertEqual((self.operation.state, self.service.state), ("processing", "ordered"))
        self.assertEqual(self.operation.billing_task_id.state, "completed")
        said = {"operation": self.operation.key, "state": "done", "parameters": {"php": 8}}
        now = int(time.time())
        self.assertEqual(self.call_back(said, now), 200)
        self.assertEqual((self.operation.state, self.service.state), ("done", "active"))
        self.assertEqual(self.service._parameter_values()["php"], 8)
        started = self.service.date_start
        self.assertEqual(self.call_back(said, now), 409)
        self.assertEqual(self.call_back(said, now + 1), 409)
        self.assertEqual((self.operation.state, self.service.date_start), ("done", started))
        mails = self.env["mail.mail"].search([("recipient_ids", "in", self.customer.ids)])
        self.assertEqual(len(mails), 1)

    def test_a_wrong_signature_changes_nothing(self):
        for status, arguments in (
            (401, {"signature": "sha256=" + "0" * 64}),
            (401, {"timestamp": int(time.time()) - 3600}),
            (401, {"timestamp": int(time.time()) + 3600}),
            (401, {"timestamp": "abc"}),
            (401, {"module": self.module.id}),
            (401, {"module": 2**31 - 1}),
            (401, {"module": 10**30}),
        ):
            self.assertEqual(self.call_back(**arguments), status, arguments)
        self.assertEqual(self.operation.state, "processing")

    def test_the_signature_covers_the_body(self):
        now = str(int(time.time()))
        said = json.dumps({"operation": self.operation.key, "state": "failed"}).encode()
        self.assertEqual(self.call_back(None, now, self.sign(now, said)), 401)

    def test_what_is_not_understood_is_refused(self):
        for status, said in (
            (400, []),
            (400, {"operation": self.operation.key}),
            (400, {"operation": self.operation.key, "state": "exploded"}),
            (400, {"operation": 5, "state": "done"}),
            (400, {"operation": "\0", "state": "done"}),
            (400, {"operation": self.operation.key, "state": ["done"]}),
            (404, {"operation": "nothing", "state": "done"}),
        ):
            self.assertEqual(self.call_back(said), status, said)
        self.assertEqual(self.operation.state, "processing")

    def test_another_modules_operation_is_out_of_reach(self):
        other = self.make_webhook(self.receiver.url, name="Other")
        self.secret = other.secret_key
        self.assertEqual(self.call_back(module=other.id), 404)
        self.assertEqual(self.operation.state, "processing")

    def test_what_was_done_but_cannot_be_applied_says_so_also_after_a_failure(self):
        said = {"operation": self.operation.key, "state": "failed", "message": "no capacity"}
        self.call_back(said)
        self.service.with_user(self.accountant).sudo()._cancel()
        self.assertEqual(self.call_back(), 200)
        self.assertEqual(self.operation.state, "failed")
        self.assertIn("could not be applied", self.operation.service_task_id.description)

    def test_a_reported_failure_makes_a_service_task(self):
        said = {"operation": self.operation.key, "state": "failed", "message": "no capacity"}
        self.assertEqual(self.call_back(said), 200)
        self.assertEqual((self.operation.state, self.service.state), ("failed", "ordered"))
        self.assertIn("no capacity", self.operation.service_task_id.description)

    def test_a_callback_that_never_comes_is_handed_to_a_person_and_may_still_come(self):
        self.operation._own().accepted_date = "2026-01-01 00:00:00"
        self.run_due()
        self.assertEqual(self.operation.state, "unknown")
        task = self.operation.service_task_id
        self.assertIn("no callback came", task.description)
        self.assertEqual(self.call_back(), 200)
        self.assertEqual((self.operation.state, self.service.state), ("done", "active"))
        self.assertEqual(task.state, "cancelled")

    def test_a_callback_may_overtake_the_answer(self):
        answer = {"outcome": "accepted", "message": "HTTP 202"}
        self.assertEqual(self.call_back(), 200)
        self.operation._record_answer(self.operation.billing_task_id, answer)
        self.assertEqual(
            (self.operation.state, self.operation.accepted_date is False), ("done", False)
        )

    def test_what_is_accepted_cannot_be_cancelled(self):
        with self.assertRaisesRegex(Exception, "being carried out right now"):
            self.operation.with_user(self.accountant).action_cancel()

    def test_old_callbacks_are_forgotten(self):
        self.call_back()
        callbacks = self.env["service.webhook.callback"].search([])
        self.assertTrue(callbacks)
        callbacks.date = "2026-01-01 00:00:00"
        callbacks._gc_callbacks()
        self.assertFalse(callbacks.exists())
