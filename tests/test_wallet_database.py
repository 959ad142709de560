"""What the database itself holds of wallets, whoever writes."""

import psycopg2

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..wallets.triggers import FUNCTIONS, drop_triggers
from .wallet_common import WalletCase


@tagged("post_install", "-at_install")
class TestWalletDatabase(WalletCase):
    def setUp(self):
        super().setUp()
        self.wallet._credit(10, "Top-up")
        self.transaction = self.wallet.transaction_ids

    def refused(self, statement, *arguments):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.IntegrityError) as caught,
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(statement, arguments)
        return str(caught.exception)

    def test_a_balance_is_not_written_directly(self):
        message = self.refused(
            "UPDATE billing_wallet SET balance = balance + 1 WHERE id = %s", self.wallet.id
        )
        self.assertIn("changes by its transactions alone", message)
        self.refused("UPDATE billing_wallet SET granted_balance = 1 WHERE id = %s", self.wallet.id)

    def test_a_wallet_starts_empty(self):
        self.refused(
            "INSERT INTO billing_wallet (number, partner_id, company_id, currency_id, state,"
            " balance) VALUES ('x', %s, %s, %s, 'open', 5)",
            self.make_customer("Other").id,
            self.company.id,
            self.company.currency_id.id,
        )

    def test_a_transaction_is_neither_changed_nor_deleted(self):
        for statement in (
            "UPDATE billing_wallet_transaction SET amount = 11 WHERE id = %s",
            "UPDATE billing_wallet_transaction SET reason = 'other' WHERE id = %s",
            "DELETE FROM billing_wallet_transaction WHERE id = %s",
        ):
            self.assertIn("void them instead", self.refused(statement, self.transaction.id))
        self.refused("TRUNCATE billing_wallet_transaction CASCADE")

    def test_who_booked_may_be_forgotten(self):
        self.env.cr.execute(
            "UPDATE billing_wallet_transaction SET create_uid = NULL WHERE id = %s",
            [self.transaction.id],
        )

    INSERT = (
        "INSERT INTO billing_wallet_transaction (wallet_id, company_id, currency_id, date, kind,"
        " amount, granted_amount, balance_after, source_key, reason) VALUES (%s, %s, %s, now(),"
        " %s, %s, 0, %s, %s, 'x')"
    )

    def row(self, kind, amount, after, key="k"):
        wallet = self.wallet
        return (wallet.id, wallet.company_id.id, wallet.currency_id.id, kind, amount, after, key)

    def test_the_balance_after_must_follow(self):
        message = self.refused(self.INSERT, *self.row("debit", -3, 8))
        self.assertIn("does not follow", message)
        self.env.cr.execute(self.INSERT, self.row("debit", -3, 7))
        self.assertEqual(self.pockets(self.wallet), (7.0, 0.0))

    def test_a_transaction_is_in_the_company_and_currency_of_its_wallet(self):
        self.env.ref("base.EUR").active = True
        wallet, company, _currency, *rest = self.row("debit", -3, 7)
        message = self.refused(self.INSERT, wallet, company, self.env.ref("base.EUR").id, *rest)
        self.assertIn("in its company and currency", message)
        other = self.env["res.company"].create({"name": "Other"})
        row = self.row("debit", -3, 7)
        self.refused(self.INSERT, row[0], other.id, *row[2:])

    def test_the_credit_limit_is_kept_whoever_inserts(self):
        self.assertIn("credit_limit", self.refused(self.INSERT, *self.row("debit", -11, -1)))

    def test_the_sign_fits_the_kind(self):
        for kind, amount in (("debit", 3), ("credit", -3), ("grant", -3), ("reimburse", 3)):
            self.refused(self.INSERT, *self.row(kind, amount, 10 + amount))

    def test_a_source_is_booked_once_whoever_inserts(self):
        self.env.cr.execute(self.INSERT, self.row("debit", -3, 7))
        self.assertIn("source_once", self.refused(self.INSERT, *self.row("debit", -3, 4)))

    def test_a_limit_below_what_is_owed_is_refused(self):
        self.wallet.credit_limit = 5
        self.debit(self.wallet, 15)
        self.env.flush_all()
        self.refused("UPDATE billing_wallet SET credit_limit = 4 WHERE id = %s", self.wallet.id)

    def test_the_triggers_are_there_and_go_with_the_addon(self):
        def functions():
            self.env.cr.execute(
                "SELECT count(*) FROM pg_proc WHERE proname = ANY(%s)", [list(FUNCTIONS)]
            )
            return self.env.cr.fetchone()[0]

        self.assertEqual(functions(), len(FUNCTIONS))
        with self.env.cr.savepoint() as savepoint:
            drop_triggers(self.env)
            self.assertEqual(functions(), 0)
            savepoint.rollback()
