"""Wallets that top themselves up by the customer's saved card."""

from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import http
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .card_common import CardCase


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestTopUp(CardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.billing_wallet_account_id = cls.env["account.account"].create(
            {
                "name": "Deposits",
                "code": "DEPC",
                "account_type": "liability_current",
                "reconcile": True,
                "company_ids": cls.company.ids,
            }
        )
        cls.company.billing_card_user_id = cls.manager
        cls.card = cls.make_card()
        cls.wallet = cls.env["billing.wallet"].create(
            {
                "partner_id": cls.customer.id,
                "company_id": cls.company.id,
                "top_up_by_card": True,
                "top_up_threshold": 5,
                "top_up_amount": 20,
                "top_up_ceiling": 50,
            }
        )
        cls.wallet._credit(10, "Start")

    def top_up(self, *answers):
        """Do what the scheduled action does; return what was charged."""
        with self.card_provider(*answers) as charged:
            self.env["billing.wallet"]._cron_top_up()
            self.work()
        self.wallet.invalidate_recordset()
        return charged

    def spend(self, amount):
        self.env["billing.wallet.transaction"]._book(
            [
                {
                    "wallet_id": self.wallet.id,
                    "kind": "debit",
                    "amount": -amount,
                    "source_key": f"spend:{self.wallet.transaction_count}",
                }
            ]
        )
        self.wallet.invalidate_recordset()

    def test_it_is_topped_up_at_the_threshold_and_not_before(self):
        self.assertEqual(self.top_up(), [])
        self.spend(5)
        self.assertEqual(len(self.top_up()), 1)
        self.assertEqual((self.wallet.balance, self.wallet.top_up_spent), (25, 20))
        [charge] = self.wallet.charge_ids
        self.assertEqual((charge.kind, charge.state), ("top_up", "done"))
        self.assertEqual(charge.payment_id.billing_wallet_id, self.wallet)
        self.assertEqual(
            charge.payment_id.destination_account_id, self.company.billing_wallet_account_id
        )
        self.assertEqual(self.top_up(), [])

    def test_it_is_not_charged_beyond_the_ceiling_of_a_month(self):
        for _time in range(2):
            self.spend(self.wallet.balance)
            self.assertEqual(len(self.top_up()), 1)
        self.spend(self.wallet.balance)
        self.assertEqual(self.top_up(), [])
        self.assertIn("ceiling", self.wallet.top_up_note)
        self.assertIn("March 2026", self.wallet.top_up_note)
        count = len(self.wallet.message_ids)
        self.top_up()
        self.assertEqual(len(self.wallet.message_ids), count, "it is said once a month")
        with freeze_time("2026-04-01 08:00:00"):
            self.assertEqual(len(self.top_up()), 1)
        self.assertEqual(self.wallet.balance, 20)

    def test_one_charge_at_a_time_and_a_pending_one_counts(self):
        self.spend(10)
        self.assertEqual(len(self.top_up("pending")), 1)
        self.assertEqual(self.top_up(), [])
        self.assertEqual((self.wallet.balance, self.wallet.top_up_spent), (0, 20))
        self.wallet.charge_ids.transaction_id._set_done()
        self.work()
        self.wallet.invalidate_recordset()
        self.assertEqual(self.wallet.balance, 20)

    def test_a_declined_card_is_tried_again_then_it_is_switched_off(self):
        self.company.billing_card_retry_days = "1"
        self.spend(10)
        self.assertEqual(len(self.top_up("declined")), 1)
        self.assertTrue(self.wallet.top_up_by_card)
        self.assertEqual(self.top_up(), [], "it waits for its day")
        with freeze_time("2026-03-03 08:00:00"), self.card_provider("declined") as charged:
            self.tick()
        self.assertEqual(len(charged), 1)
        self.assertFalse(self.wallet.top_up_by_card)
        self.assertIn("Do not honour", self.wallet.top_up_note)
        mail = self.env["mail.mail"].search([("model", "=", "billing.wallet")])
        self.assertIn(f"/my/wallets/{self.wallet.id}", mail.body_html)
        last = self.wallet.charge_ids.sorted("id")[-1]
        self.assertEqual(last.activity_ids.user_id, self.manager)
        self.wallet.with_user(self.user).top_up_by_card = True
        self.assertFalse(self.wallet.top_up_note)

    def test_money_that_came_meanwhile_makes_the_next_try_needless(self):
        self.spend(10)
        self.top_up("declined")
        self.wallet._credit(30, "Paid at the counter")
        with freeze_time("2026-03-05 08:00:00"), self.card_provider("done") as charged:
            self.tick()
        self.assertEqual(charged, [])
        self.assertEqual(self.wallet.charge_ids.sorted("id")[-1].code, "paid")

    def test_a_customer_without_a_card_is_told(self):
        self.card.active = False
        self.spend(10)
        self.assertEqual(self.top_up(), [])
        self.assertFalse(self.wallet.top_up_by_card)
        self.assertIn("No saved card", self.wallet.top_up_note)

    def test_given_up_by_hand_it_is_switched_off(self):
        self.spend(10)
        self.top_up("declined")
        waiting = self.wallet.charge_ids.filtered(lambda charge: charge.state == "waiting")
        waiting.with_user(self.user).action_give_up()
        self.assertFalse(self.wallet.top_up_by_card)
        self.assertEqual(self.top_up(), [])

    def test_an_unknown_top_up_stays_unknown(self):
        self.spend(10)
        self.top_up("silent")
        [charge] = self.wallet.charge_ids
        self.assertEqual((charge.state, self.wallet.balance), ("unknown", 0))
        self.assertEqual(charge.activity_ids.user_id, self.manager)
        self.assertEqual(self.top_up(), [])
        charge.with_user(self.user).action_was_charged()
        self.work()
        self.wallet.invalidate_recordset()
        self.assertEqual(self.wallet.balance, 20)

    def test_locked_wallets_and_companies_without_an_account_are_left_alone(self):
        self.spend(10)
        self.wallet._lock_wallet("Dispute")
        self.assertEqual(self.top_up(), [])
        self.wallet._set_state("open", {"lock_reason": False})
        account = self.company.billing_wallet_account_id
        self.company.billing_wallet_account_id = False
        self.assertEqual(self.top_up(), [])
        self.company.billing_wallet_account_id = account
        self.assertEqual(len(self.top_up()), 1)

    def test_amount_and_ceiling_are_needed(self):
        for values in ({"top_up_amount": 0}, {"top_up_ceiling": 10}):
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
                self.wallet.write(values)
                self.wallet.flush_recordset()

    def test_a_card_that_tops_up_is_told_of_when_it_expires(self):
        self.customer.billing_payment_preference = "transfer"
        self.card.billing_expiry = "03/2026"
        self.env["payment.token"]._cron_tell_expiry()
        self.assertEqual(self.card.billing_expiry_told, date(2026, 3, 2))

    def test_the_number_opens_the_charges(self):
        self.spend(10)
        self.top_up()
        wallet = self.wallet.with_user(self.user)
        found = self.env["billing.card.charge"].search(wallet.action_open_charges()["domain"])
        self.assertEqual((len(found), found), (wallet.charge_count, wallet.charge_ids))
        self.assertEqual(found.with_user(self.user).action_open_wallet()["res_id"], wallet.id)


@tagged("post_install", "-at_install")
class TestTopUpPortal(CardCase, HttpCase):
    def test_the_customer_reads_how_it_is_topped_up_and_where_the_cards_are(self):
        wallet = self.env["billing.wallet"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "top_up_by_card": True,
                "top_up_threshold": 5,
                "top_up_amount": 20,
                "top_up_ceiling": 50,
            }
        )
        portal = new_test_user(self.env, "top_up_portal", groups="base.group_portal")
        portal.partner_id.parent_id = self.customer
        self.authenticate("top_up_portal", "top_up_portal")
        page = self.url_open(f"/my/wallets/{wallet.id}")
        self.assertIn("your saved card is charged with", page.text)
        self.assertIn("/my/payment_method", page.text)
        self.assertEqual(self.url_open("/my/payment_method").status_code, 200)
        wallet.top_up_by_card = False
        self.env.flush_all()
        self.assertNotIn("saved card", self.url_open(f"/my/wallets/{wallet.id}").text)


@tagged("post_install", "-at_install")
class TestSwitchTopUp(CardCase, HttpCase):
    """Customers switch the top-up of their own wallet on and off."""

    FORM = {"threshold": "5", "amount": "20.50", "ceiling": "60", "agree": "1"}

    def setUp(self):
        super().setUp()
        self.company.billing_wallet_account_id = self.env["account.account"].create(
            {
                "name": "Deposits",
                "code": "DEPP",
                "account_type": "liability_current",
                "reconcile": True,
                "company_ids": self.company.ids,
            }
        )
        self.company.write({"billing_top_up_portal": True, "billing_top_up_most": 100})
        self.wallet = self.env["billing.wallet"].create(
            {"partner_id": self.customer.id, "company_id": self.company.id}
        )
        self.person = new_test_user(self.env, "top_up_own", groups="base.group_portal").partner_id
        self.person.write({"name": "Ann Alder", "parent_id": self.customer.id})
        self.path = f"/my/wallets/{self.wallet.id}"

    def page(self):
        return self.url_open(self.path).text

    def switch(self, login="top_up_own", wallet=None, token=True, **form):
        """Post the form as somebody; the wallet is as it is afterwards."""
        self.authenticate(login, login) if login else self.authenticate(None, None)
        if token:
            form["csrf_token"] = http.Request.csrf_token(self)
        path = f"/my/wallets/{(wallet or self.wallet).id}/top_up_by_card"
        response = self.url_open(path, data=form)
        self.wallet.invalidate_recordset()
        return response

    def said(self, text):
        return self.wallet.message_ids.filtered(lambda message: text in (message.body or ""))

    def terms(self):
        wallet = self.wallet
        return (wallet.top_up_threshold, wallet.top_up_amount, wallet.top_up_ceiling)

    def test_it_is_switched_on_and_off(self):
        self.make_card()
        self.authenticate("top_up_own", "top_up_own")
        self.assertIn("I agree that my saved card", self.page())
        response = self.switch(**self.FORM)
        self.assertIn("Switch off", response.text)
        self.assertTrue(self.wallet.top_up_by_card)
        self.assertEqual(self.terms(), (5, 20.5, 60))
        [said] = self.said("Ann Alder agreed")
        self.assertIn("1111", said.body)
        self.assertEqual(said.author_id, self.person)
        response = self.switch(switch="off")
        self.assertIn("Switch on", response.text)
        self.assertFalse(self.wallet.top_up_by_card)
        self.switch(switch="off")
        self.assertEqual(len(self.said("switched topping up by card off")), 1)

    def test_it_is_asked_for_with_a_token_of_the_form(self):
        self.make_card()
        with mute_logger("odoo.http"):
            self.assertEqual(self.switch(token=False, **self.FORM).status_code, 400)
        self.assertFalse(self.wallet.top_up_by_card)
        self.authenticate("top_up_own", "top_up_own")
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open(f"{self.path}/top_up_by_card").status_code, 405)

    def test_nobody_switches_the_wallet_of_another_customer(self):
        self.make_card()
        new_test_user(self.env, "top_up_other", groups="base.group_portal")
        self.assertNotIn("Switch", self.switch("top_up_other", **self.FORM).text)
        self.assertFalse(self.wallet.top_up_by_card)
        self.wallet.write({"top_up_by_card": True, "top_up_amount": 20, "top_up_ceiling": 60})
        self.switch("top_up_other", switch="off")
        self.assertTrue(self.wallet.top_up_by_card)
        self.switch(None, switch="off")
        self.assertTrue(self.wallet.top_up_by_card)
        for user in self.env["res.users"].search([("login", "like", "top_up_o")]):
            with self.assertRaises(AccessError):
                self.wallet.with_user(user).write({"top_up_by_card": False})

    def test_what_is_wrong_with_the_amounts_is_said(self):
        self.make_card()
        for text, values in {
            "Tick that you agree": {"agree": ""},
            "as numbers": {"threshold": ""},
            "three amounts": {"amount": "nan"},
            "Write all": {"ceiling": "inf"},
            "below zero": {"threshold": "-1"},
            "how much": {"amount": "0.001"},
            "one top-up at least": {"ceiling": "20"},
            "a month can be topped up": {"ceiling": "100.01"},
        }.items():
            with self.subTest(text):
                self.assertIn(text, self.switch(**{**self.FORM, **values}).text)
                self.assertFalse(self.wallet.top_up_by_card)

    def test_without_a_card_it_cannot_be_switched_on(self):
        response = self.switch(**self.FORM)
        self.assertIn("Save a card", response.text)
        self.assertFalse(self.wallet.top_up_by_card)
        self.assertNotIn("Switch on", self.page())

    def test_where_the_company_does_not_offer_it_it_can_only_be_ended(self):
        self.make_card()
        self.company.billing_top_up_portal = False
        self.authenticate("top_up_own", "top_up_own")
        self.assertNotIn("top_up_by_card", self.page())
        self.assertIn("contact us", self.switch(**self.FORM).text)
        self.assertFalse(self.wallet.top_up_by_card)
        self.wallet.write({"top_up_by_card": True, "top_up_amount": 20, "top_up_ceiling": 60})
        self.switch(switch="off")
        self.assertFalse(self.wallet.top_up_by_card)

    def test_the_most_a_month_is_said_in_settings(self):
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.company.billing_top_up_most = 0
            self.company.flush_recordset()
