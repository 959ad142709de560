"""What bills say of the direct debit by which they are collected."""

from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged

from .payment_common import CREDITOR_ID, IBANS, PaymentCase


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestDebitMeans(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mandate = cls.make_mandate()
        cls.invoice = cls.make_invoice(due=date(2026, 4, 3))

    def said(self, *moves):
        self.env.invalidate_all()
        return self.invoice.union(*moves)._billing_payment_means()

    def test_the_bill_names_mandate_creditor_and_account(self):
        means = self.said()[self.invoice]
        self.assertEqual((means.code, means.mandate), ("59", self.mandate.reference))
        self.assertEqual((means.creditor, means.account), (CREDITOR_ID, IBANS[0]))
        self.assertIn("100.00", means.note)

    def test_where_a_person_decides_no_day_is_promised(self):
        means = self.said()[self.invoice]
        self.assertIsNone(means.day)
        self.assertIn("beforehand", means.note)

    def test_collected_by_itself_it_names_the_day_banks_are_open(self):
        self.company.billing_collect_automatically = True
        means = self.said()[self.invoice]
        self.assertEqual(means.day, date(2026, 4, 7))
        self.assertIn("04/07/2026", means.note)

    def test_what_is_due_too_early_is_collected_when_customers_were_told(self):
        self.company.billing_collect_automatically = True
        early = self.make_invoice(amount=20, due=date(2026, 3, 3))
        self.assertEqual(self.said(early)[early].day, date(2026, 3, 16))

    def test_in_a_payment_run_it_names_that_runs_day_and_amount(self):
        self.make_invoice(amount=30, move_type="out_refund")
        run = self.make_payment_run(wanted_date=date(2026, 4, 8))
        run.action_confirm()
        means = self.said()[self.invoice]
        self.assertEqual(means.day, date(2026, 4, 8))
        self.assertIn("70.00", means.note)
        run.action_submit()
        self.work(run)
        self.assertEqual(self.said()[self.invoice].day, date(2026, 4, 8))

    def test_other_invoices_say_nothing(self):
        transfer = self.make_invoice(self.make_customer("By transfer"), amount=20)
        without = self.make_invoice(self.make_payer("Without mandate"), amount=30)
        refund = self.make_invoice(amount=5, move_type="out_refund")
        self.assertEqual(set(self.said(transfer, without, refund)), {self.invoice})
        self.customer.billing_collection_hold = True
        self.assertEqual(self.said(), {})
        self.customer.billing_collection_hold = False
        self.company.billing_creditor_id = False
        self.assertEqual(self.said(), {})

    def test_a_batch_asks_as_often_as_one(self):
        others = [self.make_payer(f"Payer {number}") for number in range(5)]
        moves = [self.invoice]
        for number, payer in enumerate(others, 1):
            self.make_mandate(payer, IBANS[number])
            moves.append(self.make_invoice(payer))

        def queries(some):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(some._billing_payment_means()), len(some))
            return self.env.cr.sql_log_count - before

        queries(self.invoice)
        one = queries(self.invoice)
        self.assertLessEqual(queries(self.invoice.union(*moves)), one + 2)
