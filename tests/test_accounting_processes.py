"""Workers that are killed around requests to Xero, and two at once: nothing is sent twice, and no login is
lost."""

import unittest

from .workers import Database, process_test
from .xero_server import XeroServer

COMMON = """
import time
from odoo.addons.billing_operations.tests.accounting_common import AccountingCase


class Data(AccountingCase):
    env = env


env["ir.config_parameter"].set_param("billing_operations_test.xero", url)
Data.make_provider()
Data.make_book()
connection = Data.make_connection("xero")
connection._own().write({"tenant_id": tenant, "tenant_name": "Xero"})
connection._secret().write(
    {"access_token": access, "refresh_token": refresh, "expires": time.time() + seconds}
)
for number in range(count):
    Data.make_invoice(10 + number)
item = env["accounting.export.item"]._own().create(
    {"connection_id": connection.id, "kind": "customer", "partner_id": Data.customer.id,
     "reference": "r1"}
)
item._set_state("sent", {"other_id": contact})
connection.with_user(Data.user).action_send_invoices()
if divided:
    # The same invoices in tasks beside each other, in other orders.
    ids = env["accounting.export.item"].search([("kind", "=", "invoice")]).ids
    for some in (ids[::-1], ids[len(ids) // 2 :], ids[::2]):
        env["billing.task"].enqueue(
            "accounting_invoices", connection, {"item_ids": some},
            exclusive_key=connection._exclusive_key(),
        )
    connection._enqueue_fetch()
env["billing.task.type"].search([]).write({"retry_delay": 0, "max_retries": 50})
env.cr.commit()
"""
AT_REST = """
    SELECT count(*) = 0 FROM billing_task AS task JOIN billing_task_type AS kind ON kind.id = type_id
     WHERE kind.code LIKE 'accounting%' AND task.state IN ('pending', 'running', 'error')
"""


@process_test
class TestAccountingProcesses(unittest.TestCase):
    COUNT = 60

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.enterClassContext(Database(test_addon=True))

    def setUp(self):
        super().setUp()
        self.xero = self.enterContext(XeroServer())
        self.database = self.enterContext(Database(test_addon="there", template=self.base.name))

    def prepare(self, seconds=1800, divided=False):
        """Invoices in the queue of a connection that is let in for so many seconds."""
        tokens = self.xero.let_in()
        self.database.script(
            COMMON,
            count=self.COUNT,
            url=self.xero.url,
            tenant=self.xero.tenant,
            access=tokens["access_token"],
            refresh=tokens["refresh_token"],
            contact=self.xero.add_contact(name="Alder Ltd").contact_id,
            seconds=seconds,
            divided=divided,
        )

    def work(self, workers=1, crash=None):
        environment = {}
        if crash:
            crashes = self.database.folder / "crash"
            crashes.mkdir()
            (crashes / crash).touch()
            environment = {"BILLING_OPERATIONS_CRASH_FOLDER": crashes}
        with self.database.workers(workers, environment) as running:
            running.wait_for(AT_REST, 240, each=running.tend)
        if crash:
            self.assertFalse(list(crashes.iterdir()), "it was killed")

    def check(self):
        """Each invoice is there once, and all are known to be."""
        numbers = self.xero.numbers()
        self.assertEqual((len(numbers), len(set(numbers))), (self.COUNT, self.COUNT))
        rows = self.database.execute(
            "SELECT state, count(*) FROM accounting_export_item WHERE kind = 'invoice' GROUP BY 1"
        )
        self.assertEqual(rows, [("sent", self.COUNT)])

    def puts(self):
        return [path for method, path, _key in self.xero.requests if method == "PUT"]

    def test_killed_before_the_request_it_is_asked_about_and_sent_once(self):
        self.prepare()
        self.work(crash="accounting_invoices:task.intent")
        self.check()
        self.assertEqual(len(self.puts()), 2)

    def test_killed_after_the_request_nothing_is_sent_twice(self):
        self.prepare()
        self.work(crash="accounting_invoices:task.called")
        self.check()
        self.assertEqual(len(self.puts()), 2)

    def test_killed_between_a_new_token_and_its_keeping_the_login_holds(self):
        self.prepare(seconds=0)
        self.work(crash="accounting_invoices:task.called")
        self.check()
        # The newest: the demo has connections too.
        [state] = self.database.execute(
            "SELECT state FROM accounting_export_connection ORDER BY id DESC LIMIT 1"
        )
        self.assertEqual(state, ("active",))
        tokens = [path for method, path, _key in self.xero.requests if path.endswith("token")]
        self.assertEqual(len(tokens), 2)

    def test_two_workers_renew_a_token_once_and_send_nothing_twice(self):
        self.xero.grace = False
        self.prepare(seconds=0, divided=True)
        self.work(workers=2)
        self.check()
        tokens = [path for method, path, _key in self.xero.requests if path.endswith("token")]
        self.assertEqual(len(tokens), 1)
        self.assertEqual(self.xero.most_busy, 1)
