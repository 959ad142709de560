"""Orders of customers in the portal: from the tariffs that are offered to them."""

from datetime import timedelta

from odoo.tests import tagged

from .portal_common import RequestCase


@tagged("post_install", "-at_install")
class TestOrders(RequestCase):
    def setUp(self):
        super().setUp()
        self.order_path = f"/my/services/order/{self.bigger.id}"
        self.typed = {
            "name": "new.example",
            "parameter_domain": "new.example",
            "day": self.day(),
            f"addon_{self.big_addon.id}": "3",
        }

    def test_an_order_shows_the_first_bill_and_becomes_a_set_up(self):
        offers = self.get("/my/services/order")
        self.assertIn("Room for <b>more</b>", offers.text)
        self.assertIn("60.00", offers.text)
        self.assertNotIn("Small", offers.text)
        self.assertIn("printed on invoices", self.get(self.order_path).text)
        shown = self.post(f"{self.order_path}/check", **self.typed)
        self.assertEqual(self.bought(), self.service, "nothing is kept of the preview")
        for text in ("64.00", "5.00", "69.00", "Disk: 3", "Domain: new.example"):
            self.assertIn(text, shown.text)
        self.assertNotIn("TEST/", shown.text)
        page = self.post(f"{self.order_path}/confirm", **self.hidden(shown))
        self.assertIn("Thank you for your order", page.text)
        service = self.bought()
        self.assertEqual(service.partner_id, self.customer)
        self.assertEqual((service.state, service.tariff_id), ("ordered", self.bigger))
        operation = self.asked(service)
        self.assertEqual((operation.type, operation.source), ("setup", "client"))
        self.assertFalse(service.message_partner_ids)
        mails = self.env["mail.mail"].search_count([])
        self.close(operation)
        self.assertEqual(service.state, "active")
        self.assertEqual(service._parameter_values()["domain"], "new.example")
        self.assertEqual(self.env["mail.mail"].search_count([]), mails + 1, "the opening mail")
        charged = service._rate(service.next_billing_date)
        self.assertEqual(sum(charged.mapped("amount")), 69.0)

    def test_a_colleague_orders_for_the_company(self):
        self.portal_user("workmate", self.colleague)
        self.login("workmate")
        self.ask_for(self.order_path, **self.typed)
        self.assertEqual(self.bought().partner_id, self.customer)
        self.login("own")
        self.assertIn("Withdraw", self.get(f"/my/services/{self.bought().id}").text)

    def test_the_same_order_twice_is_one(self):
        shown = self.post(f"{self.order_path}/check", **self.typed)
        for _time in range(2):
            page = self.post(f"{self.order_path}/confirm", **self.hidden(shown))
            self.assertIn("Thank you for your order", page.text)
        services = self.env["billing.service"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual(len(services), 2)

    def test_a_withdrawn_order_comes_to_nothing(self):
        self.ask_for(self.order_path, **self.typed)
        service = self.bought()
        path = f"/my/services/{service.id}/requests/{self.asked(service).id}/withdraw"
        page = self.post(path)
        self.assertIn("Your request is withdrawn", page.text)
        self.assertEqual(service.state, "cancelled")

    def test_wrong_orders_are_one_message_and_what_was_typed_stays(self):
        self.bigger.required_parameters = "Domain"
        field = f"addon_{self.big_addon.id}"
        for typed, message in (
            ({"parameter_domain": ""}, "Fill in “Domain”"),
            ({field: "6"}, "“Disk” is 5 at most"),
            ({field: "x"}, "“Disk” is a number"),
            ({"day": self.day(-1)}, "“Wished first day” can be"),
            ({"name": "n" * 101}, "100 characters at most"),
        ):
            with self.subTest(typed=typed):
                page = self.post(f"{self.order_path}/check", **{**self.typed, **typed})
                self.assertIn(message, self.problem(page))
                for value in filter(None, {**self.typed, **typed}.values()):
                    self.assertIn(f'value="{value}"', page.text)
        self.assertEqual(self.bought(), self.service)

    def test_only_what_is_offered_to_the_customer_now_is_ordered(self):
        closed = self.module.copy({"name": "Closed"})
        closed.active = False
        cases = (
            (self.bigger, {"portal_public": False}),
            (self.bigger, {"active": False}),
            (self.bigger, {"portal_from": self.today + timedelta(days=1)}),
            (self.bigger, {"portal_until": self.today - timedelta(days=1)}),
            (self.bigger, {"processing_module_id": closed.id}),
            (self.product, {"active": False}),
        )
        for record, values in cases:
            with self.subTest(values=values):
                before = {
                    name: record[name].id if name.endswith("_id") else record[name]
                    for name in values
                }
                record.write(values)
                self.assertIn("nothing to order", self.get("/my/services/order").text)
                for path in ("", "/check", "/confirm"):
                    send = self.post if path else self.get
                    page = send(f"{self.order_path}{path}", **(self.typed if path else {}))
                    self.assertTrue(page.url.endswith("/my/services/order"), path)
                record.write(before)
        self.assertEqual(self.bought(), self.service)
        self.assertIn("Big", self.get("/my/services/order").text)

    def test_tariffs_of_a_company_are_offered_to_its_own_logins(self):
        abroad = self.make_company("Abroad")
        self.portal_user("elsewhere", self.make_customer("Elsewhere"), abroad)
        self.login("elsewhere")
        self.assertIn("nothing to order", self.get("/my/services/order").text)
        page = self.post(f"{self.order_path}/confirm", seen="", key="k", **self.typed)
        self.assertTrue(page.url.endswith("/my/services/order"))

    def test_too_many_waiting_orders_are_refused(self):
        for _number in range(20):
            self.make_service(self.customer, self.bigger, None)
        shown = self.post(f"{self.order_path}/check", **self.typed)
        page = self.post(f"{self.order_path}/confirm", **self.hidden(shown))
        self.assertIn("20 orders of yours are waiting", self.problem(page))
        count = self.env["billing.service"].search_count([("partner_id", "=", self.customer.id)])
        self.assertEqual(count, 21)

    def test_an_order_in_the_customers_language_is_noted_in_the_companys(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["res.users"].search([("login", "=", "own")]).lang = "fr_FR"
        self.company.partner_id.lang = "en_US"
        self.ask_for(self.order_path, **self.typed)
        service = self.bought()
        self.post(f"/my/services/{service.id}/requests/{self.asked(service).id}/withdraw")
        self.assertEqual(self.asked(service).message, "Withdrawn by the customer.")
