"""Webhook modules against a real HTTP server, and its callbacks to ours."""

import hashlib
import hmac
import json
import logging
import socket
import time
from datetime import date

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .service_task_common import ServiceTaskCase
from .web_receiver import Receiver

ALLOW = "billing_operations.webhook_allow_private"


class WebhookCase(ServiceTaskCase):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.panel = self.make_webhook(self.receiver.url, timeout=1)
        self.secret = self.panel.secret_key
        self.env["ir.config_parameter"].set_param(ALLOW, "True")
        self.task_type = self.env.ref("billing_operations.billing_task_type_service_operation")
        self.task_type.write({"retry_delay": 0, "max_retries": 2})
        self.service = self.order(name="alder.example")

    def set_up(self, *answers):
        """Ask for the set-up, let the receiver answer so, and return the operation."""
        self.receiver.answers = list(answers)
        operation = self.ask(self.service, "setup")
        self.work(operation)
        return operation

    @mute_logger("odoo.addons.billing_operations.billing_tasks.models.billing_task_attempt")
    def work(self, operation):
        """Run what the queue has for the operation."""
        self.env["billing.task"]._run_inline(
            domain=[("res_model", "=", operation._name), ("res_id", "=", operation.id)]
        )
        operation.invalidate_recordset()

    def sign(self, timestamp, body, secret=None):
        message = f"{timestamp}.".encode() + body
        key = (secret or self.secret).encode()
        return "sha256=" + hmac.new(key, message, hashlib.sha256).hexdigest()


@tagged("post_install", "-at_install")
class TestWebhook(WebhookCase):
    def test_a_signed_request_says_what_to_do_and_success_applies_it(self):
        operation = self.set_up((200, {"message": "ok", "parameters": {"php": 4, "evil": 1}}))
        self.assertEqual((operation.state, self.service.state), ("done", "active"))
        self.assertEqual(self.service.date_start, date(2026, 1, 1))
        self.assertEqual(self.service._parameter_values()["php"], 4)
        self.assertEqual(operation.billing_task_id.state, "completed")
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
        receiver = Receiver(certificate=self.make_certificate())
        self.addCleanup(receiver.close)
        self.panel.url = receiver.url
        operation = self.set_up()
        self.assertEqual((operation.state, receiver.requests), ("failed", []))
        self.assertIn("certificate", operation.message.lower())

    def make_certificate(self):
        """Write a self-signed certificate with its key and return the file's name."""
        import tempfile
        from datetime import datetime, timedelta

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        now = datetime.now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        file = tempfile.NamedTemporaryFile(suffix=".pem")
        self.addCleanup(file.close)
        pem = serialization.Encoding.PEM
        file.write(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(pem)
        )
        file.flush()
        return file.name

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
            (404, {"operation": "nothing", "state": "done"}),
        ):
            self.assertEqual(self.call_back(said), status, said)
        self.assertEqual(self.operation.state, "processing")

    def test_another_modules_operation_is_out_of_reach(self):
        other = self.make_webhook(self.receiver.url, name="Other")
        self.secret = other.secret_key
        self.assertEqual(self.call_back(module=other.id), 404)
        self.assertEqual(self.operation.state, "processing")

    def test_a_reported_failure_makes_a_service_task(self):
        said = {"operation": self.operation.key, "state": "failed", "message": "no capacity"}
        self.assertEqual(self.call_back(said), 200)
        self.assertEqual((self.operation.state, self.service.state), ("failed", "ordered"))
        self.assertIn("no capacity", self.operation.service_task_id.description)

    def test_a_callback_that_never_comes_is_handed_to_a_person_and_may_still_come(self):
        self.operation._unguarded().accepted_date = "2026-01-01 00:00:00"
        self.env["service.operation"]._cron_run_due()
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


@tagged("post_install", "-at_install")
class TestPortal(ServiceTaskCase, HttpCase):
    """The page behind the link in the opening mail."""

    def setUp(self):
        super().setUp()
        self.service = self.active(name="alder.example")
        self.service.parameters = {"domain": "alder.example"}
        self.env["billing.service.secret"].create(
            {"service_id": self.service.id, "name": "root", "value": "hunter2"}
        )
        self.path = f"/my/services/{self.service.id}"

    def page(self, path=None):
        self.env.flush_all()
        return self.url_open(path or self.path)

    def portal_user(self, login, partner):
        user = self.env["res.users"].create(
            {
                "name": login,
                "login": login,
                "password": login,
                "partner_id": partner.id,
                "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)],
                "company_id": self.company.id,
                "company_ids": [(6, 0, self.company.ids)],
            }
        )
        return user

    def test_the_customer_sees_settings_and_passwords(self):
        self.portal_user("own_customer", self.customer)
        self.authenticate("own_customer", "own_customer")
        page = self.page()
        self.assertIn("hunter2", page.text)
        self.assertIn("alder.example", page.text)
        self.assertEqual(page.headers["Cache-Control"], "no-store")

    def test_others_do_not(self):
        self.portal_user("other_customer", self.make_customer("Other"))
        for login in (None, "other_customer", "member", "accountant", "task_manager"):
            self.authenticate(login, login)
            page = self.page()
            self.assertNotIn("hunter2", page.text, login)
            self.assertNotIn(self.path, page.url.partition("?")[0])

    def test_the_link_opens_it_for_a_while(self):
        link = self.service._make_portal_link()
        self.authenticate(None, None)
        path = link[link.index("/my/") :]
        self.assertIn("hunter2", self.page(path).text)
        self.assertNotIn("hunter2", self.page(self.path + "?token=wrong").text)
        self.service.portal_link_until = "2026-01-01"
        self.assertNotIn("hunter2", self.page(path).text)
