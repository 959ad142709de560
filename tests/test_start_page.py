"""The start page: what it shows to whom, that every figure opens what it counts, and its cost."""

import json
from datetime import date, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from ..billing_tasks.start_entry import StartEntry, count
from .service_task_common import ServiceTaskCase

RUNS = ("runs_waiting", "runs_at_work", "exceptions", "invoiced", "unbilled", "wallets")


class StartPageCase(ServiceTaskCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What demo data or other packages left waiting is not these tests' business.
        cls.env.cr.execute("DELETE FROM billing_task")
        cls.watcher = cls.make_user("start_watcher", "billing_operations.group_billing_tasks")
        cls.clerk = cls.make_user("start_clerk", None)

    def make_business(self):
        """One run posted with a bill in error, one that waits, tasks of every kind."""
        self.scheme.alignment = "calendar"
        retired = self.make_product("Retired")
        old = self.make_tariff(self.scheme, product_id=retired.id)
        today = fields.Date.context_today(self.env["account.move"])
        first = today.replace(day=1)
        self.make_service(self.make_customer("Ms Fine"), self.tariff, start=first)
        self.make_service(self.make_customer("Ms Behind"), old, start=first)
        cycle = self.make_cycle(self.scheme)
        retired.active = False
        self.billed = self.make_run(cycle, first)
        self.billed._execute("posting")
        self.pending = self.make_run(cycle, today + timedelta(days=40))
        self.operation = self.ask(self.order(name="new.example"), "setup")
        self.env["billing.task.type"].create(
            {"name": "Start work", "code": "start_work", "max_retries": 0, "retry_delay": 0}
        )
        task = self.env["billing.task"].enqueue("start_work", self.pending)
        task.write({"state": "running", "attempt_token": "t"})
        task._fail_attempt(ValueError("The file is broken"), 0.5)

    def page(self, user=None, **context):
        page = self.env["billing.start"].with_user(user or self.manager)
        shown = page.with_context(**context).get_start_page()
        return json.loads(json.dumps(shown))

    def entry(self, code, user=None, **context):
        entries = {entry["code"]: entry for entry in self.page(user, **context)["entries"]}
        return entries[code]

    def cells(self, entry, column=1):
        """{first cell: text of another}"""
        return {row[0]: self.text(row[column]) for row in entry["rows"]}

    @staticmethod
    def text(cell):
        return cell["text"] if isinstance(cell, dict) else cell


@tagged("post_install", "-at_install")
class TestStartPage(StartPageCase):
    def test_the_page_says_what_waits_is_at_work_failed_and_was_earned(self):
        self.make_business()
        page = self.page()
        self.assertFalse(page["welcome"])
        self.assertEqual(
            [entry["code"] for entry in page["entries"]],
            [
                *RUNS[:3],
                "failed_tasks",
                "payment_runs",
                "overdue_notices",
                "accounting",
                "service_tasks",
                *RUNS[3:5],
                "collected",
                "overdue_invoices",
                *RUNS[5:],
            ],
        )
        self.assertEqual(
            self.cells(self.entry("runs_waiting")),
            {"Prepare and request": "1", "Continue after a stage": "1"},
        )
        self.assertEqual(self.cells(self.entry("exceptions")), {"Product archived": "1"})
        self.assertEqual(list(self.cells(self.entry("failed_tasks")).values()), ["1"])
        self.assertEqual(self.cells(self.entry("service_tasks")), {"Hosting": "1"})
        self.assertEqual(list(self.cells(self.entry("invoiced"), 2).values()), ["$\xa030.00"])

    def test_every_figure_opens_exactly_what_it_counts(self):
        self.make_business()
        seen = 0
        for user in (self.manager, self.accountant, self.member, self.watcher):
            for entry in self.page(user)["entries"]:
                for row in entry["rows"]:
                    for cell in row:
                        if isinstance(cell, dict):
                            self.check_figure(cell, user)
                            seen += 1
        self.assertGreater(seen, 12)

    def check_figure(self, cell, user):
        action = cell["action"]
        found = self.env[action["res_model"]].with_user(user).search(action["domain"])
        if cell["text"].isdecimal():
            self.assertEqual(len(found), int(cell["text"]), action["name"])
            return
        field = {
            "billing.charge": "amount",
            "account.move": "amount_untaxed_in_currency_signed",
            "billing.wallet": "balance",
        }[action["res_model"]]
        total = found.currency_id.format(sum(found.mapped(field)))
        self.assertEqual(cell["text"], total, action["name"])

    def test_wallets_stand_by_currency_with_those_that_are_low_or_empty(self):
        for number, (paid, spent) in enumerate(((50, 0), (50, 48), (50, 50))):
            partner = self.make_customer(f"Prepaid {number}")
            wallet = self.env["billing.wallet"].create({"partner_id": partner.id})
            wallet.low_balance = 5
            wallet._credit(paid, "Top-up")
            if spent:
                wallet._reimburse(spent, "Leaves us")
        entry = self.entry("wallets")
        self.assertEqual(
            [self.text(cell) for cell in entry["rows"][0]],
            ["USD", "3", "$\xa052.00", "2", "1"],
        )
        for cell in entry["rows"][0][1:]:
            self.check_figure(cell, self.accountant)

    def test_unbilled_charges_stand_by_currency(self):
        charges = self.env["billing.charge"]
        for code, amount in (("USD", 10), ("EUR", 5), ("EUR", 2.5)):
            currency = self.env.ref(f"base.{code}")
            currency.active = True
            row = charges._adjustment_row(
                self.customer,
                self.env["billing.service"],
                self.product,
                date(2026, 1, 1),
                amount,
                "Extra work",
                "Asked for",
            )
            of = {"company_id": self.company.id, "currency_id": currency.id}
            charges._insert_rows([row | of])
        entry = self.entry("unbilled")
        self.assertEqual(self.cells(entry), {"EUR": "2", "USD": "1"})
        self.assertEqual(self.cells(entry, 2), {"EUR": "7.50\xa0€", "USD": "$\xa010.00"})

    def test_a_run_is_at_work_until_it_rests_or_is_stopped(self):
        run = self.make_run(self.make_cycle(self.scheme))
        run._request("invoicing", fields.Datetime.now() + timedelta(days=1))
        self.assertEqual(self.cells(self.entry("runs_at_work")), {"Begins later": "1"})
        run._own().write({"scheduled_date": False})
        self.assertEqual(self.cells(self.entry("runs_at_work")), {"Waiting for a worker": "1"})
        run._set_state("running")
        self.assertEqual(self.cells(self.entry("runs_at_work")), {"Being produced": "1"})
        run._set_state("requested", {"stage": "invoicing"})
        self.assertTrue(run._waits())
        self.assertEqual(self.entry("runs_at_work")["rows"], [])
        self.assertEqual(self.cells(self.entry("runs_waiting")), {"Continue after a stage": "1"})
        run._own().write({"stop_reason": "Too much", "stage": "rating"})
        self.assertTrue(run._waits())
        self.assertEqual(self.cells(self.entry("runs_waiting")), {"Stopped by a limit": "1"})

    def test_service_tasks_stand_by_department_and_age(self):
        tasks = [
            self.ask(self.order(name=f"{days}.example"), "setup").service_task_id
            for days in (0, 3, 30)
        ]
        tasks[2].sudo()._own().write({"department_id": self.telephony.id})
        for task, days in zip(tasks, (0, 3, 30), strict=True):
            self.env.cr.execute(
                "UPDATE service_task SET create_date = create_date - make_interval(days => %s),"
                " deadline = now() AT TIME ZONE 'UTC' + interval '1 day' WHERE id = %s",
                (days, task.id),
            )
        self.env.invalidate_all()
        tasks[2].sudo()._own().write({"deadline": fields.Datetime.now() - timedelta(days=1)})
        rows = [[self.text(cell) for cell in row] for row in self.entry("service_tasks")["rows"]]
        self.assertEqual(
            rows, [["Hosting", "2", "1", "1", "0", "0"], ["Telephony", "1", "0", "0", "1", "1"]]
        )

    def test_everybody_sees_what_is_theirs_and_nothing_else(self):
        self.make_business()

        def codes(user):
            return [entry["code"] for entry in self.page(user)["entries"]]

        self.assertEqual(
            codes(self.accountant),
            [
                *(*RUNS[:3], "payment_runs", "overdue_notices", "accounting"),
                *(*RUNS[3:5], "collected", "overdue_invoices", *RUNS[5:]),
            ],
        )
        self.assertEqual(codes(self.member), ["service_tasks"])
        self.assertEqual(self.cells(self.entry("service_tasks", self.member)), {"Hosting": "1"})
        self.assertEqual(self.entry("service_tasks", self.stranger)["rows"], [])
        self.assertEqual(codes(self.watcher), ["failed_tasks"])
        with self.assertRaises(AccessError):
            self.page(self.clerk)

    def test_only_the_selected_companies_are_counted(self):
        self.make_business()
        other = self.make_company("Other")
        self.manager.company_ids = [Command.link(other.id)]
        self.assertTrue(self.entry("exceptions", allowed_company_ids=self.company.ids)["rows"])
        for entry in self.page(allowed_company_ids=other.ids)["entries"]:
            self.assertEqual(entry["rows"], [], entry["code"])
        both = [other.id, self.company.id]
        self.assertTrue(self.entry("exceptions", allowed_company_ids=both)["rows"])

    def test_an_empty_database_says_what_to_do_first(self):
        other = self.make_company("Other")
        self.manager.company_ids = [Command.link(other.id)]
        mine = {"allowed_company_ids": other.ids}
        page = self.page(**mine)
        self.assertIn("Nothing is set up yet", page["welcome"]["sentence"])
        self.assertEqual(page["welcome"]["action"]["res_model"], "billing.tariff")
        for entry in page["entries"]:
            self.assertTrue(entry["sentence"], entry["code"])
        self.assertFalse(self.page(self.member)["welcome"])
        here = self.page()["welcome"]
        self.assertIn("No customer has a service", here["sentence"])
        self.active()
        self.assertIn("No billing cycle is active", self.page()["welcome"]["sentence"])
        cycle = self.make_cycle(self.scheme)
        self.assertIn("Nothing was billed yet", self.page()["welcome"]["sentence"])
        self.make_run(cycle)
        self.assertFalse(self.page()["welcome"])

    def test_a_package_adds_an_entry_of_its_own(self):
        class Departments(StartEntry):
            code, title, place = "departments", "Departments", 1
            groups = "billing_operations.group_billing_user"

            def show(self, env):
                number = env["hr.department"].search_count([])
                return {
                    "head": ["What", "How many"],
                    "labels": 1,
                    "rows": [["Departments", count(env, number, "All", "hr.department", [])]],
                }

        model = self.registry["billing.start"]
        before = model._entry_registry
        with patch.object(model, "_entry_registry", lambda page: [*before(page), Departments()]):
            entry = self.page(self.accountant)["entries"][0]
            self.assertEqual((entry["code"], entry["title"]), ("departments", "Departments"))
            self.assertNotIn("departments", str(self.page(self.member)))

    def test_its_style_compiles(self):
        bundle = self.env["ir.qweb"]._get_asset_bundle("web.assets_backend", js=False)
        bundle.preprocess_css()
        self.assertEqual(bundle.css_errors, [])

    def test_the_page_needs_at_most_forty_queries(self):
        self.make_business()
        page = self.env["billing.start"].with_user(self.manager)
        # Record rules and groups are kept by the server from one visit to the next.
        page.get_start_page()
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        page.get_start_page()
        self.assertLessEqual(self.env.cr.sql_log_count - before, 40)


@tagged("post_install", "-at_install")
class TestStartPageTours(StartPageCase, HttpCase):
    def test_the_app_begins_with_the_start_page_and_its_figures_lead_on(self):
        self.make_business()
        self.start_tour("/odoo", "billing_start_page", login="task_manager")

    def test_a_department_member_finds_the_tasks_from_the_start_page(self):
        self.make_business()
        self.start_tour("/odoo", "billing_start_page_member", login="member")

    def test_who_begins_is_led_to_the_tariffs(self):
        self.env["billing.tariff"].search([]).active = False
        self.start_tour("/odoo", "billing_start_page_empty", login="accountant")
