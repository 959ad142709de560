"""A company that sends its invoices to an accounting software, and builders for what it sends."""

import time
from contextlib import contextmanager
from datetime import date
from unittest.mock import patch

from odoo.fields import Command

from ..accounting_export.xero_client import Hosts
from .common import BillingCase
from .xero_server import CLIENT, SECRET, XeroServer

TASKS = (
    "accounting_connect",
    "accounting_check",
    "accounting_customers",
    "accounting_invoices",
    "accounting_payments",
    "accounting_compare",
    "accounting_book",
    "accounting_file",
)


class AccountingCase(BillingCase):
    """A company with an income account, a tax and a bank that are mapped, and a customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_book()

    @classmethod
    def make_book(cls):
        """Make people, a customer and what is mapped."""
        cls.user = cls.make_user("export_user", "billing_operations.group_billing_user")
        cls.manager = cls.make_user("export_manager", "billing_operations.group_billing_manager")
        cls.administrator = cls.make_user(
            "export_admin", "billing_operations.group_billing_administrator"
        )
        cls.customer = cls.make_customer("Alder Ltd", ref="C1", email="info@alder.example")
        accounts = cls.env["account.account"].with_company(cls.company)
        cls.income = accounts.create(
            {
                "code": "411100",
                "name": "Hosting Sales",
                "account_type": "income",
                "company_ids": [Command.set(cls.company.ids)],
            }
        )
        cls.product.with_company(cls.company).property_account_income_id = cls.income
        cls.bank = cls.env["account.journal"].search(
            [("company_id", "=", cls.company.id), ("type", "=", "bank")], limit=1
        )
        cls.env["billing.task"].search([]).unlink()

    @classmethod
    def make_connection(cls, kind="csv", active=True, mapped=True, **values):
        """Return a connection of the company, which works unless said otherwise."""
        values = {"name": kind.upper(), "kind": kind, "date_from": date(2026, 1, 1), **values}
        if kind == "xero":
            values = {"client_id": CLIENT, "client_secret": SECRET, **values}
        connection = cls.env["accounting.export.connection"].create(values)
        if mapped:
            cls.map(connection, "account", account_id=cls.income.id, code="200")
            cls.map(connection, "tax", tax_id=cls.tax.id, code="OUTPUT2")
            cls.map(connection, "tax", code="NONE")
            cls.map(connection, "journal", journal_id=cls.bank.id, code="090")
        if active:
            connection._set_state("active")
        return connection

    @classmethod
    def map(cls, connection, kind, **values):
        """Return a mapping of a connection."""
        return cls.env["accounting.export.mapping"].create(
            {"connection_id": connection.id, "kind": kind, **values}
        )

    @classmethod
    def make_invoice(cls, *amounts, partner=None, refund=False, post=True, tax=True, **values):
        """Return a posted invoice with a line for each amount."""
        move = cls.env["account.move"].create(
            {
                "move_type": "out_refund" if refund else "out_invoice",
                "partner_id": (partner or cls.customer).id,
                "invoice_date": date(2026, 2, 1),
                "invoice_date_due": date(2026, 3, 1),
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": cls.product.id,
                            "name": f"Line of {amount}",
                            "price_unit": amount,
                            "tax_ids": [Command.set(cls.tax.ids if tax else [])],
                        }
                    )
                    for amount in amounts or (100.0,)
                ],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    @classmethod
    def work(cls, limit=200):
        """Do all tasks about accounting here and now."""
        done = cls.env["billing.task"]._run_inline(
            domain=[("type_id.code", "in", TASKS)], limit=limit
        )
        cls.env.invalidate_all()
        return done

    def items(self, *kinds):
        """Return the items of some kinds, in the order in which they were made."""
        domain = [("company_id", "=", self.company.id)]
        if kinds:
            domain.append(("kind", "in", kinds))
        return self.env["accounting.export.item"].search(domain, order="id")

    def states(self, *kinds):
        return self.items(*kinds).mapped("state")

    def tasks(self, code):
        return self.env["billing.task"].search([("type_id.code", "=", code)], order="id")

    def hurry(self):
        """Make everything due that waits, as if time had passed."""
        self.env["billing.task"].search([("state", "in", ("pending", "error"))]).write(
            {"delay_date": "2020-01-01 00:00:00"}
        )
        for connection in self.env["accounting.export.connection"].search([]):
            connection._own().write({"paused_until": False})
            secret = connection._secret()
            usage = secret.usage or {}
            secret.usage = {"minute": [], "hours": usage.get("hours", {})}


class XeroCase(AccountingCase):
    """A connection to Xero's stand-in on this machine, with one that is let in."""

    def setUp(self):
        super().setUp()
        self.xero = self.enterContext(XeroServer())
        hosts = Hosts(
            login=f"{self.xero.url}/authorize",
            token=f"{self.xero.url}/connect/token",
            api=self.xero.url,
        )
        self.enterContext(
            patch.object(
                self.env.registry["accounting.export.connection"],
                "_xero_hosts",
                lambda connection: hosts,
            )
        )
        self.connection = self.make_connection("xero")
        self.connection._own().write(
            {"tenant_id": self.xero.tenant, "tenant_name": "Provider Ltd in Xero"}
        )
        self.let_in()

    def let_in(self, **values):
        """Give the connection tokens, as if somebody had logged in."""
        tokens = self.xero.let_in()
        self.connection._secret().write(
            {
                "access_token": tokens["access_token"],
                "refresh_token": tokens["refresh_token"],
                "expires": time.time() + 1800,
                **values,
            }
        )

    def send_customers(self, user=None):
        self.connection.with_user(user or self.user).action_send_customers()
        self.work()

    def send_invoices(self, user=None):
        self.connection.with_user(user or self.user).action_send_invoices()
        self.work()

    def send_all(self):
        """Send all customers and documents."""
        self.send_customers()
        self.send_invoices()

    def fetch(self):
        self.connection.with_user(self.user).action_fetch_payments()
        self.work()

    def paths(self, method=None):
        """Return the last parts of what was asked for, in order."""
        return [
            path.rsplit("/", 1)[-1]
            for asked, path, _key in self.xero.requests
            if method in (None, asked)
        ]

    @contextmanager
    def asked(self):
        """Yield a list, filled with what is asked for meanwhile."""
        before = len(self.xero.requests)
        found = []
        yield found
        found += [
            f"{method} {path.rsplit('/', 1)[-1]}"
            for method, path, _key in self.xero.requests[before:]
        ]
