"""What is in use cannot be changed or archived in silence."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import ServiceCase
from .service_task_common import ServiceTaskCase


@tagged("post_install", "-at_install")
class TestServicesInUse(ServiceCase):
    def charged(self, service):
        charges = self.env["billing.charge"].search([("service_id", "=", service.id)])
        return sum(charges.mapped("amount"))

    def order(self):
        return self.make_service(
            self.customer,
            self.tariff,
            start=None,
            addon_line_ids=[Command.create({"addon_id": self.addon.id, "quantity": 4})],
        )

    def test_terms_in_use_keep_what_decides_whether_and_how_services_are_billed(self):
        service = self.order()
        values = {"bill_suspended": True, "classification": "prepaid", "timing": "arrears"}
        self.scheme.write({"bill_suspended": True})
        self.scheme.write({"bill_suspended": False})
        service._activate(date(2026, 5, 1))
        for name, value in values.items():
            with self.subTest(name), self.assertRaises(UserError) as refused:
                self.scheme.write({name: value})
            self.assertIn(self.scheme.name, str(refused.exception))
            self.assertIn(service.number, str(refused.exception))
            self.assertIn(
                self.scheme._fields[name]._description_string(self.env), str(refused.exception)
            )
        self.scheme.write({"name": "New name", "bill_suspended": False, "timing": "advance"})

    def test_cancelled_orders_do_not_fix_terms_and_tariffs(self):
        service = self.order()
        service._cancel()
        self.scheme.bill_suspended = True
        self.tariff.product_id = self.make_product("Other")

    def test_the_product_of_a_tariff_in_use_stays(self):
        service = self.order()
        other = self.make_product("Other")
        self.tariff.product_id = other
        service._activate(date(2026, 5, 1))
        self.tariff.product_id = other
        with self.assertRaisesRegex(UserError, "product of tariff .*services already use"):
            self.tariff.product_id = self.product
        service._terminate(date(2026, 5, 11))
        with self.assertRaisesRegex(UserError, "product of tariff"):
            self.tariff.product_id = self.product

    def test_the_product_and_tariff_of_an_add_on_in_use_stay(self):
        service = self.order()
        other = self.make_product("Other")
        self.addon.product_id = other
        service._activate(date(2026, 5, 1))
        with self.assertRaisesRegex(UserError, "product of add-on Other"):
            self.addon.product_id = self.disk
        with self.assertRaisesRegex(UserError, "tariff of add-on Other"):
            self.addon.tariff_id = self.make_tariff(self.scheme, name="Another")
        self.addon.write({"product_id": other.id, "price": 2.5})

    def test_archived_terms_tariffs_and_add_ons_are_billed_as_before(self):
        kept, archived = self.order(), self.order()
        (kept | archived)._activate(date(2026, 5, 1))
        kept._rate(date(2026, 7, 1))
        self.addon.active = self.tariff.active = self.scheme.active = False
        self.env.flush_all()
        self.env.invalidate_all()
        archived._rate(date(2026, 7, 1))
        self.assertEqual(self.charged(archived), self.charged(kept))
        self.assertGreater(self.charged(archived), 3 * 30.0)

    def test_what_is_used_cannot_be_deleted_and_says_by_whom(self):
        services = self.order() + self.order()
        services[1]._activate(date(2026, 5, 1))
        services[1]._rate(date(2026, 6, 1))
        job = self.env["billing.job"].create(
            {
                "name": "Move",
                "partner_id": self.customer.id,
                "line_ids": [Command.create({"product_id": self.disk.id, "price_unit": 5.0})],
            }
        )
        for records, used_by in (
            (self.scheme, [self.tariff.name]),
            (self.tariff, services.mapped("number")),
            (self.addon, services.mapped("number")),
            (self.customer, [*services.mapped("number"), job.number, "Charge"]),
            (self.product, [self.tariff.name, "Charge"]),
            (self.product.product_tmpl_id, [self.tariff.name]),
            (self.disk, [self.tariff.name, job.number]),
        ):
            with self.subTest(records.display_name), self.assertRaises(UserError) as refused:
                records.unlink()
            text = str(refused.exception)
            self.assertIn(f"{records.display_name} cannot be deleted", text)
            for name in used_by:
                self.assertIn(name, text)
            self.assertEqual("active" in records._fields, "Archive it instead" in text)

    def test_many_users_are_counted_and_those_of_others_not_named(self):
        for _number in range(5):
            self.order()
        with self.assertRaisesRegex(UserError, "Service: [^,]*, [^,]*, [^,]* and 2 more"):
            self.tariff.unlink()
        seller = self.make_user("in_use_seller", "product.group_product_manager")
        product = self.product.with_user(seller)
        with self.assertRaisesRegex(UserError, "Tariff Plan: 1"):
            product.unlink()

    def test_what_nobody_uses_can_be_deleted(self):
        product = self.make_product("Unused")
        tariff = self.make_tariff(self.make_scheme("Unused"), product_id=product.id)
        self.make_addon(tariff)
        scheme = tariff.term_scheme_id
        tariff.unlink()
        (scheme + self.scheme.browse()).unlink()
        product.product_tmpl_id.unlink()
        self.make_customer("Unused").unlink()


@tagged("post_install", "-at_install")
class TestDepartmentsInUse(ServiceTaskCase):
    def test_a_department_that_gets_service_tasks_cannot_be_archived(self):
        department = self.env["hr.department"].create(
            {"name": "Field Service", "company_id": self.company.id}
        )
        module = self.env["service.processing.module"].create(
            {"name": "On site", "department_id": department.id}
        )
        with self.assertRaisesRegex(UserError, "Field Service cannot be archived.*On site"):
            department.active = False
        with self.assertRaisesRegex(UserError, "Field Service cannot be deleted.*\n.*On site"):
            department.unlink()
        module.department_id = False
        department.active = False
        self.assertFalse(department.active)
