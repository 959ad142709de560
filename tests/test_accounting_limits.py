"""Xero's limits of calls, its tokens that end, and servers that are not reached."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..accounting_export import xero_client
from .accounting_common import XeroCase


@tagged("post_install", "-at_install")
class TestLimits(XeroCase):
    def setUp(self):
        super().setUp()
        self.make_invoice()
        self.send_customers()

    def test_a_limit_that_is_reached_is_waited_for_as_long_as_xero_says(self):
        self.xero.fault("Invoices", "limit")
        self.send_invoices()
        [task] = self.tasks("accounting_invoices")
        self.assertEqual((task.state, task.retry_count, task.error_code), ("error", 0, "postponed"))
        self.assertEqual(self.states("invoice"), ["waiting"])
        seconds = (task.delay_date - fields.Datetime.now()).total_seconds()
        self.assertTrue(3 < seconds < 8, seconds)
        self.assertIn("limit of calls a minute", task.error_message)
        with self.asked() as asked:
            self.work()
        self.assertEqual(asked, [])
        self.hurry()
        self.work()
        self.assertEqual((self.states("invoice"), len(self.xero.numbers())), (["sent"], 1))

    def test_the_limit_of_a_day_waits_for_hours(self):
        self.xero.fault("Invoices", "day")
        self.send_invoices()
        [task] = self.tasks("accounting_invoices")
        self.assertGreater(task.delay_date, fields.Datetime.now() + timedelta(hours=11))
        self.assertIn("limit of calls a day", self.connection.problem)

    def test_our_own_count_keeps_the_limit_before_xero_has_to(self):
        self.connection.calls_per_minute = 3
        for number in range(120):
            self.make_invoice(number + 1)
        self.hurry()
        with self.asked() as asked:
            self.send_invoices()
        self.assertLessEqual(len(asked), 3)
        task = self.tasks("accounting_invoices")
        for _minute in range(3):
            self.hurry()
            self.work()
        self.assertEqual(task.state, "completed")
        self.assertEqual(len(self.xero.numbers()), 121)
        self.assertFalse([a for a in asked if a != "PUT Invoices"])

    def test_a_server_that_is_not_reached_loses_nothing(self):
        with patch.object(
            type(self.connection),
            "_xero_hosts",
            lambda connection: xero_client.Hosts(
                token="http://127.0.0.1:9/t", api="http://127.0.0.1:9"
            ),
        ):
            self.send_invoices()
        self.assertEqual(self.states("invoice"), ["waiting"])
        self.assertIn("not reached", self.tasks("accounting_invoices").error_message)
        self.hurry()
        self.work()
        self.assertEqual(self.states("invoice"), ["sent"])

    def test_an_organisation_that_is_offline_is_asked_again(self):
        self.xero.fault("Invoices", 503)
        self.send_invoices()
        self.assertEqual(self.states("invoice"), ["waiting"])
        self.hurry()
        self.work()
        self.assertEqual(len(self.xero.numbers()), 1)


@tagged("post_install", "-at_install")
class TestTokens(XeroCase):
    def setUp(self):
        super().setUp()
        self.make_invoice()

    def secret(self):
        secret = self.connection._secret()
        secret.invalidate_recordset()
        return secret

    def test_a_token_that_ends_is_renewed_before_anything_is_sent(self):
        before = self.secret().refresh_token
        self.secret().expires = 0
        with self.asked() as asked:
            self.send_customers()
        self.assertEqual(asked, ["POST token", "GET Contacts", "PUT Contacts"])
        self.assertNotEqual(self.secret().refresh_token, before)
        self.assertEqual(self.states("customer"), ["sent"])

    def test_a_token_that_xero_ended_early_is_renewed_once(self):
        self.xero.expire()
        with self.asked() as asked:
            self.send_customers()
        self.assertEqual(asked, ["GET Contacts", "POST token", "GET Contacts", "PUT Contacts"])

    def test_a_renewal_that_fails_in_the_middle_loses_nothing(self):
        for fault in ("drop_after", "500_after", "drop_before", 503):
            with self.subTest(fault=fault):
                self.make_invoice(partner=self.make_customer(f"Customer {fault}"))
                self.secret().expires = 0
                self.xero.fault("token", fault, "POST")
                self.send_customers()
                self.assertIn("waiting", self.states("customer"))
                self.hurry()
                self.work()
                self.assertEqual(set(self.states("customer")), {"sent"})
        self.assertEqual(self.connection.state, "active")
        self.assertEqual(len(self.xero.contacts), 5)

    def test_a_login_that_is_over_breaks_the_connection_and_keeps_what_waits(self):
        self.xero.refresh.clear()
        self.secret().expires = 0
        self.send_customers()
        self.assertEqual(self.connection.state, "broken")
        self.assertEqual(self.states("customer"), ["waiting"])
        self.assertEqual(self.tasks("accounting_check").state, "failed")
        self.assertIn("Connect again", self.tasks("accounting_check").error_message)
        with self.assertRaises(UserError) as caught:
            self.send_customers()
        self.assertIn("An administrator has to connect again", str(caught.exception))
        # Logged in again, all goes on.
        self.let_in()
        self.connection._set_state("active")
        self.send_customers()
        self.assertEqual(self.states("customer"), ["sent"])

    def test_an_organisation_that_is_closed_to_us_breaks_the_connection(self):
        self.xero.tenant = "other"
        self.send_customers()
        self.assertEqual(self.connection.state, "broken")
        self.assertIn("does not let us in", self.connection.problem)

    def test_a_custom_connection_asks_for_a_token_of_its_own(self):
        self.connection.grant = "client"
        self.secret().write({"access_token": False, "refresh_token": False, "expires": 0})
        with self.asked() as asked:
            self.send_customers()
        self.assertEqual(asked, ["POST token", "GET Contacts", "PUT Contacts"])
        self.assertFalse(self.secret().refresh_token)

    def test_tokens_are_in_no_log_task_or_message(self):
        self.secret().expires = 0
        self.send_customers()
        secret = self.secret()
        texts = self.tasks("accounting_check").log_ids.mapped("message")
        texts += [
            str(task.parameters) + str(task.result) for task in self.env["billing.task"].search([])
        ]
        texts += self.connection.message_ids.mapped("body")
        for value in (secret.access_token, secret.refresh_token, secret.client_secret):
            self.assertTrue(value)
            self.assertFalse([text for text in texts if value in str(text)])

    def test_without_the_package_it_says_what_to_install(self):
        names = "odoo.addons.billing_operations.accounting_export"
        with (
            patch(f"{names}.models.accounting_export_connection.is_installed", lambda: False),
            patch(f"{names}.models.accounting_export_connection_task.is_installed", lambda: False),
        ):
            self.connection.invalidate_recordset()
            with self.assertRaises(UserError) as caught:
                self.send_customers()
            self.assertIn("pip install xero-python==15.2.0", str(caught.exception))
            self.assertIn("pip install", self.connection.package_problem)
