"""A webhook module of the tests' company, whose other side is a real HTTP server."""

import hashlib
import hmac

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
