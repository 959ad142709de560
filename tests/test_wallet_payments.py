"""Top-ups and pay-outs by Odoo's payments: by hand, online, from bank statements."""

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.http import Request
from odoo.tests import Form, HttpCase, new_test_user, tagged

from .wallet_common import WalletCase


class WalletPaymentCase(WalletCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deposits = cls.env["account.account"].create(
            {
                "name": "Customers' deposits",
                "code": "211999",
                "account_type": "liability_current",
                "company_ids": [Command.set(cls.company.ids)],
            }
        )
        cls.company.billing_wallet_account_id = cls.deposits
        cls.bank = cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", cls.company.id)], limit=1
        )

    def deposited(self):
        """What stands on the account of customers' deposits: a liability is positive."""
        lines = self.env["account.move.line"].search(
            [("account_id", "=", self.deposits.id), ("parent_state", "=", "posted")]
        )
        return -sum(lines.mapped("balance"))

    def top_up(self, amount, user=None):
        wallet = self.wallet.with_user(user or self.user)
        action = wallet.action_top_up()
        with Form(
            self.env[action["res_model"]]
            .with_user(user or self.user)
            .with_context(**action["context"])
        ) as form:
            form.amount = amount
        form.record.action_apply()
        return self.env["account.payment"].search(
            [("billing_wallet_id", "=", self.wallet.id)], order="id desc", limit=1
        )


@tagged("post_install", "-at_install")
class TestWalletPayments(WalletPaymentCase):
    def test_a_payment_registered_on_the_wallet_tops_it_up(self):
        payment = self.top_up(50)
        self.assertEqual(self.wallet.balance, 50.0)
        self.assertEqual(payment.destination_account_id, self.deposits)
        self.assertEqual(self.deposited(), 50.0)
        transaction = self.wallet.transaction_ids
        self.assertEqual((transaction.kind, transaction.payment_id), ("credit", payment))
        self.assertEqual(transaction.action_open_document()["res_id"], payment.id)
        self.assertEqual(self.wallet.payment_count, 1)

    def test_a_payment_that_is_cancelled_is_taken_back(self):
        payment = self.top_up(50)
        payment.action_draft()
        self.assertEqual((self.wallet.balance, self.deposited()), (0.0, 0.0))
        payment.action_post()
        self.assertEqual((self.wallet.balance, self.deposited()), (50.0, 50.0))
        payment.action_draft()
        payment.action_cancel()
        self.assertEqual(self.wallet.balance, 0.0)
        self.assertEqual(
            self.wallet.transaction_ids.sorted("id").mapped("kind"),
            ["credit", "void", "credit", "void"],
        )

    def test_a_payment_of_another_amount_replaces_the_first(self):
        payment = self.top_up(50)
        payment.action_draft()
        payment.amount = 40
        payment.action_post()
        self.assertEqual((self.wallet.balance, self.deposited()), (40.0, 40.0))

    def test_the_journal_entry_alone_counts_as_well(self):
        payment = self.top_up(50)
        payment.move_id.button_draft()
        self.assertEqual(self.wallet.balance, 0.0)
        payment.move_id.action_post()
        self.assertEqual(self.wallet.balance, 50.0)

    def test_a_payment_whose_money_was_spent_is_not_cancelled(self):
        payment = self.top_up(50)
        self.debit(self.wallet, 1)
        with self.assertRaisesRegex(UserError, "credit limit"), self.env.cr.savepoint():
            payment.action_draft()

    def test_a_top_up_by_payment_is_not_voided_beside_it(self):
        self.top_up(50)
        with self.assertRaisesRegex(UserError, "Cancel the payment instead"):
            self.wallet.transaction_ids._void("x")

    def test_a_payment_of_another_customer_or_currency_is_refused(self):
        values = {
            "payment_type": "inbound",
            "partner_type": "customer",
            "journal_id": self.bank.id,
            "amount": 5,
            "billing_wallet_id": self.wallet.id,
        }
        stranger = self.make_customer("Stranger")
        with self.assertRaisesRegex(UserError, "does not belong"), self.env.cr.savepoint():
            self.env["account.payment"].create({**values, "partner_id": stranger.id})
        euro = self.env.ref("base.EUR")
        euro.active = True
        with self.assertRaisesRegex(UserError, "takes money in USD"), self.env.cr.savepoint():
            self.env["account.payment"].create(
                {**values, "partner_id": self.customer.id, "currency_id": euro.id}
            )

    def test_without_an_account_for_deposits_nothing_is_taken(self):
        self.company.billing_wallet_account_id = False
        with self.assertRaisesRegex(UserError, "Settings, Billing, Wallets"):
            self.wallet.with_user(self.user).action_top_up()

    def test_a_reimbursement_can_be_a_payment_to_the_customer(self):
        self.top_up(50)
        action = self.wallet.with_user(self.manager).action_reimburse()
        with Form(
            self.env[action["res_model"]].with_user(self.manager).with_context(**action["context"])
        ) as form:
            form.amount = 20
            form.journal_id = self.bank
            form.reason = "Leaves us"
        form.record.action_apply()
        self.assertEqual((self.wallet.balance, self.deposited()), (30.0, 30.0))
        payment = self.wallet.transaction_ids[0].payment_id
        self.assertEqual((payment.payment_type, payment.amount), ("outbound", 20.0))
        payment.action_draft()
        self.assertEqual((self.wallet.balance, self.deposited()), (50.0, 50.0))

    def test_more_than_was_paid_is_not_paid_out(self):
        self.top_up(50)
        self.wallet._grant(10, "Welcome")
        payment = self.env["account.payment"].create(
            {
                "payment_type": "outbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "journal_id": self.bank.id,
                "amount": 51,
                "billing_wallet_id": self.wallet.id,
            }
        )
        with self.assertRaisesRegex(UserError, "of paid money"), self.env.cr.savepoint():
            payment.action_post()


@tagged("post_install", "-at_install")
class TestWalletBank(WalletPaymentCase):
    def line(self, amount=30.0, **values):
        return self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.bank.id,
                "amount": amount,
                "payment_ref": f"Thank you {self.wallet.number}",
                **values,
            }
        )

    def test_a_bank_line_goes_into_the_wallet_that_its_text_names(self):
        line = self.line()
        self.user.group_ids += self.env.ref("account.group_account_basic")
        action = line.with_user(self.user).action_billing_wallet()
        dialog = (
            self.env[action["res_model"]]
            .with_user(self.user)
            .with_context(**action["context"])
            .create({})
        )
        self.assertEqual(dialog.wallet_id, self.wallet)
        dialog.action_apply()
        self.assertEqual((self.wallet.balance, self.deposited()), (30.0, 30.0))
        self.assertTrue(line.is_reconciled)
        self.assertEqual(line.partner_id, self.customer)

    def test_a_line_that_is_taken_off_leaves_nothing(self):
        line = self.line(partner_id=self.customer.id)
        line._to_wallet(self.wallet)
        with self.assertRaisesRegex(UserError, "Take the line off"):
            self.wallet.transaction_ids._void("x")
        line.action_undo_reconciliation()
        self.assertEqual((self.wallet.balance, self.deposited()), (0.0, 0.0))
        self.assertFalse(line.billing_wallet_id)
        line._to_wallet(self.wallet)
        self.assertEqual(self.wallet.balance, 30.0)

    def test_a_matched_line_is_left_alone(self):
        line = self.line()
        line._to_wallet(self.wallet)
        with self.assertRaisesRegex(UserError, "matched with something else"):
            line._to_wallet(self.wallet)

    def test_a_line_of_another_customer_is_refused(self):
        line = self.line(partner_id=self.make_customer("Stranger").id)
        with self.assertRaisesRegex(UserError, "does not belong"):
            line._to_wallet(self.wallet)

    def test_a_line_that_takes_money_pays_out(self):
        self.line()._to_wallet(self.wallet)
        self.line(-10.0)._to_wallet(self.wallet)
        self.assertEqual((self.wallet.balance, self.deposited()), (20.0, 20.0))


class OnlineCase(WalletPaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.method = cls.env.ref("payment.payment_method_unknown")
        form = cls.env["ir.ui.view"].create(
            {"name": "Form", "type": "qweb", "arch": "<form action='x' method='post'/>"}
        )
        cls.provider = cls.env["payment.provider"].create(
            {
                "name": "Online",
                "code": "none",
                "state": "test",
                "is_published": True,
                "company_id": cls.company.id,
                "payment_method_ids": [Command.set(cls.method.ids)],
                "redirect_form_view_id": form.id,
            }
        )
        cls.method.active = True
        kind = cls.env["account.payment.method"].sudo()
        kind = kind.search([("code", "=", "none")], limit=1) or kind.create(
            {"name": "None", "code": "none", "payment_type": "inbound"}
        )
        cls.bank.inbound_payment_method_line_ids = [
            Command.create({"payment_method_id": kind.id, "payment_provider_id": cls.provider.id})
        ]
        cls.provider.journal_id = cls.bank

    def transaction(self, amount=25.0):
        return self.env["payment.transaction"].create(
            {
                "provider_id": self.provider.id,
                "payment_method_id": self.method.id,
                "amount": amount,
                "currency_id": self.wallet.currency_id.id,
                "partner_id": self.customer.id,
                "billing_wallet_id": self.wallet.id,
                "operation": "online_redirect",
            }
        )


@tagged("post_install", "-at_install")
class TestWalletOnline(OnlineCase):
    def test_an_online_payment_is_in_the_wallet_once_it_is_done(self):
        transaction = self.transaction()
        self.assertIn(self.wallet.number, transaction.reference)
        transaction._set_pending()
        self.assertEqual(self.wallet.balance, 0.0)
        transaction._set_done()
        transaction._post_process()
        transaction._post_process()
        self.assertEqual((self.wallet.balance, self.deposited()), (25.0, 25.0))
        self.assertEqual(transaction.payment_id.billing_wallet_id, self.wallet)

    def test_an_online_payment_that_fails_brings_nothing(self):
        transaction = self.transaction()
        transaction._set_error("Declined")
        transaction._post_process()
        self.assertEqual(self.wallet.balance, 0.0)


@tagged("post_install", "-at_install")
class TestWalletPortal(OnlineCase, HttpCase):
    def portal_user(self, login, partner):
        return new_test_user(
            self.env,
            login=login,
            groups="base.group_portal",
            partner_id=partner.id,
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def test_the_customer_sees_balance_days_and_transactions_and_tops_up(self):
        self.portal_user("wallet_portal", self.customer)
        self.wallet._credit(12.34, "Goodwill for the outage")
        self.wallet.depletion_date = self.company._billing_today().replace(year=2099)
        self.authenticate("wallet_portal", "wallet_portal")
        page = self.url_open("/my/wallets").text
        self.assertIn("12.34", page)
        self.assertIn("Goodwill for the outage", page)
        self.assertIn("The balance pays for about", page)
        self.assertIn("Continue to payment", page)

    def test_the_top_up_leads_to_a_transaction_of_the_wallet(self):
        self.portal_user("wallet_portal", self.customer)
        self.authenticate("wallet_portal", "wallet_portal")
        token = Request.csrf_token(self)
        answer = self.url_open(
            f"/my/wallets/{self.wallet.id}/top_up", data={"amount": "20", "csrf_token": token}
        )
        self.assertIn("/payment/pay", answer.url)
        self.assertIn(f"/my/wallets/{self.wallet.id}/transaction", answer.text)
        values = self.make_jsonrpc_request(
            f"/my/wallets/{self.wallet.id}/transaction",
            {
                "provider_id": self.provider.id,
                "payment_method_id": self.method.id,
                "token_id": None,
                "amount": 20.0,
                "flow": "redirect",
                "tokenization_requested": False,
                "landing_route": f"/my/wallets/{self.wallet.id}",
                "currency_id": self.env.ref("base.EUR").id,
            },
        )
        transaction = self.env["payment.transaction"].search(
            [("reference", "=", values["reference"])]
        )
        self.assertEqual(
            (transaction.billing_wallet_id, transaction.amount, transaction.currency_id),
            (self.wallet, 20.0, self.wallet.currency_id),
        )

    def test_only_an_amount_of_money_can_be_topped_up(self):
        self.portal_user("wallet_portal", self.customer)
        self.authenticate("wallet_portal", "wallet_portal")
        token = Request.csrf_token(self)
        url = f"/my/wallets/{self.wallet.id}/top_up"
        for amount in ("", "0", "-5", "0.001", "nan", "inf", "-inf", "1e999", "ten"):
            with self.subTest(amount=amount):
                data = {"amount": amount, "csrf_token": token}
                self.assertNotIn("/payment/pay", self.url_open(url, data=data).url)
        with self.assertRaisesRegex(UserError, "more than zero"):
            self.wallet._credit(float("inf"), "Top-up")

    def test_another_customers_wallet_is_out_of_reach(self):
        self.portal_user("wallet_stranger", self.make_customer("Stranger", email="s@example.com"))
        self.wallet._credit(12.34, "Goodwill")
        self.authenticate("wallet_stranger", "wallet_stranger")
        page = self.url_open(f"/my/wallets/{self.wallet.id}")
        self.assertNotIn("12.34", page.text)
        self.assertFalse(page.url.endswith(f"/my/wallets/{self.wallet.id}"))
        self.assertIn("no prepaid balance", self.url_open("/my/wallets").text)
