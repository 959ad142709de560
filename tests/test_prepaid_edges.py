"""Prepaid runs where something is out of the ordinary: grants that end, days ahead, other companies,
nothing to do, charges that are there already."""

from datetime import date, timedelta
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from .prepaid_common import MAY, PrepaidCase

ONE_DAY = timedelta(days=1)


@tagged("post_install", "-at_install")
class TestGrantsInRuns(PrepaidCase):
    """Granted money ends by the calendar, whatever day a run bills."""

    def setUp(self):
        super().setUp()
        self.today = self.company._billing_today().replace(day=1)
        self.enterContext(self.on(self.today))
        self.make_service(self.customer, self.mobile, self.today)

    def on(self, day):
        company = type(self.env["res.company"])
        return patch.object(company, "_billing_today", lambda _self: day)

    def test_a_run_that_bills_ahead_ends_no_grant_before_its_time(self):
        self.wallet._grant(50, "Welcome", self.today + timedelta(days=5))
        run = self.run_day(self.today + timedelta(days=9))
        self.assertEqual(run.state, "completed")
        self.assertFalse(self.wallet.transaction_ids.filtered(lambda t: t.kind == "expiry"))
        self.assertEqual(self.wallet.granted_balance, self.wallet.balance)

    def test_what_comes_back_to_a_grant_that_has_ended_ends_too(self):
        self.wallet._grant(5, "Welcome", self.today)
        self.run_day(self.today)
        debit = self.wallet.transaction_ids.filtered(lambda t: t.kind == "debit")
        with self.on(self.today + ONE_DAY):
            self.env["billing.wallet"]._expire(self.company, self.today + ONE_DAY)
            self.assertEqual(self.pockets(self.wallet), (0.0, 0.0))
            debit._void("Outage")
            self.assertEqual(self.wallet.granted_balance, -debit.amount)
            self.assertEqual(debit.service_id.charge_ids.mapped("state"), ["waived"])
        with self.on(self.today + 2 * ONE_DAY):
            run = self.run_day(self.today + ONE_DAY)
        # The grant that came back paid for nothing: its time was over.
        self.assertEqual(self.pockets(self.wallet), (0.0, 0.0))
        self.assertEqual(run.exception_ids.mapped("error_code"), ["insufficient_funds"])


@tagged("post_install", "-at_install")
class TestPrepaidEdges(PrepaidCase):
    def test_a_run_without_customers_completes(self):
        self.cycle.partner_category_ids = self.env["res.partner.category"].create({"name": "None"})
        run = self.run_day(MAY)
        self.assertEqual((run.state, run.wallet_transaction_count), ("completed", 0))

    def test_many_customers_without_funds_take_no_more_queries_than_few(self):
        counts = []
        for size in (3, 30):
            poor = [self.make_prepaid_customer(f"Poor {size} {n}") for n in range(size)]
            for partner in poor:
                self.make_service(partner, self.mobile, MAY)
            run, among = self.make_run(self.cycle, MAY), (poor[0].id, poor[-1].id)
            run._rate_prepaid(*among)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            found = run._debit_wallets(*among)
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(found, {"debits": 0, "exceptions": size})
        self.assertLessEqual(counts[1], counts[0])

    def test_another_companys_services_and_wallets_are_left_alone(self):
        here = self.make_prepaid_customer("Both", 50)
        self.make_service(here, self.mobile, MAY)
        other = self.make_company("Other Provider")
        there = self.env(context={**self.env.context, "allowed_company_ids": other.ids})
        wallet = there["billing.wallet"].create({"partner_id": here.id, "company_id": other.id})
        wallet._credit(70, "Start")
        wallet._grant(5, "Welcome")
        scheme = there["billing.term.scheme"].create(
            {"name": "Prepaid", "classification": "prepaid", "company_id": other.id}
        )
        tariff = there["billing.tariff"].create(
            {
                "name": "Mobile",
                "company_id": other.id,
                "product_id": there["product.product"]
                .create({"name": "Mobile", "type": "service"})
                .id,
                "term_scheme_id": scheme.id,
                "price": 30.0,
            }
        )
        service = there["billing.service"].create(
            {"partner_id": here.id, "tariff_id": tariff.id, "company_id": other.id}
        )
        service._activate(MAY)
        self.run_day(MAY)
        own = self.wallet_of(here).filtered(lambda w: w.company_id == self.company)
        self.assertEqual(own.balance, 48.89)
        self.assertEqual((wallet.balance, wallet.depletion_date), (75.0, False))
        self.assertEqual((service.rated_up_to, service.charge_ids.ids), (MAY, []))

    def test_days_that_are_charged_already_are_left_out_and_the_rest_goes_on(self):
        self.wallet._credit(50, "Top-up")
        service = self.make_service(self.customer, self.mobile, MAY)
        self.run_days(MAY, 2)
        # Somebody takes the service back to its first day, and leaves the charges.
        service._own().write({"rated_up_to": MAY})
        service._own().write({"next_billing_date": MAY})
        run = self.run_day(MAY)
        self.assertEqual(run.state, "completed")
        self.assertEqual(self.debited(self.customer), 2.23)

    def test_a_service_of_a_contact_is_paid_by_the_customers_wallet(self):
        self.wallet._credit(50, "Top-up")
        contact = self.make_customer(
            "Son", parent_id=self.customer.id, category_id=[Command.set(self.category.ids)]
        )
        self.make_service(contact, self.mobile, MAY)
        self.run_day(MAY)
        self.assertEqual(self.debited(self.customer), 1.11)
        self.assertEqual(self.wallet.transaction_ids[0].charge_ids.partner_id, contact)

    def test_estimates_of_many_prices_and_none_agree(self):
        """Wallets that share a price, have one of their own, or nothing to pay."""
        partners = [self.make_prepaid_customer(f"Customer {n}", 20 + n) for n in range(4)]
        for partner, count in zip(partners, (1, 2, 2, 0), strict=True):
            for number in range(count):
                values = {"price": 17.0 + number} if partner == partners[2] else {}
                self.make_service(partner, self.mobile, MAY, **values)
        self.run_day(MAY)
        estimates = [self.wallet_of(partner).depletion_date for partner in partners]
        self.assertEqual(estimates[3], False)
        for partner, estimate in zip(partners[:3], estimates[:3], strict=True):
            with self.subTest(partner=partner.name):
                services = self.env["billing.service"].search([("partner_id", "=", partner.id)])
                left, day = self.wallet_of(partner).available, MAY
                while left >= 0:
                    day += ONE_DAY
                    rows = services._preview_charges(day)
                    left = self.wallet_of(partner).available - sum(
                        float(row["amount"]) for row in rows
                    )
                self.assertEqual(estimate, day)

    def test_a_locked_wallet_is_debited_once_it_is_unlocked(self):
        self.wallet._credit(50, "Top-up")
        self.make_service(self.customer, self.mobile, MAY)
        self.wallet._lock_wallet("Fraud")
        self.run_day(MAY)
        self.assertEqual(self.debited(self.customer), 0)
        self.wallet.action_unlock()
        self.run_day(MAY + ONE_DAY)
        self.assertEqual(self.debited(self.customer), 2.23)

    def test_missed_days_before_a_change_of_price_cost_what_they_cost_then(self):
        self.wallet._credit(50, "Top-up")
        service = self.make_service(self.customer, self.mobile, MAY)
        service._change(date(2026, 5, 3), {"price": 60.0})
        self.run_day(date(2026, 5, 4))
        charges = service.charge_ids.sorted("period_start")
        self.assertEqual(
            [(c.period_start, c.period_end, c.state) for c in charges],
            [
                (MAY, date(2026, 5, 3), "settled"),
                (date(2026, 5, 3), date(2026, 5, 5), "settled"),
            ],
        )
        self.assertEqual(self.debited(self.customer), 6.68)
