"""Lines of bank statements that name what they pay: found, proposed and matched."""

import unittest
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..payment_runs.bank_references import Open, compact, named, paid
from .payment_common import IBANS, PaymentCase


class TestBankReferences(unittest.TestCase):
    def test_references_are_found_however_the_bank_writes_them(self):
        reference = compact("INV/2026/00012")
        for text in (
            "INV/2026/00012",
            "thanks, inv 2026 00012!",
            "INV202600012",
            "your invoice INV-2026-00012 of May",
        ):
            self.assertIn(reference, named(text), text)
        self.assertIn(compact("RF18 5390 0754 7034"), named("SVWZ+RF18 5390 0754 7034 ABC"))

    def test_a_part_of_a_longer_number_is_no_reference(self):
        for text in ("INV/2026/000123", "XINV/2026/00012", "INV/2026/0001"):
            self.assertNotIn(compact("INV/2026/00012"), named(text), text)

    def test_short_words_are_no_references(self):
        self.assertFalse(named("a 12 of 7"[:1]))
        self.assertNotIn("2026", named("2026"))
        self.assertFalse(named(None))

    def test_what_an_amount_pays(self):
        items = [Open(1, date(2026, 1, 1), 1000), Open(2, date(2026, 2, 1), 500)]
        for units, expected in (
            (1500, ("exact", [1, 2])),
            (1000, ("exact", [1])),
            (500, ("exact", [2])),
            (1200, ("part", [1, 2])),
            (300, ("part", [1])),
            (2000, ("more", [1, 2])),
            (-100, ("none", [])),
        ):
            kind, taken = paid(units, items)
            self.assertEqual((kind, [item.id for item in taken]), expected, units)
        self.assertEqual(paid(-500, [Open(1, date(2026, 1, 1), -500)])[0], "exact")
        self.assertEqual(paid(100, [])[0], "none")


@tagged("post_install", "-at_install")
@freeze_time("2026-02-02 08:00:00")
class TestBankMatches(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["account.reconcile.model"]._ensure_billing_match(cls.company)
        cls.model = cls.env["account.reconcile.model"].search(
            [("billing_match", "=", "reference"), ("company_id", "=", cls.company.id)]
        )

    def bank(self, text, amount, **values):
        return (
            self.env["account.bank.statement.line"]
            .create(
                {
                    "journal_id": self.journal.id,
                    "payment_ref": text,
                    "amount": amount,
                    "date": "2026-02-10",
                    **values,
                }
            )
            .with_user(self.user)
        )

    def test_a_transfer_that_names_its_invoice_is_proposed_and_matched(self):
        move = self.make_invoice(amount=100.0)
        line = self.bank(f"Thanks {move.name.replace('/', ' ')}", 100.0)
        self.assertEqual((line.billing_match, line.billing_match_amount), ("exact", 100.0))
        self.assertIn(move.name, line.billing_match_text)
        self.assertIn("Alder Ltd", line.billing_match_text)
        line.action_billing_match()
        self.env.invalidate_all()
        self.assertTrue(line.is_reconciled)
        self.assertEqual((move.payment_state, move.amount_residual), ("paid", 0.0))
        self.assertEqual(line.partner_id, self.customer)
        self.assertFalse(line.billing_match)
        made = line.sudo().move_id.line_ids.filtered("reconcile_model_id")
        self.assertEqual(made.reconcile_model_id, self.model, "Odoo's own list of the model has it")
        self.assertEqual(sum(line.sudo().move_id.line_ids.mapped("balance")), 0)

    def test_undo_opens_the_invoice_again_and_it_is_proposed_again(self):
        move = self.make_invoice()
        line = self.bank(move.name, 100.0)
        line.action_billing_match()
        line.sudo().action_undo_reconciliation()
        self.env.invalidate_all()
        self.assertEqual((move.payment_state, line.billing_match), ("not_paid", "exact"))

    def test_two_lines_that_name_one_invoice_pay_it_once(self):
        move = self.make_invoice()
        lines = self.bank(move.name, 100.0) + self.bank(move.name, 100.0)
        self.assertEqual(lines.mapped("billing_match"), ["exact", "exact"])
        lines.action_billing_match()
        self.env.invalidate_all()
        self.assertEqual(lines.mapped("is_reconciled"), [True, False])
        self.assertEqual((move.payment_state, lines[1].billing_match), ("paid", False))

    def test_one_transfer_pays_two_invoices(self):
        first, second = self.make_invoice(amount=60.0), self.make_invoice(amount=40.0)
        line = self.bank(f"{first.name} + {second.name}", 100.0)
        line.action_billing_match()
        self.env.invalidate_all()
        self.assertEqual((first + second).mapped("payment_state"), ["paid", "paid"])

    def test_a_part_leaves_the_rest_of_the_invoice_open(self):
        move = self.make_invoice(amount=100.0)
        line = self.bank(move.name, 30.0)
        self.assertEqual(line.billing_match, "part")
        line.action_billing_match()
        self.env.invalidate_all()
        self.assertEqual((move.amount_residual, line.is_reconciled), (70.0, True))

    def test_what_is_too_much_is_the_customers_credit(self):
        move = self.make_invoice(amount=100.0)
        line = self.bank(move.name, 130.0)
        self.assertEqual(line.billing_match, "more")
        line.action_billing_match()
        self.env.invalidate_all()
        self.assertEqual(move.payment_state, "paid")
        credit = self.env["account.move.line"].search(
            [
                ("partner_id", "=", self.customer.id),
                ("account_type", "=", "asset_receivable"),
                ("reconciled", "=", False),
            ]
        )
        self.assertEqual(credit.amount_residual, -30.0)

    def test_of_several_lines_only_those_that_fit_are_matched(self):
        first, second = self.make_invoice(amount=60.0), self.make_invoice(amount=40.0)
        lines = self.bank(first.name, 60.0) + self.bank(second.name, 10.0) + self.bank("x", 5.0)
        answer = lines.action_billing_match()
        self.env.invalidate_all()
        self.assertEqual(lines.mapped("is_reconciled"), [True, False, False])
        self.assertIn("1 bank line is matched. 2 do not fit", answer["params"]["message"])
        with self.assertRaisesRegex(UserError, "Match it by hand"):
            lines[2].action_billing_match()

    def test_the_money_of_a_file_of_direct_debits_is_matched_at_once(self):
        other = self.make_payer("Birch Ltd")
        self.make_mandate(signed_date=date(2026, 1, 1))
        self.make_mandate(other, IBANS[1])
        first = self.make_invoice(amount=100.0, due=date(2026, 2, 10))
        self.make_invoice(other, 50.0, due=date(2026, 2, 10))
        run = self.submit(self.make_payment_run())
        [file] = run.sudo().file_ids
        line = self.bank(f"SEPA DD {file.message_id}", 150.0)
        self.assertEqual(line.billing_match, "exact")
        line.action_billing_match()
        self.env.invalidate_all()
        payments = run.sudo().line_ids.payment_id
        self.assertTrue(all(payments.mapped("is_matched")))
        self.assertEqual(first.payment_state, "paid")

    def test_single_collections_and_what_came_back_are_matched_by_their_reference(self):
        self.make_mandate(signed_date=date(2026, 1, 1))
        self.make_invoice(amount=100.0, due=date(2026, 2, 10))
        run = self.submit(self.make_payment_run())
        collection = run.sudo().line_ids
        came = self.bank(f"EREF+{collection.reference}", 100.0)
        came.action_billing_match()
        self.env.invalidate_all()
        self.assertTrue(collection.payment_id.is_matched)
        fact = {"code": "AM04", "day": date(2026, 2, 20), "text": "", "fee": 0.0}
        collection._come_back("returned", {collection.id: fact})
        went = self.bank(f"RETURN {collection.reference}", -100.0)
        self.assertEqual(went.billing_match, "exact")
        went.action_billing_match()
        self.env.invalidate_all()
        self.assertTrue(went.is_reconciled)
        self.assertEqual(collection.move_id.payment_state, "not_paid")

    def test_odoos_conditions_say_for_which_lines_a_model_is(self):
        move = self.make_invoice()
        line = self.bank(move.name, 100.0)
        other = self.journal.copy({"name": "Other", "code": "OTH"})
        for values in (
            {"match_journal_ids": [Command.set(other.ids)]},
            {"match_amount": "greater", "match_amount_min": 101},
            {"match_amount": "lower", "match_amount_max": 99},
            {"match_label": "contains", "match_label_param": "never"},
            {"match_label": "match_regex", "match_label_param": "^never"},
            {"match_label": "not_contains", "match_label_param": "inv"},
            {"match_partner_ids": [Command.set(self.customer.ids)]},
            {"active": False},
        ):
            with self.subTest(values=values), self.env.cr.savepoint() as savepoint:
                self.model.write(values)
                self.env.invalidate_all()
                self.assertFalse(line.billing_match)
                savepoint.rollback()
                self.env.invalidate_all()
        self.assertEqual(line.billing_match, "exact")

    def test_an_automated_model_matches_what_fits_exactly(self):
        first, second = self.make_invoice(amount=60.0), self.make_invoice(amount=40.0)
        lines = self.bank(first.name, 60.0) + self.bank(second.name, 10.0)
        self.work_bank()
        self.assertFalse(lines[0].is_reconciled, "a manual one only proposes")
        self.model.action_set_auto_reconcile()
        self.work_bank()
        self.assertEqual(lines.mapped("is_reconciled"), [True, False])

    def work_bank(self):
        self.env["account.bank.statement.line"]._cron_billing_match()
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "=", "bank_match")])
        self.env.invalidate_all()

    def test_lines_with_a_proposal_can_be_looked_for(self):
        move = self.make_invoice()
        line, other = self.bank(move.name, 100.0), self.bank("nothing", 1.0)
        lines = self.env["account.bank.statement.line"].with_user(self.user)
        mine = [("id", "in", (line + other).ids)]
        self.assertEqual(lines.search([*mine, ("billing_match", "=", "exact")]), line)
        self.assertEqual(lines.search([*mine, ("billing_match", "=", False)]), other)
        action = lines.action_open_billing_matches()
        self.assertEqual(action["res_model"], lines._name)

    def test_another_companys_invoices_are_not_proposed(self):
        move = self.make_invoice()
        other = self.make_company("Second", "EUR")
        self.env["account.reconcile.model"]._ensure_billing_match(other)
        journal = self.env["account.journal"].search(
            [("company_id", "=", other.id), ("type", "=", "bank")], limit=1
        )
        line = (
            self.env["account.bank.statement.line"]
            .with_company(other)
            .create({"journal_id": journal.id, "payment_ref": move.name, "amount": 100.0})
        )
        self.assertFalse(line.billing_match)

    def test_only_billing_users_match(self):
        line = self.bank(self.make_invoice().name, 100.0)
        with self.assertRaises(AccessError):
            line.with_user(self.make_user("nobody", None)).action_billing_match()
        outsider = self.make_user("invoicer", "account.group_account_invoice")
        with self.assertRaises(AccessError):
            line.with_user(outsider).action_billing_match()
