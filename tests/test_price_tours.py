"""A manager raises prices in a real browser: previews by customer, schedules and undoes it."""

from odoo.tests import HttpCase, tagged

from .common import ServiceCase


@tagged("post_install", "-at_install")
class TestPriceTours(ServiceCase, HttpCase):
    def test_a_manager_previews_schedules_and_undoes_a_price_change(self):
        self.make_user("price_tour", "billing_operations.group_billing_manager")
        tariff = self.make_tariff(self.scheme, 30.0, name="Tour web")
        customer = self.make_customer("Tour customer")
        service = self.make_service(customer, tariff)
        self.start_tour("/odoo", "billing_price_change", login="price_tour", timeout=180)
        change = self.env["billing.price.change"].search([("name", "=", "Tour prices")])
        self.assertEqual(
            (change.state, change.percent, change.tariff_ids), ("undone", 10.0, tariff)
        )
        self.assertEqual(change.line_ids.service_id, service)
        self.assertEqual((tariff.price, next(iter(service._price_lines())).total), (30.0, 30))
