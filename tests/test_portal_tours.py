"""A customer in a real browser: orders a service, changes, suspends and ends it."""

from odoo.tests import tagged

from .portal_common import PortalCase


@tagged("post_install", "-at_install")
class TestPortalTours(PortalCase):
    def test_a_customer_orders_changes_suspends_and_ends_a_service(self):
        self.tour("order")
        service = self.env["billing.service"].search(
            [("name", "=", "tour.example"), ("partner_id", "=", self.customer.id)]
        )
        self.carry_out(service)
        service._rate(self.today)
        self.assertEqual(service.state, "active")
        self.assertEqual(service._parameter_values()["domain"], "tour.example")
        self.tour("change")
        self.carry_out(service)
        self.assertEqual(service.addon_line_ids.quantity, 5.0)
        self.tour("suspend")
        self.carry_out(service)
        self.assertEqual((service.state, service.suspension_reason), ("suspended", "client"))
        self.tour("end")
        self.assertEqual(service.date_end, service.operation_ids.sorted("id")[-1].effective_date)
        self.assertEqual(
            service.operation_ids.sorted("id").mapped("type"),
            ["setup", "change", "suspend", "suspend", "delete"],
        )
        self.assertEqual(set(service.operation_ids.mapped("source")), {"client"})

    def tour(self, name):
        self.start_tour("/my", f"billing_portal_{name}", login="own", timeout=120)
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestPortalToursOnAPhone(TestPortalTours):
    browser_size = "390x844"
    touch_enabled = True
