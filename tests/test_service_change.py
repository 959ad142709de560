"""Changes of running services: every day is billed once, at the terms that counted on it."""

import random
from datetime import date, timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from . import naive_billing
from .common import ServiceCase


@tagged("post_install", "-at_install")
class TestChangeInArrears(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme("Arrears", alignment="anniversary", timing="arrears")
        cls.tariff = cls.make_tariff(cls.scheme, price=31.0)
        cls.addon = cls.make_addon(cls.tariff)

    def test_the_old_terms_are_rated_up_to_the_change_and_the_new_ones_after_it(self):
        service = self.active(date(2026, 1, 1))
        closing = service._change(date(2026, 1, 11), {"price": 62})
        self.assertEqual(
            self.money(closing), [("recurring", date(2026, 1, 1), date(2026, 1, 11), 10.0)]
        )
        self.assertEqual(
            self.money(service._rate(date(2026, 1, 31))),
            [("recurring", date(2026, 1, 11), date(2026, 2, 1), 42.0)],
        )
        self.assertEqual(
            self.money(service._rate(date(2026, 2, 28))),
            [("recurring", date(2026, 2, 1), date(2026, 3, 1), 62.0)],
        )

    def test_missed_periods_are_rated_at_the_old_terms_before_a_change(self):
        service = self.active(date(2026, 1, 1))
        closing = service._change(date(2026, 3, 1), {"quantity": 2})
        self.assertEqual([charge.amount for charge in closing.sorted("id")], [31.0, 31.0])

    def test_a_back_dated_change_in_a_billed_month_is_settled_by_adjustments(self):
        service = self.active(date(2026, 1, 1))
        service._rate(date(2026, 1, 31))
        adjustments = service._change(date(2026, 1, 11), {"price": 62})
        self.assertEqual(
            self.money(adjustments),
            [
                ("adjustment", date(2026, 1, 11), date(2026, 2, 1), -21.0),
                ("adjustment", date(2026, 1, 11), date(2026, 2, 1), 42.0),
            ],
        )

    def test_an_end_in_the_future_bills_the_last_part_when_it_has_come(self):
        service = self.active(date(2026, 1, 1))
        self.assertFalse(service._change(date(2026, 1, 5), {"date_end": date(2026, 1, 21)}))
        self.assertFalse(service._rate(date(2026, 1, 19)))
        self.assertEqual(
            self.money(service._rate(date(2026, 1, 20))),
            [("recurring", date(2026, 1, 1), date(2026, 1, 21), 20.0)],
        )
        self.assertFalse(service.next_billing_date)


@tagged("post_install", "-at_install")
class TestChangeInAdvance(ServiceCase):
    def test_days_billed_ahead_are_credited_at_the_old_and_charged_at_the_new_price(self):
        service = self.active(date(2026, 4, 1))  # thirty days, one a day
        service._rate(date(2026, 4, 1))
        adjustments = service._change(date(2026, 4, 11), {"price": 60})
        self.assertEqual(
            self.money(adjustments),
            [
                ("adjustment", date(2026, 4, 11), date(2026, 5, 1), -20.0),
                ("adjustment", date(2026, 4, 11), date(2026, 5, 1), 40.0),
            ],
        )
        self.assertEqual(service.rated_up_to, date(2026, 5, 1))
        self.assertEqual(self.total(service), 50.0)

    def test_several_periods_billed_ahead_are_settled_one_by_one(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 6, 1))
        service._change(date(2026, 5, 1), {"quantity": 2})
        self.assertEqual(self.total(service), 30.0 + 2 * 60.0)

    def test_a_second_change_in_a_period_credits_the_price_of_the_first(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"price": 60})
        service._change(date(2026, 4, 21), {"price": 90})
        self.assertEqual(self.total(service), 10.0 + 20.0 + 30.0)

    def test_a_change_back_on_the_same_day_leaves_the_old_price(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"price": 60})
        service._change(date(2026, 4, 11), {"price": 0})
        self.assertEqual(self.total(service), 30.0)

    def test_the_credit_is_what_was_charged_even_when_the_tariff_has_a_new_price(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        self.tariff.price = 300.0
        service._terminate(date(2026, 4, 16))
        self.assertEqual(self.total(service), 15.0)

    def test_what_was_waived_is_not_credited(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))._waive("Goodwill")
        service._terminate(date(2026, 4, 16))
        self.assertEqual(self.total(service), 0.0)

    def test_an_addon_changes_alone_without_touching_the_price(self):
        service = self.active(date(2026, 4, 1), disk=2)
        service._rate(date(2026, 4, 1))
        adjustments = service._change(date(2026, 4, 16), {"addon_quantities": {self.addon.id: 4}})
        self.assertEqual(
            self.money(adjustments),
            [
                ("adjustment", date(2026, 4, 16), date(2026, 5, 1), -1.0),
                ("adjustment", date(2026, 4, 16), date(2026, 5, 1), 3.0),
            ],
        )
        self.assertEqual(adjustments.product_id, self.disk)
        self.assertEqual(service.addon_line_ids.quantity, 4)

    def test_an_addon_can_be_added_to_a_running_service(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 16), {"addon_quantities": {str(self.addon.id): 2}})
        self.assertEqual(self.total(service), 31.0)
        self.assertEqual(len(service._rate(date(2026, 5, 1))), 2)

    def test_a_free_plan_that_becomes_a_paid_one_pays_the_rest_of_the_period(self):
        service = self.active(date(2026, 4, 1), self.make_tariff(self.scheme, price=0.0))
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 16), {"tariff_id": self.tariff.id})
        self.assertEqual(self.total(service), 15.0)

    def test_a_new_tariff_takes_over_addons_of_the_same_product_and_drops_the_own_price(self):
        target = self.make_tariff(self.scheme, price=60.0)
        addon = self.make_addon(target, price=4.0)
        service = self.active(date(2026, 4, 1), disk=3, price=15)
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 16), {"tariff_id": target.id})
        self.assertEqual(service.price, 0.0)
        self.assertEqual(service.addon_line_ids.addon_id, addon)
        self.assertEqual(service.addon_line_ids.quantity, 3)
        self.assertEqual(self.total(service), 7.5 + 2.0 + 30.0 + 4.0)
        self.assertEqual(self.money(service._rate(date(2026, 5, 1)))[0][3], 60.0)

    def test_another_interval_starts_on_the_day_of_the_change(self):
        yearly = self.make_tariff(
            self.make_scheme("Yearly", alignment="anniversary", interval_unit="year"), price=365.0
        )
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"tariff_id": yearly.id})
        service._rate(date(2026, 5, 1))
        self.assertEqual(
            self.money(service.charge_ids),
            [
                ("recurring", date(2026, 4, 1), date(2026, 5, 1), 30.0),
                ("adjustment", date(2026, 4, 11), date(2026, 5, 1), -20.0),
                ("adjustment", date(2026, 4, 11), date(2026, 5, 1), 20.0),
                ("recurring", date(2026, 5, 1), date(2027, 4, 11), 345.0),
            ],
        )
        self.assertEqual(service.anchor_date, date(2026, 4, 11))

    def test_the_preview_of_a_change_is_what_the_change_charges(self):
        service = self.active(date(2026, 4, 1), disk=3)
        service._rate(date(2026, 4, 1))
        values = {"quantity": 2, "addon_quantities": {self.addon.id: 5}}
        preview = service._preview_change(date(2026, 4, 11), values)
        self.assertEqual((service.quantity, len(service.charge_ids)), (1, 2))
        charges = service._change(date(2026, 4, 11), values)
        self.assertEqual(
            [(row["name"], float(row["amount"])) for row in preview],
            charges.sorted("id").mapped(lambda charge: (charge.name, charge.amount)),
        )

    def test_changes_outside_the_life_of_the_terms_are_refused(self):
        service = self.active(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"quantity": 2, "date_end": date(2026, 6, 1)})
        for day, values, message in (
            (date(2026, 4, 10), {"quantity": 3}, "present terms count since"),
            (date(2026, 6, 1), {"quantity": 3}, "ends on"),
            (date(2026, 4, 20), {"date_end": date(2026, 3, 1)}, "starts on"),
            (date(2026, 4, 20), {"partner_id": False}, "needs a customer"),
            (date(2026, 4, 20), {"state": "active"}, "not state"),
            (date(2026, 4, 20), {"addon_quantities": {0: 1}}, "does not offer"),
        ):
            with self.subTest(values=values), self.assertRaisesRegex(UserError, message):
                service._change(day, values)
        service._terminate(date(2026, 5, 1))
        with self.assertRaisesRegex(UserError, "has ended"):
            service._change(date(2026, 4, 20), {"quantity": 3})

    def test_changing_nothing_charges_nothing(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        self.assertFalse(service._change(date(2026, 4, 11), {"quantity": 1, "price": 0.0}))
        self.assertEqual(service.change_count, 0)

    def test_an_order_is_changed_without_charges(self):
        service = self.order()
        self.assertFalse(service._change(date(2026, 4, 11), {"quantity": 7}))
        self.assertEqual(service.quantity, 7)


@tagged("post_install", "-at_install")
class TestEnd(ServiceCase):
    def test_days_after_the_end_are_credited(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 5, 1))
        service._terminate(date(2026, 4, 21))
        self.assertEqual(
            self.money(service.charge_ids.filtered(lambda c: c.kind == "adjustment")),
            [
                ("adjustment", date(2026, 4, 21), date(2026, 5, 1), -10.0),
                ("adjustment", date(2026, 5, 1), date(2026, 6, 1), -30.0),
            ],
        )
        self.assertEqual((service.state, self.total(service)), ("terminated", 20.0))
        self.assertFalse(service._rate(date(2027, 1, 1)))

    def test_an_extended_service_is_billed_exactly_once(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 10), {"date_end": date(2026, 4, 16)})
        self.assertEqual(self.total(service), 15.0)
        service._rate(date(2026, 6, 1))
        self.assertEqual(self.total(service), 15.0)
        service._change(date(2026, 4, 12), {"date_end": date(2026, 5, 11)})
        self.assertEqual(self.total(service), 30.0)
        service._rate(date(2026, 6, 1))
        self.assertEqual(self.total(service), 40.0 - 0.32)  # ten of May's 31 days: 9.68
        service._change(date(2026, 4, 12), {"date_end": False})
        service._rate(date(2026, 5, 31))
        self.assertEqual(self.total(service), 60.0)

    def test_extending_a_service_that_was_not_billed_ahead_needs_no_adjustment(self):
        service = self.active(date(2026, 4, 1))
        service._change(date(2026, 4, 1), {"date_end": date(2026, 4, 16)})
        service._rate(date(2026, 4, 1))
        self.assertEqual(self.total(service), 15.0)
        self.assertFalse(service._change(date(2026, 4, 2), {"date_end": False}))
        service._rate(date(2026, 4, 30))
        self.assertEqual(self.total(service), 30.0)

    def test_a_service_ended_before_its_last_change_is_not_extended(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._change(date(2026, 4, 16), {"price": 60})
        service._change(date(2026, 4, 16), {"date_end": date(2026, 4, 11)})
        self.assertEqual(self.total(service), 10.0)
        with self.assertRaisesRegex(UserError, "before its last change"):
            service._change(date(2026, 4, 16), {"date_end": False})

    def test_a_service_ended_on_its_first_day_costs_only_its_setup(self):
        self.tariff.setup_price = 5.0
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._terminate(date(2026, 4, 1))
        self.assertEqual(self.total(service), 5.0)

    def test_an_agreed_end_stays_when_the_service_is_terminated_later(self):
        service = self.active(date(2026, 4, 1))
        service._change(date(2026, 4, 1), {"date_end": date(2026, 4, 11)})
        service._terminate(date(2026, 6, 1))
        self.assertEqual(service.date_end, date(2026, 4, 11))


@tagged("post_install", "-at_install")
class TestSuspension(ServiceCase):
    def test_suspended_days_are_not_billed(self):
        service = self.active(date(2026, 4, 1))
        service._suspend(date(2026, 4, 11), "unpaid")
        service._rate(date(2026, 7, 1))
        self.assertEqual(self.total(service), 10.0)
        service._resume(date(2026, 6, 21))
        service._rate(date(2026, 6, 30))
        self.assertEqual(self.total(service), 20.0)

    def test_what_was_served_before_a_suspension_is_rated_on_resuming(self):
        scheme = self.make_scheme("Arrears", alignment="anniversary", timing="arrears")
        service = self.active(date(2026, 4, 1), self.make_tariff(scheme, price=30.0))
        service._suspend(date(2026, 4, 11), "client")
        service._resume(date(2026, 4, 21))
        self.assertEqual(self.total(service), 10.0)
        service._rate(date(2026, 4, 30))
        self.assertEqual(self.total(service), 20.0)

    def test_days_billed_ahead_are_not_credited_and_not_billed_again(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))
        service._suspend(date(2026, 4, 11), "client")
        service._resume(date(2026, 4, 21))
        self.assertEqual((self.total(service), service.rated_up_to), (30.0, date(2026, 5, 1)))

    def test_terms_may_bill_suspended_services_on(self):
        scheme = self.make_scheme("Keeps billing", alignment="anniversary", bill_suspended=True)
        service = self.active(date(2026, 4, 1), self.make_tariff(scheme, price=30.0))
        service._suspend(date(2026, 4, 11), "abuse")
        service._rate(date(2026, 5, 1))
        service._resume(date(2026, 5, 20))
        self.assertEqual((self.total(service), service.rated_up_to), (60.0, date(2026, 6, 1)))

    def test_a_service_ended_while_suspended_is_billed_up_to_the_suspension(self):
        service = self.active(date(2026, 4, 1))
        service._suspend(date(2026, 4, 11), "client")
        service._terminate(date(2026, 5, 11))
        service._rate(date(2026, 12, 1))
        self.assertEqual(self.total(service), 10.0)

    def test_a_change_cannot_reach_back_into_suspended_days(self):
        service = self.active(date(2026, 4, 1))
        service._suspend(date(2026, 4, 11), "client")
        service._resume(date(2026, 4, 21))
        with self.assertRaisesRegex(UserError, "present terms count since"):
            service._change(date(2026, 4, 15), {"quantity": 2})


@tagged("post_install", "-at_install")
class TestWholePeriods(ServiceCase):
    """Terms that bill started periods whole never bill one twice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme("Whole", alignment="calendar", proration="none")
        cls.tariff = cls.make_tariff(cls.scheme, price=30.0)

    def test_a_change_takes_effect_with_the_next_period(self):
        for timing in ("advance", "arrears"):
            scheme = self.make_scheme(timing, alignment="calendar", proration="none", timing=timing)
            service = self.active(date(2026, 4, 10), self.make_tariff(scheme, price=30.0))
            with self.subTest(timing=timing):
                service._rate(date(2026, 4, 15))
                service._change(date(2026, 4, 16), {"price": 60})
                self.assertEqual(self.total(service), 30.0)
                service._rate(date(2026, 5, 31))
                self.assertEqual(self.total(service), 90.0)

    def test_periods_billed_ahead_are_settled_whole(self):
        service = self.active(date(2026, 4, 10))
        service._rate(date(2026, 6, 1))
        service._change(date(2026, 4, 16), {"price": 60})
        self.assertEqual(self.total(service), 30.0 + 60.0 + 60.0)

    def test_an_end_within_a_period_gives_nothing_back(self):
        service = self.active(date(2026, 4, 10))
        service._rate(date(2026, 6, 1))
        service._terminate(date(2026, 5, 2))
        self.assertEqual(self.total(service), 60.0)

    def test_an_extension_within_a_paid_period_costs_nothing(self):
        service = self.active(date(2026, 4, 10))
        service._change(date(2026, 4, 10), {"date_end": date(2026, 4, 20)})
        service._rate(date(2026, 4, 30))
        self.assertEqual(self.total(service), 30.0)
        service._change(date(2026, 4, 10), {"date_end": date(2026, 5, 5)})
        self.assertEqual(self.total(service), 30.0)
        service._rate(date(2026, 5, 31))
        self.assertEqual(self.total(service), 60.0)

    def test_a_suspension_within_a_paid_period_is_not_billed_again(self):
        service = self.active(date(2026, 4, 10))
        service._suspend(date(2026, 4, 15), "client")
        service._rate(date(2026, 4, 30))
        service._resume(date(2026, 4, 20))
        service._rate(date(2026, 4, 30))
        self.assertEqual(self.total(service), 30.0)

    def test_resuming_in_a_later_period_bills_that_one_whole(self):
        service = self.active(date(2026, 4, 10))
        service._suspend(date(2026, 4, 15), "client")
        service._resume(date(2026, 6, 20))
        service._rate(date(2026, 6, 30))
        self.assertEqual(self.total(service), 60.0)

    def test_a_longer_interval_begun_within_a_paid_period_is_paid_once(self):
        yearly = self.make_tariff(
            self.make_scheme(
                "Yearly", alignment="anniversary", interval_unit="year", proration="none"
            ),
            price=300.0,
        )
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 5, 1))
        service._change(date(2026, 4, 16), {"tariff_id": yearly.id})
        self.assertEqual(self.total(service), 30.0 + 300.0)
        self.assertEqual(service.rated_up_to, date(2027, 5, 1))
        service._rate(date(2027, 4, 30))
        self.assertEqual(self.total(service), 330.0)


@tagged("post_install", "-at_install")
class TestChangesAgainstDays(ServiceCase):
    """Any sequence of changes and runs costs what each day cost at its own terms."""

    def test_any_life_of_changes_costs_what_its_days_cost(self):
        for seed in range(8):
            with self.subTest(seed=seed):
                self.check_life(random.Random(seed))

    def check_life(self, rng):
        timing = rng.choice(["advance", "arrears"])
        scheme = self.make_scheme(
            timing, alignment=rng.choice(["anniversary", "calendar"]), timing=timing
        )
        prices = [30.0, 47.5, 0.99, 12.34]
        start = date(2026, 1, rng.randint(1, 31))
        service = self.active(start, self.make_tariff(scheme, price=prices[0]))
        terms, day = [(start, prices[0], 1)], start
        for _step in range(rng.randint(1, 5)):
            day += timedelta(days=rng.randint(1, 25))
            for _run in range(rng.randint(0, 2)):
                service._rate(day + timedelta(days=rng.randint(-20, 70)))
            price, quantity = rng.choice(prices), rng.randint(1, 3)
            service._change(day, {"price": price, "quantity": quantity})
            terms.append((day, price, quantity))
        end = day + timedelta(days=rng.randint(0, 80))
        service._change(day, {"date_end": end})
        service._terminate(end)
        service._rate(date(2027, 12, 31))
        self.assertAlmostEqual(
            self.total(service), float(self.expected(scheme, start, end, terms)), places=2
        )

    def expected(self, scheme, start, end, terms):
        """Sum over the days of each stretch of equal terms, from the reference."""
        schedule = scheme._get_schedule(start)
        total, stops = 0, [first for first, _price, _quantity in terms[1:]] + [end]
        for (first, price, quantity), stop in zip(terms, stops, strict=True):
            while first < stop:
                full_start, full_end = naive_billing.full_period(schedule, first)
                until = min(stop, full_end)
                total += naive_billing.cost(price, quantity, 0, first, until, full_start, full_end)
                first = until
        return total
