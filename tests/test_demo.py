"""The demo data: what it holds, and that its runs bill what a plain calculation says."""

from collections import Counter
from datetime import date
from decimal import Decimal

from odoo.tests import TransactionCase, tagged

from .demo_book import Book

COMPANIES = ("hosting", "telephony")
# The errors on purpose: customer, code.
EXCEPTIONS = {
    ("hosting", "daisy"): "on_hold",
    ("hosting", "lupin"): "no_currency_rate",
    ("hosting", "mint"): "product_archived",
    ("hosting", "moss"): "partner_archived",
    ("hosting", "nutmeg"): "no_income_account",
    ("hosting", "olive"): "tax_archived",
    ("hosting", "poppy"): "no_receivable_account",
    ("hosting", "sage"): "currency_archived",
    ("telephony", "eddy"): "tax_account_archived",
}
SKIPPED = {
    ("hosting", "kelp"): "nothing_to_bill",
    ("hosting", "thistle"): "nothing_to_bill",
    ("hosting", "yarrow"): "zero_total",
    ("hosting", "yew"): "below_minimum",
    ("hosting", "daisy"): "on_hold",
}
DUE_DATES = {
    ("hosting", "alder"): date(2026, 10, 15),  # the cycle's 14 days
    ("hosting", "dogwood"): date(2026, 11, 30),  # the customer's own terms
    ("hosting", "juniper"): date(2026, 10, 16),  # the billing terms' 15 days
    ("telephony", "beacon"): date(2026, 10, 31),  # the cycle's end of the month
    ("telephony", "tide"): date(2026, 10, 2),  # at once
}


class DemoCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.env.ref("billing_operations.demo_company_hosting", raise_if_not_found=False):
            raise AssertionError("These tests need a database with the addon's demo data.")
        cls.companies = {name: cls.demo(f"company_{name}") for name in COMPANIES}
        ids = [company.id for company in cls.companies.values()]
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": ids})
        cls.cycles = {name: cls.demo(f"cycle_{name}") for name in COMPANIES}

    @classmethod
    def demo(cls, name):
        return cls.env.ref(f"billing_operations.demo_{name}")

    @classmethod
    def run_october(cls):
        """Execute one run a company, as of 1 October; return {company name: run}."""
        runs = {}
        for name, cycle in cls.cycles.items():
            cycle = cycle.with_context(allowed_company_ids=cycle.company_id.ids)
            runs[name] = cycle._create_run(date(2026, 10, 1))
            runs[name]._execute("posting")
        return runs

    @classmethod
    def bills(cls, runs):
        """{(company name, customer's short name, currency): bill} of some runs."""
        records = cls.env["billing.bill"].search([("run_id", "in", [r.id for r in runs.values()])])
        names = {company: name for name, company in cls.companies.items()}
        prefix = "billing_operations.demo_customer_"
        xml_ids = records.partner_id.get_external_id()
        return {
            (
                names[bill.company_id],
                xml_ids[bill.partner_id.id].removeprefix(prefix),
                bill.currency_id.name,
            ): bill
            for bill in records
        }


@tagged("post_install", "-at_install")
class TestDemoReports(DemoCase):
    def test_what_is_reported_before_billing_equals_the_posted_invoices(self):
        for cycle in self.cycles.values():
            cycle = cycle.with_context(allowed_company_ids=cycle.company_id.ids)
            run = cycle._create_run(date(2026, 10, 1))
            report = run._make_report("pre")
            self.assertEqual(report.state, "done")
            self.assertEqual(set(report.customer_ids.mapped("history_count")) - {0, 1, 2}, {3})
            run._execute("posting")
            bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
            rows = {(row.partner_id, row.currency_id): row for row in report.customer_ids}
            for bill in bills:
                row = rows[bill.partner_id, bill.currency_id]
                posted = bill.move_ids.filtered(lambda move: move.state == "posted")
                untaxed = sum(posted.mapped("amount_untaxed_in_currency_signed"))
                self.assertEqual(row.amount, bill.currency_id.round(untaxed), row.partner_id.name)
                reason = bill.skip_reason or bill.error_code
                self.assertEqual((row.reason, row.reason_text), (reason, bill.error_message))


@tagged("post_install", "-at_install")
class TestDemoData(DemoCase):
    def count(self, model, *domain):
        ids = [company.id for company in self.companies.values()]
        return self.env[model].search_count([("company_id", "in", ids), *domain])

    def test_the_demo_data_has_loaded_without_failure(self):
        module = self.env.ref("base.module_billing_operations")
        self.assertFalse(self.env["ir.demo_failure"].search([("module_id", "=", module.id)]))

    def test_there_are_eighty_customers_of_two_companies_in_two_currencies(self):
        customers = Book().customers
        self.assertEqual(sum(not row["parent_id/id"] for row in customers.values()), 80)
        for name in customers:
            kind = "contact" if name.startswith("ginger_") else "customer"
            self.assertTrue(self.demo(f"{kind}_{name}"))
        currencies = [company.currency_id.name for company in self.companies.values()]
        self.assertEqual(currencies, ["EUR", "GBP"])
        for login in ("admin", "demo"):
            user = self.env["res.users"].search([("login", "=", login)])
            for company in self.companies.values():
                self.assertIn(company, user.company_ids)
            self.assertTrue(user.has_group("billing_operations.group_billing_user"))

    def test_every_department_has_staff_with_a_user(self):
        for name in ("servicedesk", "hosting", "telephony", "accounts"):
            [employee] = self.demo(f"department_{name}").member_ids
            self.assertEqual(employee.user_id, self.demo(f"user_{name}"))

    def test_a_customer_has_a_login_services_and_tariffs_to_order(self):
        user = self.demo("user_portal_alder")
        services = self.env["billing.service"]
        own = services.search(services._portal_domain(user.partner_id))
        self.assertEqual(own.partner_id, self.demo("customer_alder"))
        self.assertIn("change", self.demo("service_alder_web_start")._request_kinds())
        offered = self.env["billing.tariff"]._offered_to(user)
        self.assertEqual(len(offered), 4)
        self.assertTrue(all(offered.mapped("portal_description")))
        self.assertEqual(offered.company_id, self.companies["hosting"])

    def test_three_past_months_are_closed_and_the_cycles_go_on_in_october(self):
        runs = self.env["billing.run"].search(
            [("cycle_id", "in", [cycle.id for cycle in self.cycles.values()])]
        )
        self.assertEqual(Counter(runs.mapped("state")), {"completed": 6})
        self.assertEqual(
            sorted({run.cycle_date for run in runs}), [date(2026, month, 1) for month in (7, 8, 9)]
        )
        for run in runs:
            self.assertFalse(run.exception_count)
            self.assertGreater(run.invoice_count, 20)
        for cycle in self.cycles.values():
            self.assertEqual(cycle.state, "active")
            self.assertEqual(cycle.next_run_date, date(2026, 10, 1))

    def test_every_planted_case_is_there(self):
        services = {
            "day 31": [("date_start", "=", "2026-01-31"), ("state", "=", "active")],
            "29 February": [("date_start", "=", "2024-02-29"), ("state", "=", "active")],
            "start within the month": [("date_start", "=", "2026-09-10")],
            "end within the month": [("date_end", "=", "2026-10-13")],
            "caught up": [("date_start", "=", "2026-07-15"), ("rated_up_to", "=", "2026-07-15")],
            "ordered": [("state", "=", "ordered")],
            "cancelled": [("state", "=", "cancelled")],
            "terminated": [("state", "=", "terminated")],
            "suspended": [("state", "=", "suspended"), ("suspension_reason", "=", "unpaid")],
            "prepaid": [("tariff_id.term_scheme_id.classification", "=", "prepaid")],
            "weekly": [("tariff_id.term_scheme_id.interval_unit", "=", "week")],
            "quarterly": [("tariff_id.term_scheme_id.interval_number", "=", 3)],
            "yearly": [("tariff_id.term_scheme_id.interval_unit", "=", "year")],
            "in arrears": [("tariff_id.term_scheme_id.timing", "=", "arrears")],
            "whole periods": [("tariff_id.term_scheme_id.proration", "=", "none")],
            "own price": [("price", ">", 0)],
            "discount": [("discount", ">", 0)],
            "add-ons": [("addon_line_ids.included", ">", 0)],
            "set-up": [("setup_due", "=", True)],
            "identifiers": [("identifier_ids", "!=", False)],
        }
        for case, domain in services.items():
            with self.subTest(service=case):
                self.assertTrue(self.count("billing.service", *domain))
        for state in ("draft", "done", "billed"):
            self.assertEqual(bool(self.count("billing.job", ("state", "=", state))), True, state)
        partners = {
            "skip": [("billing_low_invoice_rule", "=", "skip")],
            "pad": [("billing_low_invoice_rule", "=", "pad")],
            "fee": [("billing_low_invoice_rule", "=", "fee")],
            "hold": [("billing_hold", "=", True)],
            "collection hold": [("billing_collection_hold", "=", True)],
            "message": [("billing_invoice_message", "!=", False)],
            "direct debit": [("billing_payment_preference", "=", "direct_debit")],
            "card": [("billing_payment_preference", "=", "card")],
            "print": [("invoice_sending_method", "=", "print")],
            "manual": [("invoice_sending_method", "=", "manual")],
            "no e-mail": [("email", "=", False), ("billing_department_id", "!=", False)],
        }
        for case, domain in partners.items():
            with self.subTest(customer=case):
                customers = self.env["res.partner"].search(domain)
                self.assertTrue(customers.get_external_id())


@tagged("post_install", "-at_install")
class TestDemoRun(DemoCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.runs = cls.run_october()
        cls.found = cls.bills(cls.runs)

    def test_every_customer_is_billed_what_a_plain_calculation_says(self):
        expected = {
            key: amounts for key, amounts in Book().bills().items() if key[:2] not in EXCEPTIONS
        }
        billed = {}
        for key, bill in self.found.items():
            if bill.move_ids:
                billed[key] = tuple(
                    Decimal(str(bill.currency_id.round(sum(bill.move_ids.mapped(name)))))
                    for name in (
                        "amount_untaxed_in_currency_signed",
                        "amount_total_in_currency_signed",
                    )
                )
        self.assertEqual(sorted(billed), sorted(expected))
        for key, amounts in expected.items():
            with self.subTest(bill=key):
                self.assertEqual(billed[key], amounts)

    def test_the_runs_post_more_than_fifty_five_documents(self):
        moves = self.env["account.move"].concat(*(bill.move_ids for bill in self.found.values()))
        self.assertEqual(set(moves.mapped("state")), {"posted"})
        self.assertGreaterEqual(len(moves), 55)
        notes = moves.filtered(lambda move: move.move_type == "out_refund")
        self.assertEqual(
            notes.partner_id, self.demo("customer_willow") | self.demo("customer_nautical")
        )

    def test_exactly_the_planted_exceptions_come_up(self):
        exceptions = {
            key[:2]: bill.error_code for key, bill in self.found.items() if bill.error_code
        }
        self.assertEqual(exceptions, EXCEPTIONS)

    def test_who_is_not_billed_has_a_reason(self):
        skipped = {key[:2]: b.skip_reason for key, b in self.found.items() if b.state == "skipped"}
        self.assertEqual(skipped, SKIPPED)

    def test_due_dates_come_from_customer_terms_or_cycle(self):
        for key, due in DUE_DATES.items():
            [bill] = [bill for found, bill in self.found.items() if found[:2] == key]
            self.assertEqual(bill.move_ids.invoice_date_due, due, key)

    def test_the_invoice_goes_to_the_invoice_contact(self):
        bill = self.found["hosting", "ginger", "EUR"]
        self.assertEqual(bill.move_ids.partner_id, self.demo("contact_ginger_invoices"))
        self.assertEqual(bill.move_ids.commercial_partner_id, self.demo("customer_ginger"))

    def test_running_again_bills_nothing_new(self):
        charges = self.env["billing.charge"].search_count([])
        again = self.bills(self.run_october())
        self.assertFalse(any(bill.move_ids for bill in again.values()))
        self.assertEqual(self.env["billing.charge"].search_count([]), charges)
        exceptions = {key[:2]: bill.error_code for key, bill in again.items() if bill.error_code}
        self.assertEqual(exceptions, EXCEPTIONS)
