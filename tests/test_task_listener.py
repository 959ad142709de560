"""How a waiting worker hears of new tasks."""

from unittest.mock import patch

from psycopg2.pool import PoolError

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import TransactionCase, tagged

from ..billing_tasks.listener import Listener, announce
from ..billing_tasks.models.billing_task_queue import BillingTask

LISTENING = "SELECT count(*) FROM pg_listening_channels()"


@tagged("post_install", "-at_install")
class TestListener(TransactionCase):
    def setUp(self):
        super().setUp()
        self.listener = Listener(self.registry)
        self.addCleanup(self.listener.close)
        self.assertEqual(self.listener.wait(0), 0)

    def test_tasks_are_heard_of_once_they_are_committed(self):
        with self.registry.cursor() as cr:
            announce(cr)
            self.assertEqual(self.listener.wait(0.01), 0.01)
        self.assertLess(self.listener.wait(60), 60)
        self.assertEqual(self.listener.wait(0.01), 0.01, "heard of them once")

    def test_whoever_wakes_the_workers_is_heard_by_those_that_wait(self):
        with (
            self.registry.cursor() as cr,
            patch.object(BillingTask, "_worker_count", return_value=0),
        ):
            api.Environment(cr, SUPERUSER_ID, {})["billing.task"]._wake_workers()
        self.assertLess(self.listener.wait(60), 60)

    def test_a_worker_that_lost_its_connection_waits_all_the_same(self):
        pid = self.listener.cr.connection.info.backend_pid
        self.env.cr.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        for _time in range(2):
            self.assertEqual(self.listener.wait(0.01), 0.01)
        self.assertIsNone(self.listener.cr)

    def test_without_a_connection_it_waits_all_the_same_and_says_so_once(self):
        listener = Listener(self.registry)
        with (
            patch.object(Registry, "cursor", side_effect=PoolError("full")),
            self.assertLogs("odoo.addons.billing_operations.billing_tasks.listener") as logs,
        ):
            for _time in range(2):
                self.assertEqual(listener.wait(0.01), 0.01)
        self.assertEqual(len(logs.output), 1)

    def test_a_connection_that_is_given_back_does_not_listen_any_more(self):
        connection = self.listener.cr.connection
        self.listener.close()
        with connection.cursor() as cr:
            cr.execute(LISTENING)
            self.assertEqual(cr.fetchone(), (0,))
        connection.rollback()
        self.listener.close()
