"""The dialogs of services and charges, as people use them."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import ServiceCase


@tagged("post_install", "-at_install")
class TestServiceWizards(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "billing_operations.group_billing_%s"
        cls.user = cls.make_user("user", group % "user")
        cls.manager = cls.make_user("manager", group % "manager")
        cls.sister = cls.make_company("Sister")
        cls.stranger = cls.make_user("stranger", group % "user", cls.sister)

    def dialog(self, action, person=None):
        """Return the form that a button's action opens."""
        model = self.env[action["res_model"]].with_user(person or self.user)
        return Form(model.with_context(**action["context"]))

    def test_a_change_shows_its_effect_and_applies_it(self):
        service = self.active(date(2026, 4, 1), disk=2)
        service._rate(date(2026, 4, 1))
        with freeze_time("2026-04-11"), self.dialog(service.action_change()) as form:
            self.assertEqual((form.quantity, form.tariff_id), (1.0, self.tariff))
            self.assertIn("Nothing is charged", form.effect)
            form.quantity = 2
            with form.line_ids.edit(0) as line:
                self.assertEqual(line.quantity, 2)
                line.quantity = 4
            self.assertIn("-20.00", form.effect)
            self.assertIn("22.67", form.effect)
        form.record.action_apply()
        self.carry_out(service)
        self.assertEqual((service.quantity, service.addon_line_ids.quantity), (2, 4))
        self.assertEqual(self.total(service), 32.0 + 22.67)

    def test_a_change_that_is_not_possible_says_why_before_it_is_applied(self):
        service = self.active(date(2026, 4, 1))
        form = self.dialog(service.action_change())
        form.quantity = 2
        form.effective_date = date(2026, 3, 1)
        self.assertIn("present terms count since", form.effect)

    def test_another_tariff_offers_its_own_addons(self):
        other = self.make_tariff(self.scheme, name="Other")
        form = self.dialog(self.active(price=5).action_change())
        self.assertEqual((form.price, len(form.line_ids)), (5.0, 1))
        form.tariff_id = other
        self.assertEqual((form.price, len(form.line_ids)), (0.0, 0))

    def test_an_addon_set_to_zero_is_taken_off(self):
        service = self.active(date(2026, 4, 1), disk=3)
        service._rate(date(2026, 4, 1))
        with self.dialog(service.action_change()) as form:
            form.effective_date = date(2026, 4, 16)
            with form.line_ids.edit(0) as line:
                line.quantity = 0
        form.record.action_apply()
        self.carry_out(service)
        self.assertFalse(service.addon_line_ids)
        self.assertEqual(self.total(service), 32.0)

    def test_services_are_suspended_and_resumed_together(self):
        services = self.active() | self.active()
        with self.dialog(services.action_suspend()) as form:
            form.date = date(2026, 2, 1)
            form.reason = "abuse"
            form.note = "Sends spam"
        form.record.action_apply()
        self.carry_out(services)
        for service in services:
            self.assertIn("Sends spam", str(service.message_ids.mapped("body")))
        self.assertEqual(services.mapped("suspension_reason"), ["abuse", "abuse"])
        with self.dialog(services.action_resume()) as form:
            form.date = date(2026, 3, 1)
        form.record.action_apply()
        self.carry_out(services)
        self.assertEqual(services.mapped("rated_up_to"), [date(2026, 3, 1)] * 2)

    def test_terminating_shows_what_is_credited(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        with freeze_time("2026-04-16"), self.dialog(service.action_terminate()) as form:
            self.assertIn("-15.00", form.effect)
        with freeze_time("2026-04-16"):
            form.record.action_apply()
        self.carry_out(service)
        self.assertEqual((service.state, self.total(service)), ("terminated", 15.0))

    def test_an_end_in_the_future_leaves_the_service_active_until_then(self):
        service = self.active(date(2026, 4, 1))
        with freeze_time("2026-04-16"):
            with self.dialog(service.action_terminate()) as form:
                form.date = date(2026, 5, 1)
            form.record.action_apply()
        self.assertEqual((service.state, service.date_end), ("active", date(2026, 5, 1)))

    def test_a_user_credits_a_service_with_a_reason(self):
        service = self.active()
        with self.dialog(service.action_adjust()) as form:
            self.assertEqual(form.product_id, self.product)
            form.amount = 12.5
            form.name = "Outage"
            form.reason = "Ticket 7"
            form.date = date(2026, 4, 3)
        form.record.action_apply()
        self.assertRecordValues(
            service.charge_ids,
            [
                {
                    "kind": "adjustment",
                    "state": "rated",
                    "name": "Outage",
                    "reason": "Ticket 7",
                    "amount": -12.5,
                    "partner_id": self.customer.id,
                    "currency_id": self.company.currency_id.id,
                }
            ],
        )

    def test_a_customer_without_services_can_be_debited(self):
        with self.dialog(self.customer.action_adjust_billing()) as form:
            form.direction = "debit"
            form.amount = 7
            form.product_id = self.product
            form.name = "Copy of an invoice"
            form.reason = "Asked for"
        form.record.action_apply()
        charge = self.env["billing.charge"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual((charge.amount, charge.company_id), (7.0, self.company))

    def test_an_adjustment_needs_an_amount(self):
        with self.dialog(self.active().action_adjust()) as form:
            form.name, form.reason = "Text", "Reason"
        with self.assertRaisesRegex(UserError, "more than zero"):
            form.record.action_apply()

    def test_only_managers_waive_and_only_with_a_reason(self):
        charge = self.active()._rate(date(2026, 1, 1))
        action = charge.with_user(self.manager).action_waive()
        with self.dialog(action, self.manager) as form:
            form.reason = "Goodwill"
        form.record.action_apply()
        self.assertEqual((charge.state, charge.waive_reason), ("waived", "Goodwill"))
        with self.assertRaises(AccessError):
            self.dialog(action)

    def test_dialogs_do_not_reach_into_other_companies(self):
        service = self.active()
        charge = service._rate(date(2026, 1, 1))
        env = self.env(user=self.stranger, context={"allowed_company_ids": self.sister.ids})
        for model, values in (
            ("billing.service.change.wizard", {"service_id": service.id, "quantity": 5}),
            (
                "billing.service.status.wizard",
                {"service_ids": [(6, 0, service.ids)], "transition": "terminate"},
            ),
            (
                "billing.charge.adjust.wizard",
                {
                    "service_id": service.id,
                    "partner_id": self.customer.id,
                    "amount": 5,
                    "name": "Text",
                    "reason": "Reason",
                },
            ),
        ):
            with self.subTest(model=model), self.assertRaises(UserError):
                env[model].create(values).action_apply()
        self.assertEqual((service.state, service.quantity), ("active", 1.0))
        self.assertEqual(service.charge_ids, charge)


@tagged("post_install", "-at_install")
class TestCustomerProfile(ServiceCase):
    def test_contacts_are_billed_as_their_company_is(self):
        parent = self.make_customer("Parent", is_company=True, billing_hold=True)
        child = self.make_customer("Child", parent_id=parent.id)
        self.assertTrue(child.billing_hold)
        parent.billing_payment_preference = "card"
        self.assertEqual(child.billing_payment_preference, "card")

    def test_a_person_without_billing_rights_may_add_a_contact(self):
        parent = self.make_customer("Parent", is_company=True, billing_hold=True)
        seller = self.make_user("seller", "base.group_partner_manager")
        child = (
            self.env["res.partner"]
            .with_user(seller)
            .create({"name": "Child", "parent_id": parent.id})
        )
        self.assertTrue(child.sudo().billing_hold)

    def test_print_is_a_way_to_send_invoices_but_not_offered_for_a_single_one(self):
        self.customer.invoice_sending_method = "print"
        move = self.invoice(self.active()._rate(date(2026, 1, 1)))
        move.action_post()
        wizard = self.env["account.move.send.wizard"].create({"move_id": move.id})
        self.assertNotIn("print", wizard.sending_method_checkboxes)

    def test_a_customer_shows_services_and_charges(self):
        service = self.active()
        charge = service._rate(date(2026, 1, 1))
        self.assertEqual(self.customer.billing_service_count, 1)
        for action, record in (
            (self.customer.action_open_billing_services(), service),
            (self.customer.action_open_billing_charges(), charge),
            (service.action_open_charges(), charge),
            (self.tariff.action_open_services(), service),
        ):
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(found, record)

    def test_a_service_opens_its_invoices(self):
        service = self.active()
        move = self.invoice(service._rate(date(2026, 1, 1)))
        action = service.action_open_invoices()
        self.assertEqual(self.env["account.move"].search(action["domain"]), move)
        self.assertEqual(service.invoice_count, 1)
        self.assertEqual(service.charge_ids.action_open_invoice()["res_id"], move.id)
