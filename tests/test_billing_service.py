"""A service from order to end: states, dates, guards, identifiers."""

from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ServiceCase


@tagged("post_install", "-at_install")
class TestServiceStates(ServiceCase):
    def test_an_order_has_a_number_and_owes_nothing(self):
        service = self.order()
        self.assertRegex(service.number, r"^S\d{5,}$")
        self.assertFalse(service.next_billing_date)
        self.assertFalse(service._rate(date(2027, 1, 1)))

    def test_a_service_never_activated_is_not_due(self):
        service = self.order(date_start=date(2026, 1, 1))
        due = self.env["billing.service"].search(service._due_domain(date(2030, 1, 1)))
        self.assertNotIn(service, due)

    def test_activation_uses_the_given_day_then_the_wished_day_then_today(self):
        given, wished, today = self.order(), self.order(date_start=date(2026, 3, 4)), self.order()
        given._activate(date(2026, 2, 2))
        with freeze_time("2026-05-05 12:00:00"):
            wished._activate()
            today._activate()
        self.assertEqual(
            [service.date_start for service in (given, wished, today)],
            [date(2026, 2, 2), date(2026, 3, 4), date(2026, 5, 5)],
        )

    def test_today_is_the_day_of_the_companys_own_zone(self):
        self.company.resource_calendar_id.tz = "Pacific/Auckland"
        with freeze_time("2026-05-05 13:00:00"):
            self.assertEqual(self.company._billing_today(), date(2026, 5, 6))

    def test_repeating_a_transition_changes_nothing(self):
        service = self.active(date(2026, 1, 1))
        service._activate(date(2026, 9, 9))
        self.assertEqual(service.date_start, date(2026, 1, 1))
        service._suspend(date(2026, 2, 1), "client")
        service._suspend(date(2026, 3, 1), "abuse")
        self.assertEqual(service.date_suspended, date(2026, 2, 1))
        self.assertEqual(service.suspension_reason, "client")
        service._terminate(date(2026, 4, 1))
        service._terminate(date(2026, 5, 1))
        self.assertEqual(service.date_end, date(2026, 4, 1))

    def test_transitions_that_make_no_sense_say_so(self):
        ordered, cancelled, ended = self.order(), self.order(), self.active()
        cancelled._cancel()
        ended._terminate(date(2026, 2, 1))
        for call, message in (
            (lambda: ordered._suspend(date(2026, 1, 1), "client"), "is ordered and cannot become"),
            (lambda: ordered._terminate(date(2026, 1, 1)), "is ordered and cannot become"),
            (lambda: cancelled._activate(date(2026, 1, 1)), "is cancelled and cannot become"),
            (lambda: ended._resume(date(2026, 1, 1)), "is terminated and cannot become active"),
            (lambda: ended._cancel(), "is terminated and cannot become cancelled"),
        ):
            with self.assertRaisesRegex(UserError, message):
                call()

    def test_one_wrong_service_in_a_batch_leaves_all_as_they_were(self):
        good, wrong = self.active(), self.order()
        with self.assertRaises(UserError):
            (good | wrong)._suspend(date(2026, 2, 1), "client")
        self.assertEqual(good.state, "active")

    def test_a_service_cannot_be_suspended_before_its_start_or_resumed_before_that(self):
        service = self.active(date(2026, 3, 1))
        with self.assertRaisesRegex(UserError, "starts on"):
            service._suspend(date(2026, 2, 1), "client")
        service._suspend(date(2026, 4, 1), "client")
        with self.assertRaisesRegex(UserError, "suspended since"):
            service._resume(date(2026, 3, 15))

    def test_services_whose_end_has_come_are_terminated_by_the_cron(self):
        service = self.active(date(2026, 1, 1))
        service._change(date(2026, 1, 1), {"date_end": date(2026, 6, 30)})
        with freeze_time("2026-06-29 12:00:00"):
            self.env["billing.service"]._cron_terminate_ended()
            self.assertEqual(service.state, "active")
        with freeze_time("2026-06-30 12:00:00"):
            self.env["billing.service"]._cron_terminate_ended()
        self.carry_out(service)
        self.assertEqual((service.state, service.date_end), ("terminated", date(2026, 6, 30)))

    def test_an_activated_service_cannot_be_deleted(self):
        with self.assertRaisesRegex(UserError, "Terminate it instead"):
            self.active().unlink()
        order = self.order()
        order.unlink()
        self.assertFalse(order.exists())


@tagged("post_install", "-at_install")
class TestServiceGuards(ServiceCase):
    def test_what_decides_the_price_is_not_edited_behind_the_ledgers_back(self):
        service = self.active(disk=2)
        for values in (
            {"quantity": 5},
            {"price": 1},
            {"discount": 50},
            {"tariff_id": self.make_tariff(self.scheme).id},
            {"date_end": "2026-12-01"},
            {"rated_up_to": "2026-12-01"},
            {"addon_line_ids": [(1, service.addon_line_ids.id, {"quantity": 5})]},
            {"addon_line_ids": [(2, service.addon_line_ids.id)]},
        ):
            with self.subTest(values=values), self.assertRaisesRegex(UserError, "Use Change"):
                service.write(values)

    def test_state_and_dates_of_rating_are_never_written_by_hand(self):
        for values in ({"state": "active"}, {"setup_due": False}, {"terms_from": "2026-01-01"}):
            with self.assertRaisesRegex(UserError, "changed with its buttons"):
                self.order().write(values)
        with self.assertRaisesRegex(UserError, "starts as ordered"):
            self.order(state="active")

    def test_saving_a_form_with_unchanged_terms_is_allowed(self):
        service = self.active()
        service.write({"quantity": 1.0, "tariff_id": self.tariff.id, "name": "Renamed"})
        self.assertEqual(service.name, "Renamed")

    def test_an_order_is_edited_freely(self):
        service = self.order(disk=2)
        service.write({"quantity": 3, "price": 12, "discount": 10, "date_start": "2026-02-01"})
        service.addon_line_ids.quantity = 4
        service._activate()
        self.assertEqual(service.rated_up_to, date(2026, 2, 1))

    def test_terms_of_running_services_keep_their_schedule(self):
        self.active()
        with self.assertRaisesRegex(UserError, "Create new terms"):
            self.scheme.interval_number = 3
        self.scheme.name = "Renamed"
        with self.assertRaisesRegex(UserError, "Create a new tariff"):
            self.tariff.term_scheme_id = self.make_scheme("Other")

    def test_a_service_is_billed_in_the_currency_of_its_tariff(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        tariff = self.make_tariff(self.scheme, currency_id=euro.id)
        self.assertEqual(self.order(tariff).currency_id, euro)
        with self.assertRaisesRegex(ValidationError, "are in EUR"):
            self.order(tariff, currency_id=self.company.currency_id.id)
        with self.assertRaisesRegex(ValidationError, "are in EUR"):
            self.active()._change(date(2026, 2, 1), {"tariff_id": tariff.id})

    def test_an_addon_stays_within_minimum_and_maximum(self):
        for quantity in (0.5, 11):
            with self.assertRaisesRegex(ValidationError, "allows 1.0 to 10.0"):
                self.order(disk=quantity)
        service = self.active(disk=5)
        with self.assertRaisesRegex(ValidationError, "allows 1.0 to 10.0"):
            service._change(date(2026, 1, 10), {"addon_quantities": {self.addon.id: 11}})

    def test_an_addon_belongs_to_the_tariff_of_its_service(self):
        other = self.make_addon(self.make_tariff(self.scheme))
        with self.assertRaisesRegex(ValidationError, "belongs to tariff"):
            self.order(addon_line_ids=[(0, 0, {"addon_id": other.id, "quantity": 1})])

    @mute_logger("odoo.sql_db")
    def test_the_database_refuses_impossible_services(self):
        for values in (
            {"quantity": 0},
            {"price": -1},
            {"discount": 101},
            {"date_start": "2026-02-01", "date_end": "2026-01-01"},
        ):
            with self.subTest(values=values), self.assertRaises(IntegrityError):
                with self.cr.savepoint():
                    self.order(**values)

    @mute_logger("odoo.sql_db")
    def test_the_database_refuses_impossible_terms(self):
        for values in (
            {"interval_number": 0},
            {"anchor_day": 32},
            {"interval_unit": "week", "alignment": "calendar", "anchor_day": 8},
        ):
            with self.subTest(values=values), self.assertRaises(IntegrityError):
                with self.cr.savepoint():
                    self.make_scheme(**values)


@tagged("post_install", "-at_install")
class TestIdentifiers(ServiceCase):
    def identify(self, service, value, start="2026-01-01", end=False, kind="number"):
        return self.env["billing.service.identifier"].create(
            {
                "service_id": service.id,
                "kind": kind,
                "value": value,
                "date_from": start,
                "date_to": end,
            }
        )

    def test_numbers_and_logins_have_one_spelling(self):
        service = self.active()
        self.assertEqual(self.identify(service, " +44 (0)20-7946 ").value, "+440207946")
        self.assertEqual(self.identify(service, "0049 30 123").value, "+4930123")
        self.assertEqual(
            self.identify(service, " Anna@Example.com", kind="login").value, "anna@example.com"
        )

    @mute_logger("odoo.sql_db")
    def test_a_number_belongs_to_one_service_at_a_time(self):
        first, second = self.active(), self.active()
        held = self.identify(first, "020 7946 0000")
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self.identify(second, "02079460000", start="2026-06-01")
        held.date_to = date(2026, 6, 1)
        self.identify(second, "02079460000", start="2026-06-01")
        self.identify(first, "020 7946 0000", kind="login")

    def test_the_same_number_may_serve_two_companies(self):
        self.identify(self.active(), "100")
        company = self.make_company("Sister")
        sister = self.env["billing.service"].create(
            {
                "partner_id": self.customer.id,
                "company_id": company.id,
                "tariff_id": self.env["billing.tariff"]
                .create(
                    {
                        "name": "Sister",
                        "company_id": company.id,
                        "product_id": self.product.id,
                        "term_scheme_id": self.scheme.copy({"company_id": company.id}).id,
                    }
                )
                .id,
            }
        )
        self.assertEqual(self.identify(sister, "100").company_id, company)

    def test_an_ended_service_gives_its_numbers_free(self):
        first = self.active()
        held = self.identify(first, "100")
        first._terminate(date(2026, 3, 1))
        self.assertEqual(held.date_to, date(2026, 3, 1))
        self.identify(self.active(), "100", start="2026-03-01")

    def test_a_cancelled_order_gives_its_numbers_free(self):
        order = self.order()
        self.identify(order, "100")
        order._cancel()
        self.identify(self.active(), "100")
