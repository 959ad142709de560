"""What does not go as usual: credit without invoices, instalments that come back, payments that
somebody has reversed in the accounts, and customers whom nobody can write to."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .payment_common import IBANS, PaymentCase
from .payment_messages import camt


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestOddCases(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mandate = cls.make_mandate()

    def take(self, *rows):
        """Import a statement with returns, and return what came of each."""
        with freeze_time("2026-03-18 08:00:00"):
            message = (
                self.env["billing.payment.return"]
                .with_user(self.user)
                ._import(self.company, "camt.xml", camt(list(rows)))
            )
        self.env.invalidate_all()
        return message.line_ids.mapped("state")

    def credit(self, amount, partner=None):
        move = self.make_invoice(partner, amount)
        refund = move._reverse_moves([{"invoice_date": date(2026, 2, 1)}])
        refund.action_post()
        move.button_draft()
        move.unlink()
        return refund

    def test_credit_beyond_the_invoices_collects_nothing_and_stays(self):
        refund = self.credit(150)
        invoice = self.make_invoice(amount=100)
        run = self.make_payment_run()
        self.assertEqual(self.states(run), {100.0: "covered"})
        with self.assertRaisesRegex(UserError, "nothing to collect"):
            run.action_confirm()
        self.assertEqual((invoice.amount_residual, refund.amount_residual), (100, 150))
        self.assertFalse(self.mandate.collection_count)

    def test_a_run_without_anything_says_so(self):
        run = self.make_payment_run()
        self.assertEqual((run.line_count, run.total_amount, run.excluded_count), (0, 0, 0))
        with self.assertRaisesRegex(UserError, "nothing to collect"):
            run.action_confirm()
        run.action_cancel()
        self.assertEqual(run.state, "cancelled")

    def test_an_instalment_that_comes_back_is_open_again_alone(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Half and half",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days})
                    for days in (0, 15)
                ],
            }
        )
        invoice = self.make_invoice(
            amount=100, due=False, invoice_payment_term_id=term.id, invoice_date=date(2026, 2, 1)
        )
        run = self.submit(self.make_payment_run())
        first, second = run.sudo().line_ids.sorted("id")
        self.assertEqual((first.amount, second.amount), (50, 50))
        self.assertEqual((first.sequence_type, second.sequence_type), ("FRST", "RCUR"))
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(self.take((second.reference, "AM04", 50, 0)), ["applied"])
        self.assertEqual(invoice.amount_residual, 50)
        self.assertEqual((first.state, second.state), ("submitted", "returned"))
        self.assertEqual(
            (first.move_line_id.amount_residual, second.move_line_id.amount_residual), (0, 50)
        )

    def test_a_payment_that_was_reversed_in_the_accounts_is_not_reversed_again(self):
        invoice = self.make_invoice(amount=100)
        run = self.submit(self.make_payment_run())
        line = run.sudo().line_ids
        payment = line.payment_id.move_id
        reversal = payment._reverse_moves([{"date": date(2026, 3, 17)}], cancel=True)
        self.assertEqual(invoice.amount_residual, 100)
        self.assertEqual(self.take((line.reference, "AM04", 100, 0)), ["applied"])
        self.assertEqual((line.state, line.return_move_id), ("returned", reversal))
        self.assertIn("reversed by hand before", line.message)
        self.assertEqual(payment.reversal_move_ids, reversal)
        self.assertEqual(invoice.amount_residual, 100)
        items = self.env["account.move.line"].search(
            [
                ("partner_id", "=", self.customer.id),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
            ]
        )
        self.assertEqual(sum(items.mapped("amount_residual")), 100)
        self.assertEqual(self.take((line.reference, "AM04", 100, 0)), ["known"])

    def test_a_payment_that_was_set_back_to_draft_can_come_back(self):
        invoice = self.make_invoice(amount=100)
        run = self.submit(self.make_payment_run())
        line = run.sudo().line_ids
        line.payment_id.action_draft()
        self.assertEqual(self.take((line.reference, "MS03", 100, 0)), ["applied"])
        self.assertEqual((line.state, invoice.amount_residual), ("returned", 100))

    def test_a_customer_without_an_address_is_debited_and_not_told(self):
        self.customer.email = False
        self.make_invoice(amount=100)
        run = self.make_payment_run()
        question = self.env["billing.question"].browse(run.action_ask_confirm()["res_id"])
        self.assertIn("0 customers by e-mail", question.text)
        self.assertIn("1 customer has no e-mail address and is not told", question.text)
        self.submit(run)
        line = run.sudo().line_ids
        self.assertEqual((line.state, line.notice_date), ("submitted", False))

    def test_a_second_company_neither_collects_nor_uses_the_mandates_of_the_first(self):
        invoice = self.make_invoice(amount=100)
        other = self.make_company_like_this()
        runs = self.env["billing.payment.run"].with_context(allowed_company_ids=other.ids)
        run = runs.with_company(other).create({"company_id": other.id})
        run._select()
        self.assertFalse(run.line_ids)
        run = self.submit(self.make_payment_run())
        line = run.sudo().line_ids
        self.assertEqual(line.move_id, invoice)
        message = (
            self.env["billing.payment.return"]
            .with_company(other)
            ._import(other, "camt.xml", camt([(line.reference, "AM04", 100, 0)]))
        )
        self.assertIn(message.line_ids.state, ("unknown", "foreign"))
        self.assertEqual(line.state, "submitted")

    def make_company_like_this(self):
        other = self.env["res.company"].create({"name": "Second", "currency_id": self.eur.id})
        self.env.user.company_ids += other
        return other

    def test_the_run_of_several_schemes_takes_each_customers_lines_together(self):
        """Whatever is read at once, the file and its references are the same."""
        payer = self.make_payer("Birch")
        self.make_mandate(payer, IBANS[1], scheme="B2B")
        for amount in (10, 20, 30):
            self.make_invoice(amount=amount)
            self.make_invoice(payer, amount=amount + 1)
        run = self.make_payment_run()
        run.action_confirm()
        lines = run.sudo().line_ids
        parts = list(run.sudo()._by_customers(lines.ids, 1))
        self.assertEqual([len(part) for part in parts], [3, 3])
        self.assertEqual([len(part.partner_id) for part in parts], [1, 1])
        self.assertEqual(sorted(sum(parts, lines.browse()).ids), sorted(lines.ids))
        run.action_submit()
        self.work(run)
        files = run.sudo().file_ids
        self.assertEqual(sorted(files.mapped("scheme")), ["B2B", "CORE"])
        self.assertEqual(sum(files.mapped("amount")), sum(lines.mapped("amount")))
        kinds = [line.sequence_type for line in lines.sorted("id")]
        self.assertEqual(kinds, ["FRST", "RCUR", "RCUR"] * 2)
