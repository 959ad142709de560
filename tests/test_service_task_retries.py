"""Operations that software cannot carry out: said on the service, and given to staff at once."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .webhook_common import WebhookCase


@tagged("post_install", "-at_install")
class TestGivenToStaff(WebhookCase):
    def unreachable(self):
        """Return an operation whose other side cannot be reached, after its first try."""
        self.task_type.write({"retry_delay": 60, "max_retries": 5})
        self.panel.url = "http://127.0.0.1:1/hook"
        operation = self.ask(self.service, "setup")
        self.work(operation)
        self.assertEqual(
            (operation.state, operation.billing_task_id.state), ("processing", "error")
        )
        return operation

    def test_a_webhook_that_cannot_be_reached_is_shown_on_the_service_with_its_error(self):
        operation = self.unreachable()
        service = self.service.with_user(self.accountant)
        self.assertIn("Tried once, next at ", service.operation_problem)
        self.assertIn("no connection to 127.0.0.1", service.operation_problem)
        operation.billing_task_id._requeue()
        self.panel.url = self.receiver.url
        self.receiver.answers = [(200, {})]
        self.work(operation)
        service.invalidate_recordset()
        self.assertFalse(service.operation_problem)

    def test_staff_gets_at_once_what_software_cannot_do(self):
        operation = self.unreachable()
        self.service.with_user(self.accountant).action_give_to_staff()
        self.assertEqual((operation.state, operation.billing_task_id.state), ("failed", "skipped"))
        task = operation.service_task_id
        self.assertEqual((task.state, task.department_id), ("new", self.hosting))
        self.assertIn("Given to staff by", operation.message)
        self.assertIn("no connection to 127.0.0.1", operation.message)
        self.close(operation)
        self.assertEqual((operation.state, self.service.state), ("done", "active"))

    def test_what_may_have_arrived_is_given_to_staff_as_unknown(self):
        operation = self.set_up((202, {}))
        self.assertTrue(operation.accepted_date)
        operation.with_user(self.accountant).action_give_to_staff()
        self.assertEqual(operation.state, "unknown")
        self.assertTrue(operation.service_task_id)

    def test_not_while_it_is_being_tried_and_not_twice(self):
        operation = self.unreachable()
        task = operation.billing_task_id
        task._set_state("running", {"attempt_token": "t"})
        with self.assertRaisesRegex(UserError, "at this moment"):
            operation.with_user(self.accountant).action_give_to_staff()
        task._fail_attempt(UserError("No"))
        operation.with_user(self.accountant).action_give_to_staff()
        with self.assertRaisesRegex(UserError, "not with software"):
            operation.with_user(self.accountant).action_give_to_staff()

    def test_who_may_not_change_services_may_not(self):
        operation = self.unreachable()
        for record in (operation, self.service):
            with self.assertRaises(AccessError):
                record.with_user(self.member).action_give_to_staff()

    def test_six_tries_are_shown_as_six(self):
        self.task_type.write({"retry_delay": 0, "max_retries": 5})
        self.panel.url = "http://127.0.0.1:1/hook"
        operation = self.ask(self.service, "setup")
        self.work(operation)
        task = operation.billing_task_id
        self.assertEqual((task.state, task.attempt_count, task.retry_count), ("failed", 6, 5))
        task._requeue()
        self.assertEqual((task.attempt_count, task.retry_count), (6, 0))
