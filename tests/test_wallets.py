"""Wallets: money in and out, granted money, low balances, statements."""

from datetime import date, timedelta

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .wallet_common import WalletCase


@tagged("post_install", "-at_install")
class TestBooking(WalletCase):
    def test_a_balance_is_the_sum_of_the_transactions(self):
        self.wallet._credit(50, "Top-up")
        self.debit(self.wallet, 12.34)
        self.debit(self.wallet, 0.66)
        self.assertEqual(self.wallet.balance, 37.0)
        self.assertEqual(
            self.wallet.transaction_ids.sorted("id").mapped("balance_after"), [50.0, 37.66, 37.0]
        )

    def test_a_source_is_booked_once(self):
        first = self.wallet._credit(50, "Top-up", source_key="payment:1")
        again = self.wallet._credit(50, "Top-up", source_key="payment:1")
        self.assertTrue(first)
        self.assertFalse(again)
        self.assertEqual(self.wallet.balance, 50.0)

    def test_many_bookings_of_several_wallets_are_one_statement_in_their_order(self):
        other = self.make_wallet(self.make_customer("Other"), 10)
        self.wallet._credit(10, "Start")
        rows = [
            {"wallet_id": wallet.id, "kind": "debit", "amount": -amount, "source_key": f"t:{n}"}
            for n, (wallet, amount) in enumerate([(other, 4), (self.wallet, 1), (other, 6)])
        ]
        booked = self.env["billing.wallet.transaction"]._book(rows)
        self.assertEqual(booked.mapped("balance_after"), [6.0, 9.0, 0.0])
        self.assertEqual((self.wallet.balance, other.balance), (9.0, 0.0))

    def test_nothing_is_taken_below_the_credit_limit(self):
        self.wallet.credit_limit = 20
        self.wallet._credit(10, "Top-up")
        self.debit(self.wallet, 30)
        with self.assertRaisesRegex(UserError, "below its credit limit"):
            self.debit(self.wallet, 0.01)
        self.assertEqual((self.wallet.balance, self.wallet.available), (-20.0, 0.0))

    def test_amounts_are_rounded_to_the_currency_once(self):
        self.wallet._credit(10.005, "Top-up")
        self.assertEqual(self.wallet.balance, 10.01)

    def test_an_amount_must_be_more_than_zero_and_have_a_reason(self):
        for amount, reason in ((0, "x"), (-1, "x"), (1, " ")):
            with self.assertRaises(UserError):
                self.wallet._credit(amount, reason)

    def test_a_locked_wallet_takes_money_and_gives_none(self):
        self.wallet._credit(10, "Top-up")
        self.wallet._lock_wallet("Card was stolen")
        self.wallet._credit(10, "Top-up")
        with self.assertRaisesRegex(UserError, "Card was stolen"):
            self.debit(self.wallet, 5)
        self.wallet.with_user(self.manager).action_unlock()
        self.debit(self.wallet, 5)
        self.assertEqual((self.wallet.balance, self.wallet.lock_reason), (15.0, False))

    def test_an_empty_booking_is_nothing(self):
        self.assertFalse(self.env["billing.wallet.transaction"]._book([]))
        self.assertFalse(self.env["billing.wallet.transaction"]._void("x"))


@tagged("post_install", "-at_install")
class TestWays(WalletCase):
    def test_only_paid_money_is_reimbursed(self):
        self.wallet._credit(10, "Top-up")
        self.wallet._grant(5, "Welcome")
        with self.assertRaisesRegex(UserError, "of paid money"):
            self.wallet._reimburse(10.01, "Leaves us")
        self.wallet._reimburse(10, "Leaves us")
        self.assertEqual(self.pockets(self.wallet), (5.0, 5.0))

    def test_a_credit_limit_is_not_paid_out(self):
        self.wallet.credit_limit = 100
        with self.assertRaises(UserError):
            self.wallet._reimburse(1, "x")

    def test_a_transfer_moves_paid_money_and_is_taken_back_on_both_sides(self):
        other = self.make_wallet(self.make_customer("Other"))
        self.wallet._credit(10, "Top-up")
        sent, got = self.wallet._transfer(other, 7, "Family")
        self.assertEqual((self.wallet.balance, other.balance), (3.0, 7.0))
        self.assertEqual(sent.name, f"Transfer to {other.number}: Family")
        self.assertEqual(got.name, f"Transfer from {self.wallet.number}: Family")
        got._void("Wrong wallet")
        self.assertEqual((self.wallet.balance, other.balance), (10.0, 0.0))
        self.assertTrue(sent.void_ids and got.void_ids)

    def test_a_transfer_that_was_spent_is_not_taken_back(self):
        other = self.make_wallet(self.make_customer("Other"))
        self.wallet._credit(10, "Top-up")
        sent = self.wallet._transfer(other, 7, "Family")[0]
        self.debit(other, 1)
        with self.assertRaises(UserError):
            sent._void("Wrong wallet")
        self.assertEqual((self.wallet.balance, other.balance), (3.0, 6.0))

    def test_money_does_not_cross_currencies_or_stay_where_it_is(self):
        self.env.ref("base.EUR").active = True
        euros = self.make_wallet(self.customer, currency_id=self.env.ref("base.EUR").id)
        self.wallet._credit(10, "Top-up")
        for target in (euros, self.wallet):
            with self.assertRaises(UserError):
                self.wallet._transfer(target, 5, "x")

    def test_a_void_takes_a_transaction_back_once(self):
        credit = self.wallet._credit(10, "Typing error")
        void = credit._void("Typed twice")
        self.assertEqual((void.amount, void.voided_id, self.wallet.balance), (-10.0, credit, 0.0))
        with self.assertRaisesRegex(UserError, "taken back already"):
            credit._void("Again")
        with self.assertRaisesRegex(UserError, "void cannot be taken back"):
            void._void("Again")

    def test_money_that_was_spent_is_not_voided(self):
        credit = self.wallet._credit(10, "Top-up")
        self.debit(self.wallet, 1)
        with self.assertRaises(UserError):
            credit._void("Typing error")

    def test_voiding_a_debit_waives_what_it_paid(self):
        scheme = self.make_scheme(classification="prepaid", interval_unit="day")
        service = self.make_service(self.customer, self.make_tariff(scheme, 2.0))
        charge = service._rate(date(2026, 1, 1))
        self.wallet._credit(10, "Top-up")
        debit = self.debit(self.wallet, 2, service_id=service.id)
        charge._settle()
        charge.wallet_transaction_id = debit
        with self.assertRaisesRegex(UserError, "paid from a wallet"):
            charge._reopen()
        debit._void("Outage")
        self.assertEqual((charge.state, charge.waive_reason), ("waived", "Outage"))
        self.assertFalse(charge.wallet_transaction_id)
        self.assertEqual(self.wallet.balance, 10.0)


@tagged("post_install", "-at_install")
class TestGrants(WalletCase):
    def today(self):
        return self.company._billing_today()

    def test_a_grant_is_spent_before_paid_money_and_its_rest_expires(self):
        self.wallet._credit(10, "Top-up")
        grant = self.wallet._grant(5, "Welcome", self.today())
        self.debit(self.wallet, 2)
        self.assertEqual(self.pockets(self.wallet), (13.0, 3.0))
        wallets = self.env["billing.wallet"]
        self.assertFalse(wallets._expire(self.company, self.today()))
        tomorrow = self.today() + timedelta(days=1)
        expiry = wallets._expire(self.company, tomorrow)
        self.assertEqual((expiry.amount, expiry.grant_id, expiry.date), (-3.0, grant, tomorrow))
        self.assertEqual(self.pockets(self.wallet), (10.0, 0.0))
        self.assertFalse(wallets._expire(self.company, tomorrow))

    def test_the_scheduled_action_expires_by_the_calendar_of_the_company(self):
        with freeze_time("2026-05-31 12:00:00"):
            self.wallet._grant(5, "Welcome", date(2026, 5, 31))
            self.env["billing.wallet"]._cron_expire()
            self.assertEqual(self.wallet.balance, 5.0)
        with freeze_time("2026-06-01 12:00:00"):
            self.env["billing.wallet"]._cron_expire()
        self.assertEqual(self.pockets(self.wallet), (0.0, 0.0))

    def test_of_two_grants_the_one_that_ends_later_stays(self):
        self.wallet._grant(5, "Summer", date(2099, 6, 30))
        self.wallet._grant(5, "May", date(2099, 5, 31))
        self.debit(self.wallet, 3)
        self.env["billing.wallet"]._expire(self.company, date(2099, 6, 1))
        self.assertEqual(self.pockets(self.wallet), (5.0, 5.0))

    def test_a_grant_cannot_be_valid_in_the_past(self):
        with self.assertRaises(UserError):
            self.wallet._grant(5, "x", self.today() - timedelta(days=1))

    def test_a_grant_is_taken_back_while_nothing_of_it_was_spent(self):
        grant = self.wallet._grant(5, "Wrong customer")
        grant._void("Wrong customer")
        self.assertEqual(self.pockets(self.wallet), (0.0, 0.0))
        grant = self.wallet._grant(5, "Welcome")
        self.debit(self.wallet, 1)
        self.assertFalse(grant.can_void)
        with self.assertRaisesRegex(UserError, "was spent"):
            grant._void("Too late")


@tagged("post_install", "-at_install")
class TestLowBalance(WalletCase):
    def mails(self):
        return self.env["mail.mail"].search(
            [("model", "=", "billing.wallet"), ("res_id", "=", self.wallet.id)]
        )

    def tell(self):
        self.env["billing.wallet"]._cron_tell_low()
        return len(self.mails())

    def test_the_customer_is_told_once_each_time_the_balance_is_low(self):
        self.wallet.low_balance = 5
        self.wallet._credit(10, "Top-up")
        self.assertEqual(self.tell(), 0)
        self.debit(self.wallet, 5)
        self.assertEqual(self.tell(), 1)
        self.debit(self.wallet, 1)
        self.assertEqual(self.tell(), 1)
        self.wallet._credit(1, "Not enough")
        self.assertEqual(self.tell(), 1)
        self.wallet._credit(10, "Top-up")
        self.assertFalse(self.wallet.low_since)
        self.debit(self.wallet, 10)
        self.assertEqual(self.tell(), 2)

    def test_a_wallet_that_nothing_was_booked_on_is_not_low(self):
        self.wallet.low_balance = 5
        self.assertFalse(self.wallet.low_since)
        self.assertEqual(self.tell(), 0)

    def test_another_threshold_counts_at_once(self):
        self.wallet._credit(10, "Top-up")
        self.wallet.low_balance = 20
        self.assertTrue(self.wallet.low_since)
        self.wallet.low_balance = 2
        self.assertFalse(self.wallet.low_since)

    def test_nobody_is_told_where_the_company_does_not_want_it(self):
        self.company.billing_wallet_notices = False
        self.wallet._credit(10, "Top-up")
        self.debit(self.wallet, 10)
        self.assertEqual(self.tell(), 0)

    def test_a_customer_without_address_is_noted_in_the_history(self):
        self.customer.email = False
        self.wallet._credit(10, "Top-up")
        self.debit(self.wallet, 10)
        self.assertEqual(self.tell(), 0)
        self.assertTrue(self.wallet.low_told)
        self.assertIn("no e-mail address", self.wallet.message_ids[0].body)

    def test_the_notice_says_the_balance_and_how_long_it_lasts(self):
        self.wallet._credit(10, "Top-up")
        self.debit(self.wallet, 10)
        self.wallet.depletion_date = self.company._billing_today()
        self.tell()
        mail = self.mails()
        self.assertIn("0.00", mail.subject)
        self.assertIn("does not pay for today", mail.body_html)

    def test_after_a_top_up_nothing_is_said_until_the_next_estimate(self):
        self.wallet._credit(10, "Top-up")
        self.wallet.write({"depletion_date": self.company._billing_today()})
        self.assertIn("does not pay for today", self.wallet._days_left_text())
        self.debit(self.wallet, 1)
        self.assertTrue(self.wallet.depletion_date)
        self.wallet._credit(10, "Top-up")
        self.assertEqual((self.wallet.depletion_date, self.wallet._days_left_text()), (False, ""))

    def test_an_estimate_of_long_ago_says_when_it_was_made(self):
        today = self.company._billing_today()
        self.wallet.write(
            {
                "estimated_date": today - timedelta(days=3),
                "depletion_date": today - timedelta(days=1),
            }
        )
        self.assertIn("was expected to last until", self.wallet._days_left_text())
        self.wallet.estimated_date = today - timedelta(days=2)
        self.assertIn("does not pay for today", self.wallet._days_left_text())

    def test_new_wallets_begin_with_the_threshold_of_the_company(self):
        self.company.billing_wallet_low_balance = 7
        self.env.ref("base.EUR").active = True
        one = self.make_wallet(self.make_customer("One"))
        euros = self.make_wallet(self.make_customer("Two"), currency_id=self.env.ref("base.EUR").id)
        self.assertEqual((one.low_balance, euros.low_balance), (7.0, 0.0))


@tagged("post_install", "-at_install")
class TestWalletRecords(WalletCase):
    @mute_logger("odoo.sql_db")
    def test_a_customer_has_one_wallet_in_a_currency(self):
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.make_wallet(self.customer)

    def test_contacts_have_no_wallets_of_their_own(self):
        contact = self.make_customer("Contact", parent_id=self.customer.id)
        with self.assertRaisesRegex(ValidationError, "make the wallet for the customer"):
            self.make_wallet(contact)

    def test_what_a_wallet_is_stays_once_something_was_booked(self):
        self.wallet.partner_id = self.make_customer("Other")
        self.wallet._credit(1, "Top-up")
        with self.assertRaisesRegex(UserError, "has transactions"):
            self.wallet.partner_id = self.customer

    def test_a_wallet_with_transactions_is_not_deleted(self):
        self.make_wallet(self.make_customer("Other")).unlink()
        self.wallet._credit(1, "Top-up")
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            self.wallet.unlink()

    def test_the_balance_is_nobodys_to_write(self):
        with self.assertRaisesRegex(UserError, "by its transactions"):
            self.wallet.balance = 5

    def test_the_customers_form_leads_to_his_wallets(self):
        contact = self.make_customer("Contact", parent_id=self.customer.id)
        self.assertEqual(contact.billing_wallet_count, 1)
        action = contact.action_open_billing_wallets()
        self.assertEqual(self.env["billing.wallet"].search(action["domain"]), self.wallet)


@tagged("post_install", "-at_install")
class TestDialogs(WalletCase):
    def dialog(self, action):
        return Form(
            self.env[action["res_model"]].with_user(self.manager).with_context(**action["context"])
        )

    def test_the_dialog_shows_the_figures_before_and_after(self):
        wallet = self.wallet.with_user(self.manager)
        wallet.sudo()._credit(10, "Top-up")
        with self.dialog(wallet.action_grant()) as form:
            form.amount = 5
            self.assertEqual((form.balance, form.balance_after, form.granted_after), (10, 15, 5))
            form.reason = "Welcome"
        form.record.action_apply()
        self.assertEqual(self.pockets(self.wallet), (15.0, 5.0))

    def test_each_way_is_booked_from_its_dialog(self):
        wallet = self.wallet.with_user(self.manager)
        other = self.make_wallet(self.make_customer("Other"))
        for action, values in (
            (wallet.action_credit, {"amount": 30}),
            (wallet.action_reimburse, {"amount": 10}),
            (wallet.action_transfer, {"amount": 5, "other_wallet_id": other}),
        ):
            with self.dialog(action()) as form:
                form.reason = "Reason"
                for name, value in values.items():
                    form[name] = value
                after = form.balance_after
            form.record.action_apply()
            self.wallet.invalidate_recordset()
            self.assertEqual(self.wallet.balance, after)
        self.assertEqual((self.wallet.balance, other.balance), (15.0, 5.0))
        credit = self.wallet.transaction_ids.filtered(lambda t: t.kind == "reimburse")
        with self.dialog(credit.with_user(self.manager).action_void()) as form:
            self.assertEqual(form.balance_after, 25)
            form.reason = "Paid by mistake"
        form.record.action_apply()
        with self.dialog(wallet.action_lock()) as form:
            form.reason = "Fraud"
        form.record.action_apply()
        self.wallet.invalidate_recordset()
        self.assertEqual((self.wallet.balance, self.wallet.state), (25.0, "locked"))


@tagged("post_install", "-at_install")
class TestStatement(WalletCase):
    def test_the_statement_holds_each_transaction_of_its_days_and_the_balances(self):
        for day, amount in (("2026-04-30", 10), ("2026-05-02", 20), ("2026-06-01", 30)):
            with freeze_time(f"{day} 12:00:00"):
                self.wallet._credit(amount, f"Top-up of {amount}")
        statement = self.env["billing.wallet.statement"].create(
            {
                "wallet_id": self.wallet.id,
                "date_from": date(2026, 5, 1),
                "date_to": date(2026, 5, 31),
            }
        )
        self.assertEqual((statement.opening_balance, statement.closing_balance), (10.0, 30.0))
        action = statement.with_user(self.user).action_print()
        self.assertEqual(action["type"], "ir.actions.report")
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "billing_operations.report_wallet_statement", statement.ids
        )
        text = html.decode()
        self.assertIn("Top-up of 20", text)
        self.assertNotIn("Top-up of 30", text)
        self.assertIn(self.wallet.number, text)

    def test_a_statement_begins_before_it_ends(self):
        statement = self.env["billing.wallet.statement"].create(
            {
                "wallet_id": self.wallet.id,
                "date_from": date(2026, 6, 1),
                "date_to": date(2026, 5, 31),
            }
        )
        with self.assertRaises(UserError):
            statement.action_print()
