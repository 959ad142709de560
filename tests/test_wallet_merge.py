"""Merging customers who have wallets keeps the money, or is refused in one sentence."""

from datetime import date

from odoo.exceptions import UserError
from odoo.tests import tagged

from .wallet_common import WalletCase


@tagged("post_install", "-at_install")
class TestWalletMerge(WalletCase):
    def setUp(self):
        super().setUp()
        self.other = self.make_customer("Other")

    def merge(self, kept, *gone):
        partners = kept.concat(*gone)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge(partners.ids, kept, extra_checks=False)
        self.env.invalidate_all()

    def test_a_wallet_follows_to_the_customer_who_stays(self):
        self.wallet._credit(50, "Top-up")
        self.merge(self.other, self.customer)
        self.assertEqual(self.wallet.partner_id, self.other)
        self.assertEqual((self.wallet.balance, self.wallet.transaction_count), (50.0, 1))

    def test_a_second_wallet_that_nothing_was_booked_on_goes(self):
        self.wallet._credit(50, "Top-up")
        empty = self.make_wallet(self.other)
        self.merge(self.other, self.customer)
        self.assertFalse(empty.exists())
        self.assertEqual((self.wallet.partner_id, self.wallet.balance), (self.other, 50.0))

    def test_of_two_that_are_empty_one_stays(self):
        empty = self.make_wallet(self.other)
        self.merge(self.other, self.customer)
        self.assertEqual(len((empty | self.wallet).exists()), 1)

    def test_wallets_in_other_currencies_stay_both(self):
        self.env.ref("base.EUR").active = True
        euros = self.make_wallet(self.other, 20, currency_id=self.env.ref("base.EUR").id)
        self.wallet._credit(50, "Top-up")
        self.merge(self.other, self.customer)
        self.assertEqual((euros | self.wallet).partner_id, self.other)
        self.assertEqual((euros.balance, self.wallet.balance), (20.0, 50.0))

    def test_two_wallets_with_money_are_not_merged(self):
        self.wallet._credit(50, "Top-up")
        second = self.make_wallet(self.other, 20)
        with self.assertRaisesRegex(UserError, "cannot be merged, because money was booked"):
            self.merge(self.other, self.customer)
        self.assertEqual((self.wallet.balance, second.balance), (50.0, 20.0))
        self.assertEqual(self.wallet.partner_id, self.customer)

    def test_charges_of_services_follow_to_the_customer_who_stays(self):
        tariff = self.make_tariff(self.make_scheme(), 30.0)
        charges = self.make_service(self.customer, tariff)._rate(date(2026, 1, 1))
        self.merge(self.other, self.customer)
        self.assertTrue(charges)
        self.assertEqual(charges.partner_id, self.other)
        self.assertFalse(self.customer.exists())

    def test_what_has_no_foreign_key_follows_too(self):
        links = self.env["base.partner.merge.automatic.wizard"]._get_fk_on("res_partner")
        self.assertIn(("billing_charge", "partner_id"), links)
        self.assertIn(("cdr_record", "partner_id"), links)
        self.assertIn(("billing_service", "partner_id"), links)
        self.assertEqual(len(set(links)), len(links))
