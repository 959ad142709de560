"""What bills say of the card that they are charged to."""

from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged

from .card_common import CardCase


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestCardMeans(CardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.make_card()
        cls.invoice = cls.make_invoice(due=date(2026, 3, 2))

    def said(self, *moves):
        self.env.invalidate_all()
        return self.invoice.union(*moves)._billing_payment_means()

    def test_the_bill_names_amount_and_card(self):
        means = self.said()[self.invoice]
        self.assertEqual((means.code, means.day, means.mandate), ("48", None, ""))
        self.assertIn("100.00", means.note)
        self.assertIn("1111", means.note)

    def test_charged_by_itself_it_names_the_day(self):
        self.company.billing_collect_cards_automatically = True
        later = self.make_invoice(amount=20, due=date(2026, 3, 8))
        means = self.said(later)
        self.assertEqual(means[self.invoice].day, date(2026, 3, 2))
        self.assertEqual(means[later].day, date(2026, 3, 8))
        self.assertIn("03/08/2026", means[later].note)

    def test_while_it_is_tried_again_it_names_the_next_day(self):
        with self.card_provider("declined"):
            self.submit(self.make_payment_run())
        self.assertEqual(self.said()[self.invoice].day, date(2026, 3, 5))

    def test_given_up_it_is_paid_otherwise(self):
        self.company.billing_card_retry_days = False
        with self.card_provider("declined"):
            self.submit(self.make_payment_run())
        self.assertEqual(self.said(), {})

    def test_other_invoices_say_nothing(self):
        transfer = self.make_invoice(self.make_customer("By transfer"), amount=20)
        without = self.make_invoice(self.make_payer("Without card"), amount=30)
        refund = self.make_invoice(amount=5, move_type="out_refund")
        self.assertEqual(set(self.said(transfer, without, refund)), {self.invoice})
        self.customer.billing_collection_hold = True
        self.assertEqual(self.said(), {})
        self.customer.billing_collection_hold = False
        self.card.active = False
        self.assertEqual(self.said(), {})
