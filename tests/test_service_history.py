"""What a service was on a day counts for that day, whatever became of it since."""

from datetime import date

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ServiceCase
from .report_common import ReportedFirst


@tagged("post_install", "-at_install")
class TestPastTerms(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.arrears = cls.make_scheme("Arrears", alignment="anniversary", timing="arrears")

    def test_a_change_keeps_what_the_service_was_before(self):
        service = self.active(date(2026, 4, 1), quantity=2, disk=3)
        service._change(date(2026, 4, 11), {"quantity": 5, "price": 20})
        service._change(date(2026, 5, 1), {"discount": 10})
        versions = service.version_ids.sorted("date_from")
        self.assertRecordValues(
            versions,
            [
                {
                    "date_from": date(2026, 4, 1),
                    "date_to": date(2026, 4, 11),
                    "quantity": 2.0,
                    "price": 30.0,
                    "partner_id": self.customer.id,
                    "tariff_id": self.tariff.id,
                },
                {
                    "date_from": date(2026, 4, 11),
                    "date_to": date(2026, 5, 1),
                    "quantity": 5.0,
                    "price": 20.0,
                    "partner_id": self.customer.id,
                    "tariff_id": self.tariff.id,
                },
            ],
        )
        self.assertEqual(
            [
                (line.kind, float(line.price), float(line.quantity))
                for line in versions[0]._price_lines()
            ],
            [("recurring", 30.0, 2.0), ("addon", 2.0, 2.0)],
        )

    def test_a_change_on_the_first_day_or_of_the_end_leaves_no_past(self):
        service = self.active(date(2026, 4, 1))
        service._change(date(2026, 4, 1), {"quantity": 5})
        service._change(date(2026, 4, 1), {"date_end": date(2026, 8, 1)})
        self.assertFalse(service.version_ids)

    @mute_logger("odoo.sql_db")
    def test_the_database_refuses_two_sets_of_terms_on_a_day(self):
        service = self.active(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"quantity": 5})
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            service.version_ids.copy({"date_from": date(2026, 4, 5), "lines": []})

    def test_users_read_past_terms_and_nobody_writes_them(self):
        service = self.active(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"quantity": 5})
        user = self.make_user("history_user", "billing_operations.group_billing_user")
        manager = self.make_user("history_manager", "billing_operations.group_billing_manager")
        self.assertEqual(service.with_user(user).version_ids.quantity, 1.0)
        for person in (user, manager):
            with self.assertRaises(AccessError):
                service.version_ids.with_user(person).write({"quantity": 3})
        sister = self.make_company("Sister")
        outsider = self.make_user(
            "history_outsider", "billing_operations.group_billing_user", sister
        )
        versions = self.env["billing.service.version"].with_user(outsider)
        self.assertFalse(versions.with_context(allowed_company_ids=sister.ids).search([]))

    def test_days_served_before_a_change_are_billed_at_their_terms_when_resumed_later(self):
        service = self.active(date(2026, 4, 1), self.make_tariff(self.arrears, price=60.0))
        service._suspend(date(2026, 4, 6), "client")
        service._change(date(2026, 4, 21), {"price": 90.0})
        service._resume(date(2026, 4, 16))
        service._rate(date(2026, 4, 30))
        # 5 days at 2, 10 suspended, 5 at 2, 10 at 3
        self.assertEqual(self.total(service), 10.0 + 10.0 + 30.0)
        self.assertEqual(service.rated_up_to, date(2026, 5, 1))

    def test_two_changes_while_suspended_bill_each_day_at_its_own_terms(self):
        service = self.active(date(2026, 4, 1), self.make_tariff(self.arrears, price=30.0))
        service._suspend(date(2026, 4, 1), "client")
        service._change(date(2026, 4, 11), {"price": 60.0})
        service._change(date(2026, 4, 21), {"price": 90.0})
        service._resume(date(2026, 4, 6))
        self.assertEqual(service.next_billing_date, date(2026, 4, 10))
        service._rate(date(2026, 4, 30))
        self.assertEqual(self.total(service), 5.0 + 20.0 + 30.0)

    def test_changed_to_terms_that_bill_suspended_services_leaves_the_past_unbilled(self):
        billing = self.make_scheme("Bills on", alignment="anniversary", bill_suspended=True)
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._suspend(date(2026, 5, 1), "client")
        service._change(date(2026, 7, 1), {"tariff_id": self.make_tariff(billing, price=50.0).id})
        service._rate(date(2026, 8, 1))
        self.assertEqual(self.total(service), 30.0 + 50.0 + 50.0)
        service._resume(date(2026, 8, 10))
        service._rate(date(2026, 9, 1))
        self.assertEqual(self.total(service), 30.0 + 3 * 50.0)

    def test_changed_to_terms_that_pause_bills_the_suspended_days_before(self):
        billing = self.make_scheme("Bills on", alignment="anniversary", bill_suspended=True)
        service = self.active(date(2026, 4, 1), self.make_tariff(billing, price=60.0))
        service._suspend(date(2026, 4, 1), "client")
        service._change(date(2026, 6, 1), {"tariff_id": self.tariff.id})
        service._rate(date(2026, 8, 1))
        self.assertEqual(self.total(service), 120.0)
        service._resume(date(2026, 7, 1))
        service._rate(date(2026, 7, 1))
        self.assertEqual(self.total(service), 150.0)

    def test_the_setup_costs_what_it_cost_on_the_day_of_activation(self):
        self.tariff.setup_price = 40.0
        other = self.make_tariff(
            self.scheme, price=9.0, setup_price=99.0, product_id=self.disk.id, name="Other"
        )
        service = self.active(date(2026, 4, 1))
        service._change(date(2026, 4, 6), {"tariff_id": other.id})
        self.tariff.setup_price = 70.0
        charge = service._rate(date(2026, 4, 30)).filtered(lambda c: c.kind == "setup")
        self.assertEqual((charge.amount, charge.product_id), (40.0, self.product))
        charge._void()
        again = service._rate(date(2026, 4, 30)).filtered(lambda c: c.kind == "setup")
        self.assertEqual((again.amount, again.product_id), (40.0, self.product))

    def test_an_order_whose_tariff_got_another_currency_is_not_activated(self):
        service = self.order()
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.tariff.write({"currency_id": euro.id})
        with self.assertRaisesRegex(ValidationError, "are in EUR"):
            service._activate(date(2026, 4, 1))
        service.currency_id = euro
        service._activate(date(2026, 4, 1))
        self.assertEqual(service._rate(date(2026, 4, 1)).currency_id, euro)

    def test_a_change_to_another_currency_is_refused_when_it_is_asked_for(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        tariff = self.make_tariff(self.scheme, currency_id=euro.id)
        service = self.active(date(2026, 4, 1))
        waiting = service.request_operation(
            "change", {"quantity": 4}, effective_date=date(2099, 1, 1)
        )
        for day in (date(2026, 5, 1), date(2099, 2, 1)):
            with self.assertRaisesRegex(UserError, "are in EUR"):
                service.request_operation("change", {"tariff_id": tariff.id}, effective_date=day)
        self.assertEqual(waiting.state, "pending")

    def test_addons_that_the_tariff_offers_no_more_stay_with_their_services(self):
        service = self.active(date(2026, 4, 1), disk=6)
        service._rate(date(2026, 4, 1))
        self.addon.active = False
        service._change(date(2026, 4, 16), {"quantity": 3})
        self.assertEqual(service.addon_line_ids.quantity, 6)
        service._rate(date(2026, 5, 1))
        self.assertEqual(self.total(service), 15.0 + 45.0 + 10.0 + 90.0 + 10.0)
        service._change(date(2026, 5, 1), {"addon_quantities": {self.addon.id: 0}})
        self.assertFalse(service.addon_line_ids)
        service._terminate(date(2026, 5, 1))
        self.assertEqual(self.total(service), 15.0 + 45.0 + 10.0)

    def test_whole_period_terms_cost_the_same_whichever_of_run_and_end_comes_first(self):
        costs = []
        scheme = self.make_scheme("Whole", alignment="calendar", proration="none")
        tariff = self.make_tariff(scheme, price=30.0)
        for end in (date(2026, 4, 10), date(2026, 4, 11), date(2026, 5, 1), date(2026, 5, 2)):
            for run_first in (True, False):
                service = self.active(date(2026, 4, 10), tariff)
                if run_first:
                    service._rate(date(2026, 5, 31))
                service._terminate(end)
                service._rate(date(2026, 12, 31))
                costs.append(self.total(service))
        self.assertEqual(costs, [0.0, 0.0, 30.0, 30.0, 30.0, 30.0, 60.0, 60.0])

    def test_a_year_paid_ahead_that_becomes_monthly_is_billed_month_by_month(self):
        yearly = self.make_scheme("Yearly", alignment="anniversary", interval_unit="year")
        service = self.active(date(2026, 1, 1), self.make_tariff(yearly, price=365.0))
        service._rate(date(2026, 1, 1))
        service._change(date(2026, 3, 1), {"tariff_id": self.tariff.id})
        self.assertEqual(self.total(service), 59.0 + 30.0)
        self.assertEqual(service.rated_up_to, date(2026, 4, 1))
        charges = service._rate(date(2026, 5, 31))
        self.assertEqual(
            self.money(charges),
            [
                ("recurring", date(2026, 4, 1), date(2026, 5, 1), 30.0),
                ("recurring", date(2026, 5, 1), date(2026, 6, 1), 30.0),
            ],
        )

    def test_changed_from_advance_to_arrears_the_rest_is_billed_when_it_is_over(self):
        tariff = self.make_tariff(self.arrears, price=60.0)
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 1), {"tariff_id": tariff.id})
        self.assertEqual(self.total(service), 0.0)
        self.assertFalse(service._rate(date(2026, 4, 29)))
        service._rate(date(2026, 4, 30))
        self.assertEqual(self.total(service), 60.0)


@tagged("post_install", "-at_install")
class TestChangeOfCustomer(ServiceCase, ReportedFirst):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.heir = cls.make_customer("Heir")

    def owed(self, service):
        """{customer: what the ledger says}."""
        live = service.charge_ids.filtered(lambda c: c.state in ("rated", "invoiced", "settled"))
        return {
            partner: round(sum(charges.mapped("amount")), 2)
            for partner, charges in live.grouped("partner_id").items()
        }

    def test_days_billed_ahead_are_credited_to_the_old_and_charged_to_the_new_customer(self):
        service = self.active(date(2026, 4, 1), disk=4)
        service._rate(date(2026, 5, 1))
        service._change(date(2026, 4, 21), {"partner_id": self.heir.id})
        self.assertEqual(service.partner_id, self.heir)
        self.assertEqual(self.owed(service), {self.customer: 24.0, self.heir: 12.0 + 36.0})
        service._terminate(date(2026, 4, 26))
        self.assertEqual(self.owed(service), {self.customer: 24.0, self.heir: 6.0})

    def test_the_old_customer_pays_what_was_not_billed_yet_with_the_setup(self):
        self.tariff.setup_price = 8.0
        service = self.active(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"partner_id": self.heir.id})
        service._rate(date(2026, 4, 30))
        self.assertEqual(self.owed(service), {self.customer: 18.0, self.heir: 20.0})

    def test_another_customer_written_on_the_service_takes_it_over_from_today(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service.partner_id = self.heir
        today = self.company._billing_today()
        self.assertEqual(service.version_ids.date_to, today)
        self.assertEqual(set(service.charge_ids.partner_id), {self.customer})
        service._terminate(date(2026, 4, 16))
        self.assertEqual(self.owed(service)[self.customer], 15.0)
        with self.assertRaisesRegex(UserError, "has ended"):
            service.partner_id = self.customer

    def test_the_customer_of_an_order_is_simply_another_one(self):
        service = self.order()
        service.partner_id = self.heir
        self.assertFalse(service.version_ids)

    def test_a_change_of_customer_is_asked_for_by_dialog_and_carried_out(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        user = self.make_user("owner_user", "billing_operations.group_billing_user")
        wizard = (
            self.env["billing.service.change.wizard"]
            .with_user(user)
            .create({"service_id": service.id, "effective_date": date(2026, 4, 16)})
        )
        wizard.partner_id = self.heir
        self.assertIn("Credit", wizard.effect)
        wizard.action_apply()
        operation = service.operation_ids
        self.assertIn("Heir", operation.request_text)
        self.carry_out(service)
        self.assertEqual(self.owed(service), {self.customer: 15.0, self.heir: 15.0})

    def test_only_a_customer_of_the_company_can_take_a_service_over(self):
        service = self.active(date(2026, 4, 1))
        foreign = self.make_customer(company_id=self.make_company("Sister").id)
        gone = self.make_customer(active=False)
        for partner in (foreign.id, gone.id, "x", 0, 10**9):
            with self.assertRaisesRegex(UserError, "Choose a customer"):
                service.request_operation("change", {"partner_id": partner})

    def test_each_customer_is_billed_by_the_next_run(self):
        cycle = self.make_cycle(self.scheme)
        service = self.active(date(2026, 4, 1))
        self.make_run(cycle, date(2026, 4, 1))._execute("posting")
        service._change(date(2026, 4, 16), {"partner_id": self.heir.id})
        self.make_run(cycle, date(2026, 4, 16))._execute("posting")
        moves = self.env["account.move"].search(
            [("billing_bill_id.company_id", "=", self.company.id)]
        )
        net = {
            partner: round(sum(found.mapped("amount_untaxed_signed")), 2)
            for partner, found in moves.grouped("partner_id").items()
        }
        self.assertEqual(net, {self.customer: 15.0, self.heir: 15.0})


@tagged("post_install", "-at_install")
class TestOrderedAddons(ServiceCase):
    def test_addons_come_along_to_a_tariff_that_offers_them(self):
        service = self.active(date(2026, 4, 1), disk=3)
        target = self.make_tariff(self.scheme, price=60.0, name="Target")
        self.make_addon(target, price=4.0)
        self.addon.active = False
        service._change(date(2026, 4, 16), {"tariff_id": target.id})
        self.assertEqual(service.addon_line_ids.addon_id.tariff_id, target)
        self.assertEqual(service.addon_line_ids.quantity, 3)

    def test_an_order_may_hold_several_addons(self):
        other = self.env["billing.tariff.addon"].create(
            {"tariff_id": self.tariff.id, "product_id": self.make_product("IP").id, "price": 1.0}
        )
        service = self.order(
            addon_line_ids=[
                Command.create({"addon_id": self.addon.id, "quantity": 2}),
                Command.create({"addon_id": other.id, "quantity": 7}),
            ]
        )
        service._activate(date(2026, 4, 1))
        other.active = False
        service._change(date(2026, 4, 1), {"addon_quantities": {self.addon.id: 3}})
        service._rate(date(2026, 4, 1))
        self.assertEqual(self.total(service), 30.0 + 4.0 + 7.0)
