"""The portal's pages of services: what the customer reads, and whose services these are."""

import json
from datetime import timedelta

from odoo.tests import tagged

from .portal_common import PortalCase


@tagged("post_install", "-at_install")
class TestServicePages(PortalCase):
    def test_the_list_says_what_a_customer_has_and_what_it_costs_next(self):
        self.login()
        page = self.get("/my/services")
        self.assertIn("own.example", page.text)
        self.assertIn("Small", page.text)
        self.assertIn("Active", page.text)
        self.assertIn("30.00", page.text)
        self.assertNotIn("foreign.example", page.text)
        self.assertNotIn(self.foreign.number, page.text)

    def test_the_next_charge_is_what_the_next_run_charges(self):
        self.service._change(self.today, {"addon_quantities": {self.addon.id: 4.0}})
        self.login()
        day, amount = self.service.next_billing_date, self.service.next_billing_amount
        page = self.get(self.path())
        self.assertIn(f"{day:%m/%d/%Y}", page.text)
        charged = self.service._rate(day)
        self.assertEqual(sum(charged.mapped("amount")), amount)
        self.assertEqual(amount, 36.0)
        self.assertIn("36.00", page.text)
        self.assertIn("before tax", page.text)

    def test_a_page_names_tariff_add_ons_numbers_and_settings(self):
        self.service._change(self.today, {"addon_quantities": {self.addon.id: 4.0}})
        self.env["billing.service.identifier"].create(
            {"service_id": self.service.id, "kind": "login", "value": "Office-7"}
        )
        self.service.parameters = {"domain": "own.example.net"}
        self.login()
        page = self.get(self.path())
        for text in ("Small", "Disk", "office-7", "own.example.net", self.company.name):
            self.assertIn(text, page.text)
        self.assertIn("36.00", page.text)
        self.assertIn("a month", page.text)

    def test_colleagues_see_what_the_company_has_and_contacts_services_too(self):
        theirs = self.running(self.colleague, name="colleague.example")
        colleague = self.portal_user("workmate", self.colleague)
        for login in ("own", "workmate"):
            self.login(login)
            page = self.get("/my/services")
            self.assertIn("own.example", page.text)
            self.assertIn("colleague.example", page.text)
            self.assertIn("colleague.example", self.get(f"/my/services/{theirs.id}").text)
        colleague.active = False
        self.colleague.active = False
        self.login("own")
        self.assertIn("colleague.example", self.get("/my/services").text)

    def test_the_home_counts_current_services(self):
        self.running(self.customer)._terminate(self.today)
        self.login()
        self.assertIn("Your Services", self.get("/my").text)
        counters = ["billing_service_count", "billing_offer_count"]
        self.env.flush_all()
        answer = self.url_open(
            "/my/counters",
            data=json.dumps({"jsonrpc": "2.0", "params": {"counters": counters}}),
            headers={"Content-Type": "application/json"},
        ).json()
        self.assertEqual(answer["result"], {"billing_service_count": 1, "billing_offer_count": 1})

    def test_many_services_come_in_pages_and_are_searched(self):
        for number in range(45):
            self.make_service(self.customer, self.tariff, None, name=f"site-{number:02}.example")
        self.login()
        first = self.get("/my/services")
        self.assertEqual(first.text.count('class="o_billing_service"'), 20)
        self.assertIn("<span>46</span> services", first.text)
        third = self.get("/my/services/page/3")
        self.assertEqual(third.text.count('class="o_billing_service"'), 6)
        for path in ("/my/services/page/99", "/my/services/page/0"):
            self.assertEqual(self.get(path).status_code, 200)
        found = self.get("/my/services?search=site-07")
        self.assertIn("site-07.example", found.text)
        self.assertEqual(found.text.count('class="o_billing_service"'), 1)
        by_number = self.get(f"/my/services?search={self.service.number}")
        self.assertIn("own.example", by_number.text)
        for text in ("nothing-like-it", "%00", "'", "foreign"):
            page = self.get(f"/my/services?search={text}")
            self.assertEqual(page.status_code, 200)
        self.assertIn("No service fits", self.get("/my/services?search=foreign.example").text)

    def test_a_list_reads_as_little_for_many_pages_as_for_one(self):
        def statements():
            self.env.flush_all()
            self.env.invalidate_all()
            services = self.env["billing.service"]
            before = self.env.cr.sql_log_count
            found = services.search(services._portal_domain(self.customer), limit=20)
            for service in found:
                service._portal_state(), service._portal_end(), service._portal_next_charge()
            return self.env.cr.sql_log_count - before

        for number in range(20):
            self.running(self.customer, name=f"more-{number}")
        few = statements()
        for number in range(20):
            self.running(self.customer, name=f"most-{number}")
        self.assertLessEqual(statements(), few + 2)

    def test_what_has_ended_is_looked_at_apart(self):
        self.service._terminate(self.today)
        self.login()
        self.assertIn("You have no services with us at present", self.get("/my/services").text)
        ended = self.get("/my/services?shown=ended")
        self.assertIn("own.example", ended.text)
        self.assertIn("Its last day was", ended.text)
        self.assertIn("own.example", self.get("/my/services?shown=all").text)
        self.assertIn("no services with us", self.get("/my/services?shown=nonsense").text)
        self.login("other")
        self.assertIn("None of your services has ended", self.get("/my/services?shown=ended").text)

    def test_an_agreed_end_and_who_suspended_it_are_said(self):
        self.service._change(self.today, {"date_end": self.today + timedelta(days=31)})
        last = self.today + timedelta(days=30)
        self.login()
        for path in ("/my/services", self.path()):
            self.assertIn(f"the last day is {last:%m/%d/%Y}", self.get(path).text)
        self.service._suspend(self.today, "unpaid")
        self.assertIn("Suspended: invoices are unpaid", self.get(self.path()).text)

    def test_services_of_every_company_that_bills_the_customer_are_there(self):
        abroad = self.make_company("Abroad", "EUR")
        env = self.env(context={**self.env.context, "allowed_company_ids": abroad.ids})
        scheme = env["billing.term.scheme"].create({"name": "Yearly", "interval_unit": "year"})
        tariff = env["billing.tariff"].create(
            {
                "name": "Line",
                "product_id": self.product.id,
                "term_scheme_id": scheme.id,
                "price": 12.5,
            }
        )
        service = env["billing.service"].create(
            {"partner_id": self.customer.id, "tariff_id": tariff.id, "name": "abroad.example"}
        )
        service._activate(self.today)
        self.login()
        page = self.get("/my/services")
        self.assertIn("abroad.example", page.text)
        self.assertIn("Abroad", page.text)
        self.assertIn("€", page.text)
        self.assertIn("12.50\xa0€ a year", self.get(f"/my/services/{service.id}").text)

    def test_prices_with_tax_are_named_so(self):
        tax = self.make_tax("Included", 15, price_include_override="tax_included")
        product = self.make_product("Shop", taxes=tax)
        tariff = self.make_tariff(
            self.scheme, 23.0, name="Shop", product_id=product.id, portal_public=True
        )
        service = self.running(self.customer, tariff)
        self.login()
        page = self.get(f"/my/services/{service.id}")
        self.assertIn("23.00 a month, tax included", page.text)
        shown = self.post(
            f"/my/services/order/{tariff.id}/check", day=self.day(), name="shop.example"
        )
        self.assertIn("Total, tax included", shown.text)
        self.assertNotIn("before tax", shown.text)
        self.assertFalse(self.bigger.copy().portal_public, "a copy is not offered by itself")

    def test_the_link_of_the_opening_mail_shows_no_money_and_no_requests(self):
        link = self.service._make_portal_link()
        self.service.request_operation("suspend", source="client")
        path = link[link.index("/my/") :]
        self.login(None)
        page = self.get(path)
        self.assertIn("own.example", page.text)
        for secret in ("30.00", "o_billing_service_buttons", "Suspension", "Withdraw"):
            self.assertNotIn(secret, page.text)
