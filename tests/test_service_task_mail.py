"""What became of the mails of service tasks, told where people look, against a real mail server."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .service_task_common import ServiceTaskCase
from .smtp_server import smtp_server

MAIL_LOGGER = "odoo.addons.mail.models.mail_mail"


@tagged("post_install", "-at_install")
class TestServiceTaskMail(ServiceTaskCase):
    def setUp(self):
        super().setUp()
        self.company.email = "billing@provider.example"
        # What demo data or other packages have queued is not these tests' business.
        queued = self.env["mail.mail"].sudo().search([("state", "=", "outgoing")])
        queued.write({"state": "cancel"})
        self.service = self.order(name="mail.example")
        self.service.parameters = {"domain": "mail.example"}
        self.operation = self.ask(self.service, "setup")
        self.task = self.task_of(self.operation, self.member)

    @contextmanager
    def mail_server(self, **options):
        """A real server on the loopback that takes Odoo's mails; Odoo sends nothing in tests
        unless told so."""
        with smtp_server(**options) as inbox:
            self.env["ir.mail_server"].search([]).active = False
            self.server = self.env["ir.mail_server"].create(
                {"name": "Test", "smtp_host": "127.0.0.1", "smtp_port": inbox.port}
            )
            registry = self.env.registry["ir.mail_server"]
            with patch.object(registry, "_disable_send", lambda x: False):
                yield inbox

    def send(self):
        """Send what is queued, as Odoo's scheduled action does."""
        self.env.flush_all()
        with mute_logger(MAIL_LOGGER):
            mails = self.env["mail.mail"].sudo().search([("state", "=", "outgoing")])
            mails.send(auto_commit=False)

    def histories(self):
        return self.task.sudo().message_ids[0].body, self.service.message_ids[0].body

    def test_an_opening_mail_that_the_server_refuses_says_so_on_task_operation_and_service(self):
        with self.mail_server(refused=["customer@example.com"]) as inbox:
            self.task.action_close()
            self.assertEqual(self.operation.opening_mail_state, "queued")
            self.send()
        self.assertFalse(inbox.recipients())
        self.assertEqual(self.operation.opening_mail_state, "failed")
        for text in (self.operation.opening_mail_problem, self.task.opening_mail_problem):
            self.assertIn("did not take the e-mail to", text)
            self.assertIn("550 5.1.1 no such user here. Correct the address", text)
        for body in self.histories():
            self.assertIn("did not leave", body)
            self.assertNotIn("access_token", body)
        found = self.env["service.task"].search([("opening_mail_state", "=", "failed")])
        self.assertIn(self.task.sudo(), found)

    def test_a_mail_server_that_does_not_answer_is_named(self):
        with self.mail_server():
            self.server.smtp_port = 1
            self.task.action_close()
            self.send()
        self.assertIn(
            "No outgoing mail server answers at 127.0.0.1:1 (", self.task.opening_mail_problem
        )
        self.assertIn("Settings → General Settings", self.task.opening_mail_problem)

    def test_an_opening_mail_that_left_says_so(self):
        with self.mail_server() as inbox:
            self.task.action_close()
            self.send()
        self.assertEqual(inbox.recipients(), ["customer@example.com"])
        self.assertEqual(self.task.opening_mail_state, "sent")
        self.assertFalse(self.task.opening_mail_problem)
        for body in self.histories():
            self.assertIn("was sent", body)

    def test_a_failed_opening_mail_is_sent_again_once(self):
        with self.mail_server(refused=["customer@example.com"]) as inbox:
            self.task.action_close()
            with self.assertRaisesRegex(UserError, "did not leave"):
                self.task.action_send_opening_mail_again()
            self.send()
            inbox.refused.clear()
            failed = self.operation.opening_mail_id
            with self.assertRaises(AccessError):
                self.task.with_user(self.stranger).action_send_opening_mail_again()
            self.task.action_send_opening_mail_again()
            self.assertFalse(failed.exists())
            self.send()
            self.send()
        self.assertEqual(inbox.recipients(), ["customer@example.com"])
        self.assertEqual(self.operation.opening_mail_state, "sent")

    def test_an_accountant_sends_it_again_from_the_operation(self):
        with self.mail_server(refused=["customer@example.com"]) as inbox:
            self.task.action_close()
            self.send()
            inbox.refused.clear()
            self.operation.with_user(self.accountant).action_send_opening_mail_again()
            self.send()
        self.assertEqual(inbox.recipients(), ["customer@example.com"])

    def test_a_digest_that_did_not_leave_keeps_why(self):
        self.operations.manager_id = self.boss.employee_ids
        self.task.sudo()._set_deadline("2020-01-01 00:00:00")
        with self.mail_server(refused=["boss@example.com"]):
            self.env["service.task.digest"]._send(self.company, self.task.sudo())
            self.send()
        digest = self.env["service.task.digest"].search([("company_id", "=", self.company.id)])
        self.assertIn("did not take the e-mail to", digest.mail_problem)
