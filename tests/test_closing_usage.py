"""Month-ends and calls: what has a price and is not charged yet, and what charges of calls hold."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .closing_common import APRIL, MARCH, MAY, ClosingUsageCase

NATIONAL, MOBILE = "442079461111", "447700900123"
CENT, DIGITS = Decimal("0.01"), Decimal("0.0001")


@tagged("post_install", "-at_install")
class TestClosingUsage(ClosingUsageCase):
    def at(self, day, destination=NATIONAL, seconds=60, month=4, hour=12, **values):
        """Return a call of a day."""
        moment = datetime(2026, month, day, hour)
        return self.call(destination, seconds, call_time=moment, **values)

    def lines(self, closing, *kinds):
        """Return the lines of calls, in the order of classes."""
        lines = closing.line_ids.filtered(
            lambda line: (
                line.kind in (kinds or ("usage",))
                and (line.kind == "usage" or line.charge_id.kind == "usage")
            )
        )
        return lines.sorted(lambda line: (line.usage_class_id.id, line.period_start, line.id))

    def amounts(self, closing, *kinds):
        return self.lines(closing, *kinds).mapped("counted_amount")

    def calls(self, line):
        """Return the calls that a line opens."""
        action = line.action_open_source()
        self.assertEqual(action["res_model"], "cdr.record")
        return self.records.search(action["domain"])

    def run_stage(self, day, stage="rating", invoiced=None):
        """Run as of a day, with documents of that day unless said otherwise."""
        run = self.make_run(self.cycle, day)
        dates = dict.fromkeys(("invoice_date", "transaction_date"), invoiced or day)
        run.write({**dates, "cutoff_date": day})
        run._execute(stage)
        return run

    # === WHAT IS COUNTED === #

    def test_calls_with_a_price_that_no_run_charged_are_earned(self):
        self.load(self.at(2), self.at(30, seconds=90), self.at(9, MOBILE))
        national, mobile = self.lines(self.closing())
        self.assertEqual((national.counted_amount, mobile.counted_amount), (0.15, 0.12))
        self.assertEqual((national.call_count, mobile.call_count), (2, 1))
        self.assertEqual(
            (national.period_start, national.period_end, national.usage_class_id),
            (date(2026, 4, 2), MAY, self.national),
        )
        self.assertEqual((national.service_id, national.partner_id), (self.service, self.customer))
        self.assertEqual(national.product_id, self.tariff.product_id)
        self.assertEqual(len(self.calls(national)), 2)
        self.assertEqual(self.calls(mobile).callee, False)
        self.assertEqual(set(self.calls(national).mapped("class_id")), {self.national})

    def test_calls_of_earlier_months_that_wait_still_are_among_them(self):
        self.load(self.at(2, month=2), self.at(2))
        self.assertEqual(self.lines(self.closing()).period_start, date(2026, 2, 2))
        self.assertEqual(self.amounts(self.closing(MARCH)), [0.06])

    def test_without_calls_nothing_is_listed(self):
        self.assertFalse(self.lines(self.closing(), "usage", "accrual", "deferral"))

    def test_calls_after_the_month_and_calls_without_a_price_stay_out(self):
        self.load(self.at(1, month=5), self.at(3, "331234567"), self.at(4))
        self.env.cr.execute(
            "UPDATE cdr_record SET state = 'ignored' WHERE call_day = %s", [date(2026, 4, 4)]
        )
        self.assertFalse(self.lines(self.closing()))

    def test_the_day_in_the_zone_of_the_company_counts(self):
        # Half past eleven at night by UTC is the first of May in London.
        self.load(self.call(NATIONAL, call_time=datetime(2026, 4, 30, 23, 30)))
        self.assertFalse(self.lines(self.closing()))

    def test_calls_of_prepaid_services_stay_out(self):
        prepaid = self.make_scheme("Prepaid", classification="prepaid")
        tariff = self.make_tariff(prepaid, 30.0, rate_plan_id=self.plan.id)
        self.make_number("+44 20 7946 0999", self.make_service(self.customer, tariff))
        self.load(self.at(2, identifier="442079460999"), self.at(3))
        self.assertEqual(self.amounts(self.closing()), [0.06])

    def test_a_class_with_a_product_of_its_own_is_booked_on_its_account(self):
        product = self.make_product("Mobile calls")
        account = self.product.product_tmpl_id.get_product_accounts()["income"].copy(
            {"code": "499902", "name": "Mobile"}
        )
        product.property_account_income_id = account
        self.mobile.product_id = product
        self.load(self.at(2, MOBILE), self.at(2))
        closing = self.closing()
        self.assertEqual(self.lines(closing).mapped("account_id.code"), ["400000", "499902"])
        closing._post()
        item = closing.item_ids.filtered(lambda line: line.account_id == account)
        self.assertEqual(item.balance, -0.12)
        opened = self.env["billing.closing.line"].search(item.action_open_closing_lines()["domain"])
        self.assertEqual(opened, self.lines(closing)[1])

    def test_prices_that_include_a_tax_are_counted_without_it(self):
        tax = self.make_tax("Included 20%", 20, price_include_override="tax_included")
        self.mobile.product_id = self.make_product("Gross", tax)
        self.load(self.at(2, MOBILE, 600))
        self.assertEqual(self.amounts(self.closing()), [1.0])

    def test_a_sum_is_rounded_once(self):
        self.load(*(self.at(2 + n, seconds=1) for n in range(9)))
        self.assertEqual(self.amounts(self.closing()), [0.01])

    def test_amounts_in_another_currency_are_converted_at_the_last_day(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {
                "name": date(2026, 4, 30),
                "rate": 0.8,
                "currency_id": euro.id,
                "company_id": self.company.id,
            }
        )
        plan = self.make_plan("Euro", currency_id=euro.id)
        self.make_rate("44", 0.6, plan)
        tariff = self.make_tariff(self.scheme, rate_plan_id=plan.id, currency_id=euro.id)
        service = self.make_service(self.make_customer("Euro"), tariff)
        self.make_number("+44 20 7946 0777", service)
        self.load(self.at(2, seconds=600, identifier="442079460777"))
        line = self.lines(self.closing())
        self.assertEqual((line.currency_id, line.counted_amount, line.balance), (euro, 6.0, 7.5))

    # === INCLUDED MINUTES AND TIERS === #

    def test_included_minutes_are_used_up_by_calls_charged_before(self):
        self.env["cdr.rate.allowance"].create(
            {"plan_id": self.plan.id, "name": "3 minutes", "minutes": 3}
        )
        self.load(self.at(2, seconds=120))
        self.run_stage(date(2026, 4, 10))
        self.load(self.at(12, seconds=120), self.at(20, seconds=120, month=3))
        line = self.lines(self.closing())
        # March has three minutes of its own; of April's second call one minute is left to pay.
        self.assertEqual((line.counted_amount, line.call_count), (0.06, 2))

    def test_tiers_lower_the_price(self):
        tier = {"plan_id": self.plan.id, "class_id": self.national.id}
        self.env["cdr.rate.tier"].create({**tier, "minutes_from": 2, "price_minute": 0.01})
        self.load(self.at(2, seconds=90), self.at(3, seconds=90))
        self.assertEqual(self.amounts(self.closing()), [0.13])

    def test_calls_that_are_all_included_make_no_line(self):
        self.env["cdr.rate.allowance"].create(
            {"plan_id": self.plan.id, "name": "9 minutes", "minutes": 9}
        )
        self.load(self.at(2))
        self.assertFalse(self.lines(self.closing()))

    # === ONCE === #

    def test_calls_that_are_charged_and_not_invoiced_are_counted_once(self):
        self.load(self.at(2), self.at(3))
        run = self.run_stage(date(2026, 4, 28))
        self.load(self.at(5, seconds=600))
        closing = self.closing()
        self.assertEqual(self.amounts(closing, "accrual"), [0.12])
        self.assertEqual(self.amounts(closing), [0.6])
        self.assertEqual(self.usage(run).call_count, 2)

    def test_calls_on_an_invoice_of_the_month_are_not_counted(self):
        self.load(self.at(2))
        self.run_stage(date(2026, 4, 28), "posting")
        self.assertFalse(self.lines(self.closing(), "usage", "accrual", "deferral"))

    def test_of_a_charge_of_two_months_the_calls_of_the_month_count(self):
        # By days it would be 29 of 32 thirty-seconds.
        self.load(self.at(2), self.at(3, month=5, seconds=6000))
        before = self.closing()
        total = self.amounts(before)
        before.unlink()
        run = self.run_stage(date(2026, 5, 4))
        self.assertEqual(self.usage(run).amount, 6.06)
        self.assertEqual(self.amounts(self.closing(), "accrual"), total)
        self.assertEqual(total, [0.06])

    def test_of_calls_invoiced_ahead_those_after_the_month_are_put_off(self):
        self.load(self.at(2), self.at(3, month=5, seconds=6000))
        self.run_stage(date(2026, 5, 4), "posting", date(2026, 4, 30))
        self.assertEqual(self.amounts(self.closing(), "deferral"), [6.0])

    def test_charges_whose_calls_are_archived_count_by_their_days(self):
        self.load(self.at(30), self.at(1, month=5))
        self.run_stage(date(2026, 5, 4))
        self.env.cr.execute("DELETE FROM cdr_record WHERE call_day = %s", [MAY])
        self.assertEqual(self.amounts(self.closing(), "accrual"), [0.06])

    # === LATER CHANGES === #

    def test_billed_after_the_month_it_still_comes_to_the_same(self):
        self.load(self.at(2), self.at(3, MOBILE), self.at(2, month=5, seconds=600))
        closing = self.closing()
        closing._post()
        self.run_stage(date(2026, 5, 4), "posting")
        self.assertFalse([text for text in closing._differences() if "Earned" in text])

    def test_calls_that_come_late_or_at_another_price_are_found_by_checking(self):
        self.load(self.at(2, seconds=600))
        closing = self.closing()
        before = closing.accrued_amount
        closing._post()
        self.load(self.at(4, seconds=600))
        self.env.cr.execute(
            "UPDATE cdr_rate SET price_minute = 0.03 WHERE plan_id = %s AND prefix = '44'",
            [self.plan.id],
        )
        self.env.invalidate_all()
        self.records._rerate([("company_id", "=", self.company.id)], self.company)
        self.load(self.at(5, seconds=600))
        self.assertEqual(len(closing._differences()), 1)
        new = closing._replace()
        self.assertEqual(self.amounts(new), [0.9])
        self.assertAlmostEqual(new.accrued_amount, before + 0.3)
        self.assertFalse(self.balances(closing.move_ids))

    def test_a_charge_corrected_after_the_month_comes_to_the_new_price_for_it(self):
        self.load(self.at(2, seconds=600), self.at(3, month=5, seconds=600))
        run = self.run_stage(date(2026, 5, 4), "posting")
        self.env.cr.execute("UPDATE cdr_rate SET price_minute = 0.03 WHERE prefix = '44'")
        self.env.invalidate_all()
        self.records._rerate([("company_id", "=", self.company.id)], self.company)
        charges = self.usage(run)
        self.assertEqual(sorted(charges.correction_ids.mapped("amount")), [-1.2, 0.6])
        # The old charge, what takes it back, and the new one.
        self.assertEqual(sorted(self.amounts(self.closing(), "accrual", "usage")), [-0.6, 0.3, 0.6])

    # === THE LIST BEHIND A FIGURE === #

    def test_a_line_opens_its_calls_also_once_they_are_charged(self):
        self.load(self.at(2))
        first = self.usage(self.run_stage(date(2026, 4, 10), "posting"))
        self.load(self.at(1, seconds=90), self.at(4, seconds=90))
        closing = self.closing()
        # What was charged before the month-end was counted has its own line.
        self.made(first, closing.counted_date - timedelta(days=1))
        line = self.lines(closing)
        calls = self.calls(line)
        self.assertEqual((len(calls), line.call_count), (2, 2))
        second = self.usage(self.run_stage(date(2026, 5, 4), "posting"))
        self.made(second, closing.counted_date + timedelta(days=1))
        self.assertEqual(self.calls(line), calls)
        self.assertEqual(set(calls.mapped("state")), {"charged"})
        self.env.cr.execute("UPDATE cdr_rate SET price_minute = 0.03 WHERE prefix = '44'")
        self.env.invalidate_all()
        self.records._rerate([("company_id", "=", self.company.id)], self.company)
        again = (first | second).correction_ids
        self.assertEqual(len(again), 4)
        self.made(again, closing.counted_date + timedelta(days=2))
        self.assertEqual(self.calls(line), calls)

    def made(self, charges, moment):
        """Have charges be made at a moment: the clock of a transaction stands still."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE billing_charge SET create_date = %s WHERE id = ANY(%s)", [moment, charges.ids]
        )
        self.env.invalidate_all()

    def test_who_may_not_see_calls_sees_the_figure_alone(self):
        self.load(self.at(2))
        self.env.ref("billing_operations.access_cdr_record_user").active = False
        closing = self.env["billing.closing"].with_user(self.user)
        closing = closing.create({"company_id": self.company.id, "month": APRIL})
        closing.action_count()
        line = self.lines(closing)
        self.assertEqual((line.counted_amount, line.call_count), (0.06, 1))
        with self.assertRaises(AccessError):
            line.action_open_source()

    def test_billing_users_count_and_open_calls(self):
        self.load(self.at(2))
        closing = self.env["billing.closing"].with_user(self.user)
        closing = closing.create({"company_id": self.company.id, "month": APRIL})
        closing.action_count()
        line = self.lines(closing)
        calls = line.env["cdr.record"].search(line.action_open_source()["domain"])
        self.assertEqual(len(calls), 1)

    def test_calls_of_another_company_are_its_own(self):
        self.load(self.at(2))
        other = self.make_company("Other closing")
        self.set_up_closing(other)
        theirs = self.env["billing.closing"].create({"company_id": other.id, "month": APRIL})
        theirs.with_company(other)._count()
        self.assertFalse(theirs.line_ids)
        self.assertEqual(self.amounts(self.closing()), [0.06])

    # === A PLAIN REFERENCE === #

    @settings(
        max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(
        waves=st.lists(
            st.lists(
                st.tuples(
                    st.integers(3, 5),
                    st.integers(1, 28),
                    st.booleans(),
                    st.integers(0, 400),
                    st.booleans(),
                ),
                max_size=12,
            ),
            min_size=2,
            max_size=2,
        ),
        charged_until=st.integers(1, 28),
        minutes=st.sampled_from([0, 3, 10]),
    )
    def test_what_calls_come_to_by_a_plain_loop(self, waves, charged_until, minutes):
        with self.env.cr.savepoint() as savepoint:
            self.compare(waves, date(2026, 4, charged_until), minutes)
            savepoint.rollback()
        self.env.invalidate_all(flush=False)

    def compare(self, waves, charged_until, minutes):
        second = self.make_service(self.customer, self.tariff)
        self.make_number("+44 20 7946 0555", second)
        if minutes:
            self.env["cdr.rate.allowance"].create(
                {"plan_id": self.plan.id, "name": "x", "minutes": minutes}
            )
        used: dict = defaultdict(int)
        expected: dict = defaultdict(Decimal)
        number, left = 0, []
        for place, wave in enumerate(waves):
            calls = []
            for month, day, mobile, seconds, on_second in wave:
                number += 1
                moment = datetime(2026, month, day, 8, number)
                service = second if on_second else self.service
                rate_class = self.mobile if mobile else self.national
                calls.append((moment, seconds, service, rate_class))
                identifier = "442079460555" if on_second else "442079460000"
                destination = MOBILE if mobile else NATIONAL
                self.load(self.call(destination, seconds, call_time=moment, identifier=identifier))
            left += calls
            if place == 0:
                self.run_stage(charged_until)
                done = [call for call in left if call[0].date() <= charged_until]
                left = [call for call in left if call not in done]
                self.charge(done, used, minutes)
        for (service, rate_class), amount in self.charge(
            [call for call in left if call[0].date() < MAY], used, minutes
        ).items():
            if rounded := amount.quantize(CENT, ROUND_HALF_UP):
                expected[service, rate_class] = rounded
        closing = self.closing()
        found = {
            (line.service_id, line.usage_class_id): Decimal(str(line.counted_amount))
            for line in self.lines(closing)
        }
        self.assertEqual(found, expected)
        total = round(sum(self.amounts(closing, "usage", "accrual")), 2)
        closing.unlink()
        # Charged in May together with May's calls, it is the same to the cent.
        self.run_stage(date(2026, 5, 29))
        after = self.closing()
        self.assertFalse(self.lines(after))
        self.assertEqual(round(sum(self.amounts(after, "accrual")), 2), total)

    def charge(self, calls, used, minutes):
        """Return ``{(service, class): amount}`` of calls, one by one in the order of time."""
        amounts = defaultdict(Decimal)
        for moment, seconds, service, rate_class in sorted(calls, key=lambda call: call[0]):
            price = Decimal("0.12") if rate_class == self.mobile else Decimal("0.06")
            amount = (price * seconds / 60).quantize(DIGITS, ROUND_HALF_UP)
            included = min(seconds, minutes * 60 - used[service, moment.month])
            used[service, moment.month] += included
            if included:
                amount = (amount * (seconds - included) / seconds).quantize(DIGITS, ROUND_HALF_UP)
            amounts[service, rate_class] += amount
        return amounts
