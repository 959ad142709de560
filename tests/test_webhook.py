"""Webhook modules against a real HTTP server."""

import json
import logging
import socket
import time
from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .web_receiver import Receiver, certificate
from .webhook_common import ALLOW, WebhookCase


@tagged("post_install", "-at_install")
class TestWebhook(WebhookCase):
    def test_a_signed_request_says_what_to_do_and_success_applies_it(self):
        operation = self.set_up((200, {"message": "ok\0", "parameters": {"php": 4, "evil": 1}}))
        self.assertEqual((operation.state, self.service.state), ("done", "active"))
        self.assertEqual(self.service.date_start, date(2026, 1, 1))
        self.assertEqual(self.service._parameter_values()["php"], 4)
        self.assertIn("left out: evil", " ".join(self.service.message_ids.mapped("body")))
        self.assertEqual(
            (operation.message, operation.billing_task_id.state), ("HTTP 200 ok", "completed")
        )
        self.assertFalse(operation.service_task_id)
        [(method, path, headers, body)] = self.receiver.requests
        self.assertEqual((method, path), ("POST", "/hook?x=1"))
        said = json.loads(body)
        self.assertEqual((said["operation"], said["type"]), (operation.key, "setup"))
        self.assertEqual(said["service"]["name"], "alder.example")
        self.assertEqual(headers["Idempotency-Key"], operation.key)
        timestamp = headers["X-Billing-Timestamp"]
        self.assertLess(abs(time.time() - int(timestamp)), 60)
        self.assertEqual(headers["X-Billing-Signature"], self.sign(timestamp, body))

    def test_a_change_says_by_names_how_the_service_is_to_be(self):
        target = self.make_tariff(self.scheme, price=60.0, name="Big", code="BIG")
        target.parameter_definition = self.tariff.parameter_definition
        target.processing_module_id = self.panel
        disk = self.make_addon(target, maximum=20.0)
        service = self.active(disk=2)
        service.parameters = {"domain": "a.example"}
        values = {"tariff_id": target.id, "parameters": {"php": 4}, "date_end": "2030-01-01"}
        values["addon_quantities"] = {disk.id: 7}
        operation = self.ask(service, "change", values, date(2026, 1, 1))
        self.work(operation)
        said = json.loads(self.receiver.requests[-1][3])
        self.assertEqual(said["service"]["addons"], [{"name": "Disk", "quantity": 2.0}])
        self.assertEqual(
            said["wanted"],
            {
                "name": "Tariff",
                "tariff": {"code": "BIG", "name": "Big"},
                "quantity": 1.0,
                "end": "2030-01-01",
                "reason": "",
                "parameters": {"domain": "a.example", "php": 4},
                "parameter_labels": {"domain": "Domain", "php": "PHP workers"},
                "addons": [{"name": "Disk", "quantity": 7}],
            },
        )
        self.assertEqual((operation.state, service.tariff_id), ("done", target))
        self.assertEqual(service.addon_line_ids.quantity, 7)

    def test_answers_that_make_no_sense_are_taken_for_what_their_status_says(self):
        for answer in (
            b"<html>done</html>",
            b"[" * 100_000,
            b'{"message": "' + b"x" * 200_000 + b'"}',
            b'{"message": {"a": NaN}, "parameters": {"php": 1e999, "domain": {"x": 1}}}',
            b'{"message": "\\u0000\\ud800", "parameters": {"domain": "a\\u0000b", "php": "4"}}',
            b'{"parameters": "none"}',
            b"",
        ):
            self.service = self.order(name="alder.example")
            operation = self.set_up((200, answer))
            self.assertEqual((operation.state, self.service.state), ("done", "active"), answer[:80])
            self.assertFalse(self.service._parameter_values()["php"])
        operation = self.ask(self.service, "suspend")
        self.receiver.answers = [
            (200, b'{"x": 1', ("Content-Length", "900")),
            (200, {"state": "done"}),
        ]
        self.work(operation)
        self.assertEqual((operation.state, self.receiver.methods[-2:]), ("done", ["POST", "GET"]))

    def test_a_module_made_manual_meanwhile_calls_nobody(self):
        operation = self.ask(self.service, "setup")
        self.panel.kind = "manual"
        self.work(operation)
        self.assertEqual((operation.state, self.receiver.requests), ("failed", []))
        self.assertIn("made a manual module", operation.service_task_id.description)

    def test_what_is_tried_again_is_not_closed_by_hand_meanwhile(self):
        operation = self.set_up((422, {"message": "no such plan"}))
        task = self.task_of(operation, self.member)
        operation.with_user(self.accountant).action_retry()
        intent = {"intent": {"reference": operation.key}, "intent_state": "sending"}
        operation.billing_task_id.write(intent)
        with self.assertRaisesRegex(UserError, "right now by software"):
            task.action_close()
        operation.billing_task_id._clear_intent()
        task.action_close()
        self.assertEqual((operation.state, operation.billing_task_id.state), ("done", "skipped"))
        self.work(operation)
        self.assertEqual(len(self.receiver.requests), 1)

    def test_what_somebody_took_out_of_the_queue_goes_to_a_person(self):
        operation = self.ask(self.service, "setup")
        operation.billing_task_id.with_user(self.manager).action_skip()
        lost = self.ask(self.order(), "setup")
        lost.billing_task_id.unlink()
        self.run_due()
        self.assertEqual((operation.state, lost.state), ("failed", "unknown"))
        self.assertIn("taken out of the queue", operation.service_task_id.description)

    def test_an_automatic_set_up_queues_the_opening_mail(self):
        self.set_up((200, {}))
        mail = self.env["mail.mail"].search([("recipient_ids", "in", self.customer.ids)])
        self.assertEqual(mail.subject, "alder.example is ready")

    def test_a_server_error_is_retried_with_the_same_key_and_counts_once(self):
        operation = self.set_up((500, {"message": "busy"}), (503, b"<html>"), (200, {}))
        self.assertEqual((operation.state, self.service.state), ("done", "active"))
        self.assertEqual(self.receiver.keys, [operation.key] * 3)
        self.assertEqual(len({body for _m, _p, _h, body in self.receiver.requests}), 1)
        self.assertEqual(operation.billing_task_id.retry_count, 2)

    def test_retries_used_up_make_a_service_task_with_error_and_attempts(self):
        operation = self.set_up(*[(500, {"message": "disk full"})] * 3)
        self.assertEqual((operation.state, self.service.state), ("failed", "ordered"))
        self.assertEqual(operation.billing_task_id.state, "failed")
        task = operation.service_task_id
        self.assertEqual((task.department_id, task.state), (self.hosting, "new"))
        self.assertGreaterEqual(task.description.count("disk full"), 3)
        self.close(operation)
        self.assertEqual((operation.state, self.service.state), ("done", "active"))

    def test_a_refusal_fails_at_once_and_can_be_tried_again(self):
        operation = self.set_up((422, {"message": "no such plan"}))
        self.assertEqual(operation.state, "failed")
        self.assertEqual(len(self.receiver.requests), 1)
        self.assertIn("no such plan", operation.service_task_id.description)
        operation.with_user(self.accountant).action_retry()
        self.work(operation)
        self.assertEqual((operation.state, self.service.state), ("done", "active"))
        self.assertEqual(operation.service_task_id.state, "cancelled")
        self.assertEqual(self.receiver.keys, [operation.key] * 2)

    def test_a_failed_background_task_put_back_in_the_queue_tries_again(self):
        operation = self.set_up((400, {}))
        operation.billing_task_id.with_user(self.manager).action_retry_now()
        self.work(operation)
        self.assertEqual((operation.state, len(self.receiver.requests)), ("done", 2))

    def test_no_connection_is_retried_since_nothing_was_sent(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.panel.url = f"http://127.0.0.1:{port}/"
        operation = self.set_up()
        self.assertEqual(operation.state, "failed")
        self.assertEqual(operation.billing_task_id.retry_count, 2)
        self.assertFalse(operation.billing_task_id.intent)

    def test_after_a_time_out_the_status_address_is_asked_by_key(self):
        operation = self.set_up(3, (200, {"state": "done", "parameters": {"php": 2}}))
        self.assertEqual(self.receiver.methods, ["POST", "GET"])
        self.assertEqual((operation.state, self.service.state), ("done", "active"))
        self.assertEqual(self.receiver.keys, [operation.key] * 2)
        _method, _path, headers, _body = self.receiver.requests[1]
        timestamp = headers["X-Billing-Timestamp"]
        expected = self.sign(timestamp, operation.key.encode())
        self.assertEqual(headers["X-Billing-Signature"], expected)

    def test_only_what_was_not_received_is_sent_again_after_a_time_out(self):
        operation = self.set_up(3, (200, {"state": "not_received"}), (200, {}))
        self.assertEqual(self.receiver.methods, ["POST", "GET", "POST"])
        self.assertEqual((operation.state, self.service.state), ("done", "active"))

    def test_an_outcome_that_nobody_can_tell_is_handed_to_a_person_and_never_sent_again(self):
        operation = self.set_up(3, (404, b"what?"))
        self.assertEqual((operation.state, self.service.state), ("unknown", "ordered"))
        self.assertEqual(self.receiver.methods, ["POST", "GET"])
        self.assertIn("not known whether", operation.service_task_id.description)
        self.close(operation)
        self.assertEqual((operation.state, self.service.state), ("done", "active"))

    def test_a_person_may_have_an_unknown_outcome_asked_for_again(self):
        operation = self.set_up(3, (404, b"what?"))
        accountant = operation.with_user(self.accountant)
        for said, state in (
            ((404, b"what?"), "unknown"),
            ((200, {"state": "accepted"}), "unknown"),
            ((200, {"state": "not_received"}), "failed"),
        ):
            self.receiver.answers = [said]
            accountant.action_ask_again()
            self.work(operation)
            self.assertEqual(operation.state, state)
        self.assertEqual(self.receiver.methods, ["POST", "GET", "GET", "GET", "GET"])
        task = operation.service_task_id
        self.assertIn("asked again", " ".join(task.message_ids.mapped("body")))
        accountant.action_retry()
        self.receiver.answers = [3, (404, b"what?"), (200, {"state": "done"})]
        self.work(operation)
        self.assertEqual((operation.state, operation.service_task_id), ("unknown", task))
        accountant.action_ask_again()
        accountant.action_ask_again()
        self.work(operation)
        self.assertEqual((operation.state, self.service.state), ("done", "active"))
        self.assertEqual(task.state, "cancelled")
        with self.assertRaisesRegex(UserError, "cannot be asked for"):
            accountant.action_ask_again()

    def test_a_lost_answer_at_a_gateway_is_a_time_out_too(self):
        operation = self.set_up((504, {}), (200, {"state": "done"}))
        self.assertEqual(self.receiver.methods, ["POST", "GET"])
        self.assertEqual(operation.state, "done")

    def test_questions_without_an_answer_end_as_unknown(self):
        operation = self.set_up((504, {}), (500, {}), (500, {}), (500, {}))
        self.assertEqual(operation.state, "unknown")
        self.assertEqual(self.receiver.methods, ["POST", "GET", "GET"])
        self.assertEqual(operation.billing_task_id.state, "failed")
        self.assertTrue(operation.service_task_id)

    def test_a_receiver_that_does_each_key_once_is_asked_by_repeating(self):
        self.panel.timeout_rule = "repeat"
        operation = self.set_up(3, (500, {}), (200, {}))
        self.assertEqual(self.receiver.methods, ["POST"] * 3)
        self.assertEqual(self.receiver.keys, [operation.key] * 3)
        self.assertEqual((operation.state, self.service.state), ("done", "active"))

    def test_without_any_way_to_ask_a_time_out_goes_to_a_person(self):
        self.panel.timeout_rule = "person"
        operation = self.set_up(3)
        self.assertEqual(operation.state, "unknown")
        self.assertEqual(self.receiver.methods, ["POST"])

    def test_redirects_are_not_followed(self):
        operation = self.set_up((302, {}, ("Location", self.receiver.url)))
        self.assertEqual((operation.state, len(self.receiver.requests)), ("failed", 1))

    def test_private_addresses_are_refused_unless_allowed(self):
        self.env["ir.config_parameter"].set_param(ALLOW, "False")
        operation = self.set_up((200, {}))
        self.assertEqual((operation.state, self.receiver.requests), ("failed", []))
        self.assertIn("private network", operation.service_task_id.description)

    def test_untrusted_certificates_are_refused_before_anything_is_sent(self):
        receiver = Receiver(certificate=self.enterContext(certificate()))
        self.addCleanup(receiver.close)
        self.panel.url = receiver.url
        operation = self.set_up()
        self.assertEqual((operation.state, receiver.requests), ("failed", []))
        self.assertIn("its certificate is not trusted, self-signed", operation.message)

    def test_addresses_that_make_no_sense_are_refused_when_typed_in(self):
        for url in (
            "ftp://example.com/",
            "example.com",
            "https://me:secret@example.com/",
            "https://example.com:99999/",
            "https://exa mple.com/",
        ):
            with self.assertRaises(ValidationError, msg=url), self.cr.savepoint():
                self.panel.url = url

    def test_an_operation_that_waits_in_the_queue_can_be_cancelled(self):
        operation = self.ask(self.service, "setup")
        self.assertEqual(operation.state, "processing")
        operation.with_user(self.accountant).action_cancel()
        self.assertEqual(operation.billing_task_id.state, "skipped")
        self.work(operation)
        self.assertEqual((operation.state, self.receiver.requests), ("cancelled", []))

    def test_what_was_done_but_cannot_be_applied_goes_to_a_person(self):
        service = self.active()
        self.receiver.answers = [(200, {})]
        operation = self.ask(service, "suspend", None, date(2025, 1, 1))
        self.work(operation)
        self.assertEqual((operation.state, service.state), ("failed", "active"))
        self.assertIn("starts on", operation.service_task_id.description)

    def test_the_secret_key_is_for_administrators_and_never_logged(self):
        for user in (self.accountant, self.manager):
            with self.assertRaises(AccessError):
                self.rpc(user, self.panel, "read", ["secret_key"])
            self.assertNotIn("secret_key", self.rpc(user, self.panel, "read")[0])
            with self.assertRaises(AccessError):
                self.rpc(user, self.panel, "action_new_secret_key")
        lines = []
        handler = logging.Handler(logging.DEBUG)
        handler.emit = lambda record: lines.append(record.getMessage())
        logging.getLogger().addHandler(handler)
        self.addCleanup(logging.getLogger().removeHandler, handler)
        operation = self.set_up((500, {}), (200, {}))
        lines += operation.billing_task_id.log_ids.mapped("message")
        lines += [json.dumps([operation.payload, operation.billing_task_id.parameters])]
        kept = "\n".join(lines)
        self.assertIn("HTTP 500", kept)
        self.assertNotIn(self.secret, kept)
        self.panel.action_new_secret_key()
        self.assertNotEqual(self.panel.secret_key, self.secret)
