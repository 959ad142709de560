"""One entry a run moves what wallets paid to income; wallets and deposits agree, or it is said why."""

from datetime import date

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .prepaid_common import MAY, PrepaidCase


class RevenueCase(PrepaidCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deposits = cls.make_account("Deposits", "217900", "liability_current")
        cls.stayed = cls.make_account("Tax on Deposits", "217901", "asset_current")
        cls.journal = cls.env["account.journal"].create(
            {"name": "Prepaid", "code": "PRE", "type": "general", "company_id": cls.company.id}
        )
        cls.company.billing_wallet_account_id = cls.deposits
        lines = cls.tax.invoice_repartition_line_ids
        cls.taxed = lines.filtered(lambda line: line.repartition_type == "tax")
        cls.taxed.account_id = cls.make_account("Tax Owed", "217902", "liability_current")
        cls.book("consumption")

    @classmethod
    def make_account(cls, name, code, kind):
        return cls.env["account.account"].create(
            {
                "name": name,
                "code": code,
                "account_type": kind,
                "company_ids": [Command.set(cls.company.ids)],
            }
        )

    @classmethod
    def book(cls, revenue):
        cls.company.write(
            {
                "billing_wallet_revenue": revenue,
                "billing_wallet_journal_id": cls.journal.id,
                "billing_wallet_tax_id": cls.tax.id,
                "billing_wallet_tax_account_id": cls.stayed.id,
            }
        )

    def pay(self, wallet, amount, day=MAY):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": wallet.partner_id.id,
                "company_id": self.company.id,
                "currency_id": wallet.currency_id.id,
                "journal_id": self.company_data_journal().id,
                "amount": amount,
                "date": day,
                "billing_wallet_id": wallet.id,
            }
        )
        payment.action_post()
        return payment

    def company_data_journal(self):
        return self.env["account.journal"].search(
            [("company_id", "=", self.company.id), ("type", "=", "bank")], limit=1
        )

    def items(self, run):
        """{account: balance} of the run's entries, taxes by their own account."""
        run.invalidate_recordset()
        lines = run.revenue_move_ids.line_ids
        return {
            account.name: round(sum(group.mapped("balance")), 2)
            for account, group in lines.grouped("account_id").items()
            if round(sum(group.mapped("balance")), 2)
        }

    def tie_out(self, run, currency=None):
        [row] = [
            row
            for row in run._wallet_tie_out()
            if row["currency"] == (currency or self.company.currency_id)
        ]
        return row


@tagged("post_install", "-at_install")
class TestRevenueOnConsumption(RevenueCase):
    def test_what_wallets_paid_moves_to_income_and_tax(self):
        self.pay(self.wallet, 50)
        other = self.make_prepaid_customer("Other")
        self.pay(self.wallet_of(other), 100)
        for partner in (self.customer, other, other):
            self.make_service(partner, self.mobile, MAY)
        run = self.run_day(date(2026, 5, 31))
        move = run.revenue_move_ids
        self.assertEqual(
            (move.state, move.date, move.journal_id), ("posted", run.transaction_date, self.journal)
        )
        figures = self.items(run)
        self.assertEqual(figures.pop("Deposits"), 103.5)
        self.assertEqual(sorted(figures.values()), [-90.0, -13.5])
        taxed = move.line_ids.filtered("tax_line_id")
        self.assertEqual((taxed.tax_line_id, taxed.balance), (self.tax, -13.5))
        self.assertEqual(move.line_ids.filtered("tax_ids").balance, -90.0)
        self.assertFalse(self.tie_out(run)["difference"])
        self.assertEqual(run._get_steps(), ["wallet_tie_out"])
        self.assertEqual(run._step("wallet_tie_out")["state"], "done")
        action = run.action_view_revenue()
        self.assertEqual(self.env["account.move"].search(action["domain"]), move)

    def test_granted_money_is_no_income(self):
        self.pay(self.wallet, 50)
        self.wallet._grant(20, "Welcome")
        self.make_service(self.customer, self.mobile, MAY)
        run = self.run_day(date(2026, 5, 31))
        self.assertEqual(self.debited(self.customer), 34.5)
        self.assertEqual(self.items(run)["Deposits"], 14.5)
        self.assertFalse(self.tie_out(run)["difference"])

    def test_a_run_that_debits_again_posts_what_is_left(self):
        self.make_service(self.customer, self.mobile, MAY)
        other = self.make_prepaid_customer("Other")
        self.pay(self.wallet_of(other), 50)
        self.make_service(other, self.mobile, MAY)
        run = self.run_day(MAY)
        self.assertEqual((run.state, self.items(run)["Deposits"]), ("completed_with_errors", 1.11))
        self.pay(self.wallet, 50)
        run.action_run_again()
        self.env["billing.task"]._run_inline(
            domain=[("res_model", "=", "billing.run"), ("res_id", "=", run.id)]
        )
        self.assertEqual((run.state, self.items(run)["Deposits"]), ("completed", 2.22))
        self.assertEqual(run.revenue_move_count, 2)
        self.assertFalse(self.tie_out(run)["difference"])
        run.action_post_revenue()
        self.assertEqual(self.items(run)["Deposits"], 2.22)

    def test_a_debit_that_is_taken_back_comes_out_of_income_with_the_next_run(self):
        self.pay(self.wallet, 50)
        self.make_service(self.customer, self.mobile, MAY)
        self.run_day(MAY)
        debit = self.wallet.transaction_ids.filtered(lambda t: t.kind == "debit")
        debit._void("Wrong")
        run = self.run_day(date(2026, 5, 3))
        # Two days of 1.11 and 1.12, less the one that came back.
        self.assertEqual(self.items(run)["Deposits"], round(2.23 - 1.11, 2))
        self.assertFalse(self.tie_out(run)["difference"])
        again = self.run_day(date(2026, 5, 4))
        self.assertEqual(self.items(again)["Deposits"], -self.wallet.transaction_ids[0].amount)

    def test_other_currencies_are_moved_at_the_rate_of_the_day(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": MAY, "rate": 0.5, "company_id": self.company.id}
        )
        wallet = self.make_wallet(self.make_customer("Euros"), currency_id=euro.id)
        wallet.partner_id.category_id = self.category
        self.pay(wallet, 50)
        tariff = self.make_tariff(self.prepaid, 30.0, currency_id=euro.id)
        self.make_service(wallet.partner_id, tariff, MAY)
        run = self.run_day(date(2026, 5, 31))
        self.assertEqual(self.items(run)["Deposits"], 69.0)
        line = run.revenue_move_ids.line_ids.filtered(lambda line: line.account_id == self.deposits)
        self.assertEqual((line.amount_currency, line.currency_id), (34.5, euro))
        self.assertFalse(self.tie_out(run, euro)["difference"])

    def test_a_locked_period_is_told_and_the_entry_posted_later(self):
        self.pay(self.wallet, 50)
        self.make_service(self.customer, self.mobile, MAY)
        self.company.fiscalyear_lock_date = date(2026, 5, 31)
        run = self.run_day(MAY)
        self.assertEqual((run.state, run.revenue_move_count), ("completed", 0))
        self.assertTrue(run.revenue_problem)
        step = run._step("wallet_tie_out")
        self.assertEqual((step["state"], len(step["buttons"])), ("problem", 1))
        self.assertEqual(self.tie_out(run)["not_covered"], -1.11)
        self.company.fiscalyear_lock_date = False
        dialog = self.env["billing.question"].browse(
            run.with_user(self.manager).action_ask_post_revenue()["res_id"]
        )
        self.assertIn("1.11", dialog.text)
        dialog.action_confirm()
        self.assertEqual((run.revenue_move_count, run.revenue_problem), (1, False))
        self.assertFalse(self.tie_out(run)["difference"])

    def test_what_is_behind_a_difference_is_listed(self):
        self.pay(self.wallet, 50)
        goodwill = self.wallet._credit(7, "Goodwill")
        self.env["account.move"].create(
            {
                "move_type": "entry",
                "journal_id": self.journal.id,
                "date": MAY,
                "line_ids": [
                    Command.create({"account_id": self.deposits.id, "credit": 3}),
                    Command.create({"account_id": self.stayed.id, "debit": 3}),
                ],
            }
        ).action_post()
        run = self.run_day(MAY)
        row = self.tie_out(run)
        self.assertEqual((row["wallets"], row["account"], row["difference"]), (57.0, 53.0, 4.0))
        self.assertEqual((row["by_hand"], row["strange"], row["rest"]), (7.0, -3.0, 0.0))
        action = run.action_view_wallet_difference("by_hand")
        self.assertEqual(self.env["billing.wallet.transaction"].search(action["domain"]), goodwill)
        self.assertEqual(run._step("wallet_tie_out")["state"], "attention")

    def test_a_company_that_does_not_want_it_has_no_entries(self):
        self.book("none")
        self.wallet._credit(50, "Top-up")
        self.make_service(self.customer, self.mobile, MAY)
        run = self.run_day(MAY)
        self.assertFalse(run.revenue_move_ids)
        self.assertEqual(run._get_steps(), [])
        with self.assertRaises(UserError):
            run.action_post_revenue()

    def test_what_entries_need_is_asked_for(self):
        with self.assertRaisesRegex(ValidationError, "Prepaid Journal"):
            self.company.billing_wallet_journal_id = False
        self.book("top_up")
        with self.assertRaisesRegex(ValidationError, "Tax on Top-Ups"):
            self.company.billing_wallet_tax_id = False


@tagged("post_install", "-at_install")
class TestRevenueOnTopUp(RevenueCase):
    def test_a_tax_without_account_is_told(self):
        self.book("top_up")
        self.taxed.account_id = False
        self.pay(self.wallet, 34.5)
        run = self.run_day(MAY)
        self.assertIn("has no account", run.revenue_problem)

    def test_tax_is_due_when_money_is_paid_in_and_not_again(self):
        self.book("top_up")
        self.pay(self.wallet, 34.5)
        self.make_service(self.customer, self.mobile, MAY)
        first = self.run_day(MAY)
        figures = self.items(first)
        self.assertEqual(figures.pop("Deposits"), 1.11)
        # 4.50 of tax on 34.50 is due; 0.14 of it was used with the first day.
        self.assertEqual(figures.pop("Tax on Deposits"), round(4.5 - 0.14, 2))
        self.assertEqual(figures.pop("Tax Owed"), -4.5)
        self.assertEqual(list(figures.values()), [-0.97])
        base = first.revenue_move_ids.line_ids.filtered("tax_ids")
        self.assertEqual((base.balance, base.account_id), (-30.0, self.deposits))
        last = self.run_day(date(2026, 5, 31))
        self.assertEqual(self.wallet.balance, 0.0)
        self.assertFalse(self.tie_out(last)["difference"])
        self.assertEqual(self.items(last)["Deposits"], 33.39)
        stayed = self.env["account.move.line"].search([("account_id", "=", self.stayed.id)])
        self.assertAlmostEqual(sum(stayed.mapped("balance")), 0.0, delta=0.011)
