"""The screens of runs, bills and cycles: what stands where, how it is sorted, where it leads."""

from datetime import date

from lxml import etree

from odoo.fields import Command
from odoo.tests import tagged

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunScreens(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.customer = cls.make_customer()
        cls.make_service(cls.customer, cls.tariff)
        cls.user = cls.make_user("screens_user", "billing_operations.group_billing_user")

    def test_the_key_fields_stand_above_the_next_steps(self):
        arch = etree.fromstring(self.env["billing.run"].get_view(view_type="form")["arch"])
        names = [field.get("name") for field in arch.iterfind(".//sheet//field")]
        for name in ("cycle_id", "mode", "invoice_date", "cutoff_date", "stage_text"):
            self.assertLess(names.index(name), names.index("next_steps"), name)

    def test_runs_are_sorted_by_what_they_invoiced_in_the_companys_currency(self):
        big = self.make_customer("Big")
        self.make_service(big, self.make_tariff(self.scheme, 500.0, name="Big"))
        runs = self.env["billing.run"]
        for partner in (self.customer, big):
            runs += self.make_run(self.cycle, partner_ids=[Command.set(partner.ids)])
        nothing = self.make_run(self.cycle)
        for run in runs:
            run._execute("posting")
        small, large = runs
        mine = [("cycle_id", "=", self.cycle.id)]
        for order, expected in (
            ("amount_text desc", large + small + nothing),
            ("amount_text asc", nothing + small + large),
        ):
            found = self.env["billing.run"].with_user(self.user).search(mine, order=order)
            self.assertEqual(found.ids, expected.ids)
        self.assertTrue(runs.fields_get(["amount_text"])["amount_text"]["sortable"])

    def test_the_company_is_no_column_where_one_company_is_at_work(self):
        arch = etree.fromstring(self.env.ref("billing_operations.view_billing_run_list").arch)
        company = arch.find(".//field[@name='company_id']")
        self.assertIn("allowed_company_ids", company.get("column_invisible"))

    def bill_in_error(self):
        run = self.make_run(self.cycle)
        run._execute("posting")
        bill = self.bill_of(run, self.customer)
        self.assertEqual(bill.state, "error")
        return bill.with_user(self.user)

    def test_a_bill_in_error_leads_to_the_product_that_is_archived(self):
        old = self.make_product("Old product")
        self.make_service(self.customer, self.make_tariff(self.scheme, 1.0, product_id=old.id))
        old.active = False
        bill = self.bill_in_error()
        self.assertEqual((bill.error_code, bill.cause_ref), ("product_archived", old))

    def test_a_bill_in_error_leads_to_the_product_whose_tax_is_archived(self):
        self.tax.active = False
        bill = self.bill_in_error()
        self.assertEqual((bill.error_code, bill.cause_ref), ("tax_archived", self.product))

    def test_a_bill_in_error_leads_to_its_customer(self):
        self.customer.active = False
        bill = self.bill_in_error()
        self.assertEqual((bill.error_code, bill.cause_ref), ("partner_archived", self.customer))

    def test_a_bill_in_error_leads_to_the_currency_without_rate(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        other = self.make_customer("Euro")
        tariff = self.make_tariff(self.scheme, 7.0, name="Euro", currency_id=euro.id)
        self.make_service(other, tariff)
        run = self.make_run(self.cycle)
        run._execute("posting")
        bill = self.bill_of(run, other)
        self.assertEqual((bill.error_code, bill.cause_ref), ("no_currency_rate", euro))

    def test_a_bill_in_error_leads_to_the_run_whose_period_is_locked(self):
        self.company.fiscalyear_lock_date = date(2026, 1, 31)
        bill = self.bill_in_error()
        self.assertEqual((bill.error_code, bill.cause_ref), ("locked_period", bill.run_id))

    def test_every_error_leads_somewhere_and_bills_without_one_nowhere(self):
        run = self.make_run(self.cycle)
        run._execute("posting")
        bill = self.bill_of(run, self.customer)
        self.assertFalse(bill.cause_ref)
        for code, _label in bill._fields["error_code"].selection:
            bill.write(
                {"error_code": code, "error_message": f"{self.product.name} {self.tax.name}"}
            )
            cause = bill._cause()
            self.assertTrue(cause or code == "account_currency", code)

    def test_bills_and_cycles_have_cards_for_the_phone(self):
        for name in ("billing_bill", "billing_cycle", "billing_run"):
            action = self.env.ref(f"billing_operations.action_{name}")
            self.assertIn("kanban", action.view_mode)
        run = self.make_run(self.cycle)
        self.assertIn("kanban", run.action_view_bills()["view_mode"])

    def test_a_cycle_says_how_often_it_recurs_in_the_singular_and_plural(self):
        self.assertEqual(self.cycle.recurrence_text, "Every month")
        self.cycle.write({"recurrence_number": 2, "recurrence_unit": "week"})
        self.assertEqual(self.cycle.recurrence_text, "Every 2 weeks")
