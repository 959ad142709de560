"""Calls of prepaid services: debited with tax, once, and part of the estimate."""

from datetime import date, timedelta

from odoo.fields import Command
from odoo.tests import tagged

from .prepaid_common import PrepaidCase
from .usage_common import UsageCase

SECOND = date(2026, 1, 2)


@tagged("post_install", "-at_install")
class TestPrepaidUsage(PrepaidCase, UsageCase):
    """A prepaid mobile of 30 a month with a number of its own, whose calls cost 0.06 a minute, and 15%
    of tax on top."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mobile = cls.make_tariff(cls.prepaid, 30.0, name="Mobile", rate_plan_id=cls.plan.id)
        cls.line = cls.make_service(cls.customer, cls.mobile)
        cls.make_number("+44 20 7946 0999", cls.line)
        cls.wallet._credit(50, "Top-up")

    def calls(self, *days, seconds=60):
        return self.load(
            *(self.january(day, seconds=seconds, identifier="442079460999") for day in days)
        )

    def test_calls_are_debited_with_tax_together_with_their_days(self):
        self.calls(1, 2, 3)
        run = self.run_day(SECOND)
        self.assertEqual((run.state, run.wallet_transaction_count), ("completed", 1))
        usage = self.line.charge_ids.filtered(lambda charge: charge.kind == "usage")
        # Two calls of 0.06, and 15% on top, as an invoice of them would come to.
        self.assertEqual((usage.amount, usage.price_includes_tax), (0.14, True))
        self.assertEqual((usage.state, usage.call_count), ("settled", 2))
        self.assertEqual(self.debited(self.customer), 2.23 + 0.14)
        self.assertEqual(run.result_ids.filtered(lambda r: r.stage == "rating").documents, 2)
        self.run_day(SECOND)
        self.assertEqual(self.debited(self.customer), 2.23 + 0.14)
        self.run_day(date(2026, 1, 3))
        self.assertEqual(self.debited(self.customer), 3.34 + 0.14 + 0.07)

    def test_late_calls_come_with_the_next_run(self):
        self.run_day(SECOND)
        self.calls(1)
        self.run_day(SECOND)
        self.assertEqual(self.debited(self.customer), 2.23 + 0.07)

    def test_calls_of_a_service_that_has_ended_are_debited(self):
        self.run_day(SECOND)
        self.line._terminate(date(2026, 1, 3))
        self.calls(2)
        self.run_day(date(2026, 1, 9))
        self.assertEqual(self.debited(self.customer), 2.23 + 0.07)

    def test_calls_that_the_wallet_does_not_pay_wait(self):
        self.wallet._reimburse(47.75, "Back")
        self.calls(1, seconds=6000)
        run = self.run_day(SECOND)
        self.assertEqual((run.state, self.debited(self.customer)), ("failed", 0.0))
        self.wallet._credit(10, "Top-up")
        self.run_day(SECOND)
        self.assertEqual(self.debited(self.customer), 2.23 + 6.90)

    def test_no_postpaid_run_takes_them(self):
        self.calls(1)
        postpaid = self.make_cycle(self.scheme, name="Postpaid")
        self.make_run(postpaid, date(2026, 1, 28))._execute("rating")
        self.assertFalse(self.line.charge_ids)

    def test_what_calls_cost_a_day_shortens_the_estimate(self):
        self.run_day(SECOND)
        without = self.wallet.depletion_date
        self.calls(*range(1, 11), seconds=600)
        self.run_day(date(2026, 1, 10))
        # 38.77 less 6.90 is left; a day costs 34.50 a month and the 0.69 of ten days' calls.
        self.assertLess(self.wallet.depletion_date, without)
        left, day = round(50 - 11.13 - 6.90, 2), date(2026, 1, 10)
        self.assertEqual(self.wallet.balance, left)
        while left >= 0:
            day += timedelta(days=1)
            length = 31 if day.month == 1 else 28
            left -= 34.5 / length + 0.69
        self.assertAlmostEqual((self.wallet.depletion_date - day).days, 0, delta=1)

    def test_only_calls_of_the_last_days_count_for_the_estimate(self):
        self.cycle.burn_days = 3
        self.calls(1, seconds=6000)
        self.run_day(SECOND)
        with_calls = self.wallet.depletion_date
        self.run_day(date(2026, 1, 5))
        self.assertGreater(self.wallet.depletion_date, with_calls + timedelta(days=7))

    def test_a_tariff_without_fixed_price_is_estimated_by_its_calls(self):
        partner = self.make_prepaid_customer("Calls only", 10)
        tariff = self.make_tariff(self.prepaid, 0.0, name="Calls", rate_plan_id=self.plan.id)
        self.make_number("+44 20 7946 0888", self.make_service(partner, tariff, SECOND))
        self.load(self.january(2, seconds=1000, identifier="442079460888"))
        self.run_day(SECOND, partner_ids=[Command.set(partner.ids)])
        wallet = self.wallet_of(partner)
        # 1.15 a day of 8.85.
        self.assertEqual(wallet.balance, 8.85)
        self.assertEqual(wallet.depletion_date, date(2026, 1, 10))

    def test_calls_at_another_price_are_corrected_with_tax(self):
        self.calls(1, 2, seconds=600)
        self.run_day(SECOND)
        self.assertEqual(self.debited(self.customer), 2.23 + 1.38)
        rate = self.env["cdr.rate"].search([("plan_id", "=", self.plan.id), ("prefix", "=", "44")])
        self.env.cr.execute("UPDATE cdr_rate SET price_minute = 0.03 WHERE id = %s", [rate.id])
        self.env.invalidate_all()
        self.records._rerate([("service_id", "=", self.line.id)], self.company)
        self.run_day(SECOND)
        self.assertEqual(self.wallet.balance, round(50 - 2.23 - 0.69, 2))
