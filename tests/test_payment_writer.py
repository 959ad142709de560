"""Payments are written by sets where this database has just proven that Odoo makes the same."""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.billing_operations.billing_runs.writer import proofs
from odoo.addons.billing_operations.billing_runs.writer.not_written import NotWritten

from .payment_common import IBANS, PaymentCase


@tagged("post_install", "-at_install")
@freeze_time("2026-02-02 08:00:00")
class TestPaymentWriter(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = ("Birch Ltd", "Cedar Ltd", "Damson Ltd", "Elm Ltd", "Fir Ltd", "Gorse Ltd")
        cls.payers = [cls.customer, *map(cls.make_payer, names)]
        for partner, iban in zip(cls.payers, IBANS, strict=False):
            cls.make_mandate(partner, iban)
        cls.enterClassContext(patch.object(proofs, "AGAIN", float("inf")))

    def setUp(self):
        super().setUp()
        vars(self.registry).pop("_billing_proofs", None)
        self.by_odoo, self.together = [], []
        kind = self.registry["billing.payment.run"]
        plain = kind._post_as_odoo

        def _post_as_odoo(run, lines):
            self.by_odoo += lines.move_id.mapped("amount_total")
            self.together.append(len(lines))
            return plain(run, lines)

        self.patch(kind, "_post_as_odoo", _post_as_odoo)

    def invoices(self, **values):
        return self.env["account.move"].concat(
            *(
                self.make_invoice(partner, amount + 0.37, due=date(2026, 2, 10), **values)
                for amount, partner in enumerate(self.payers, 10)
            )
        )

    def collected(self, invoices):
        run = self.submit(self.make_payment_run())
        self.assertEqual(run.sudo().line_ids.move_id, invoices)
        self.assertFalse(run.problem)
        return run

    def following(self, follow):
        """Have something follow each payment that Odoo posts, as an addon would."""
        kind = self.registry["account.payment"]
        plain = kind._post_together

        def _post_together(payments):
            result = plain(payments)
            for payment in payments:
                follow(payment)
            return result

        return patch.object(kind, "_post_together", _post_together)

    def said(self, run):
        bodies = "\n".join(run.sudo().message_ids.mapped(lambda message: message.body or ""))
        return bodies

    def rows(self, run, invoices):
        """Return all rows of the payments of invoices, in the order of these."""
        writer = self.env["billing.payment.writer"]
        lines = {line.move_id: line for line in run.sudo().line_ids}
        return [writer._comparable(writer._parts(lines[invoice])) for invoice in invoices]

    def test_the_first_is_odoos_the_second_is_proven_and_the_others_are_written(self):
        invoices = self.invoices()
        run = self.collected(invoices)
        self.assertEqual(self.by_odoo, [10.37, 11.37], self.said(run))
        self.assertEqual(set(invoices.mapped("payment_state")), {"paid"})
        payments = run.sudo().line_ids.sorted("id").payment_id
        self.assertEqual(len(payments), 7)
        numbers = payments.move_id.mapped("sequence_number")
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 7)))
        self.assertEqual(payments.mapped("name"), payments.move_id.mapped("name"))
        self.assertEqual(payments.mapped("amount"), [amount + 0.37 for amount in range(10, 17)])
        self.assertEqual(payments.partner_id, invoices.partner_id)
        self.assertEqual(payments.invoice_ids, invoices)
        self.env.cr.precommit.run()
        said = [len(invoice.message_ids.tracking_value_ids) for invoice in invoices]
        self.assertEqual(set(said), {said[0]}, "the chatter says the same of all")

    def _add_size(self, large, small):
        """Have the database compute a stored column of payments, as an addon would."""
        self.addCleanup(self.registry.reset_changes)
        self.addCleanup(self.env.invalidate_all)
        size = f"payment.x_size or ({large!r} if payment.amount > 14 else {small!r})"
        self.env["ir.model.fields"].create(
            {
                "name": "x_size",
                "model_id": self.env["ir.model"]._get_id("account.payment"),
                "ttype": "char",
                "compute": f"for payment in self: payment['x_size'] = {size}",
                "depends": "amount",
                "store": True,
            }
        )

    def test_a_column_of_another_addon_is_computed_of_each_payment_from_nothing(self):
        self._add_size("large", False)
        run = self.collected(self.invoices())
        self.assertEqual(self.by_odoo, [10.37, 11.37], self.said(run))
        payments = run.sudo().line_ids.payment_id.sorted("amount")
        self.assertEqual(payments.mapped("x_size"), [False] * 4 + ["large"] * 3)

    def test_a_column_that_the_first_payment_has_is_not_taken_over(self):
        self._add_size("large", "small")
        run = self.collected(self.invoices())
        self.assertEqual(self.by_odoo, [10.37, 11.37], self.said(run))
        payments = run.sudo().line_ids.payment_id.sorted("amount")
        self.assertEqual(payments.mapped("x_size"), ["small"] * 4 + ["large"] * 3)

    def test_what_is_written_is_what_odoo_writes_in_every_column(self):
        first = self.invoices()
        written = self.rows(self.collected(first), first)
        self.assertEqual(len(self.by_odoo), 2)
        second = self.invoices()
        writer = self.registry["billing.payment.writer"]
        with patch.object(writer, "_may_write", lambda *_arguments: False):
            made = self.rows(self.collected(second), second)
        self.assertEqual(len(self.by_odoo), 9)
        own = {
            *("name", "move_name", "sequence_number", "made_sequence_gap", "memo", "ref"),
            *("payment_reference", "invoice_origin", "sequence_prefix", "currency_rate"),
        }
        self.maxDiff = None
        for ours, theirs in zip(written, made, strict=True):
            # The customer's other documents, whose place is a number, are not the same ones.
            strip = [
                {k: v for k, v in rows.items() if k[2] not in own and not isinstance(k[1], int)}
                for rows in (ours, theirs)
            ]
            self.assertEqual(*strip)

    def test_what_is_written_is_undone_like_what_odoo_made(self):
        invoices = self.invoices()
        run = self.collected(invoices)
        lines = {line.move_id: line for line in run.sudo().line_ids}
        items = [lines[invoices[place]].move_line_id for place in (0, 5)]
        for item in items:
            item.remove_move_reconcile()
        self.assertEqual(
            [(item.amount_residual, item.reconciled, item.full_reconcile_id.id) for item in items],
            [(10.37, False, False), (15.37, False, False)],
        )
        for place in (0, 5):
            lines[invoices[place]].payment_id.action_cancel()
        self.env.flush_all()
        self.assertEqual(
            [invoices[place].payment_state for place in (0, 5, 4)],
            ["not_paid", "not_paid", "paid"],
        )

    def test_what_is_special_goes_odoos_way(self):
        half = self.env["account.payment.term"].create(
            {
                "name": "Two parts",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50.0, "nb_days": days})
                    for days in (5, 9)
                ],
            }
        )
        self.make_invoice(self.payers[0], 80.0, due=False, invoice_payment_term_id=half.id)
        partly = self.make_invoice(self.payers[1], 70.0, due=date(2026, 2, 10))
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=partly.ids
        ).create({"amount": 20.0})._create_payments()
        self.invoices()
        run = self.submit(self.make_payment_run())
        self.assertLessEqual({80.0, 70.0}, set(self.by_odoo))
        self.assertNotIn(16.37, self.by_odoo)
        self.assertEqual(set(run.sudo().line_ids.move_id.mapped("payment_state")), {"paid"})

    def test_an_addon_that_changes_nothing_of_these_payments_keeps_none_from_being_written(self):
        kind = self.registry["account.payment"]
        with patch.object(kind, "_changed_posting", lambda payments: {"hr_expense"}):
            self.collected(self.invoices())
        self.assertEqual(self.by_odoo, [10.37, 11.37])

    def test_where_odoo_writes_something_else_it_posts_all_and_the_run_says_why(self):
        invoices = self.invoices()

        def follow(payment):
            payment.memo = f"{payment.memo} {payment.amount:.0f}"

        with self.following(follow):
            run = self.collected(invoices)
        self.assertEqual(len(self.by_odoo), 7)
        self.assertIn("sets ref of account.move to", self.said(run))
        memos = run.sudo().line_ids.payment_id.sorted("amount").mapped("memo")
        self.assertEqual([memo[-2:] for memo in memos], ["10", "11", "12", "13", "14", "15", "16"])

    def test_an_addon_that_writes_on_other_invoices_of_the_payer_is_obeyed(self):
        earlier = self.invoices()
        self.collected(earlier)
        self.by_odoo.clear()
        invoices = self.invoices()

        def follow(payment):
            others = earlier.grouped("partner_id")[payment.partner_id]
            others.invoice_origin = f"Paid again {payment.amount:.0f}"

        with self.following(follow):
            run = self.collected(invoices)
        self.assertEqual(len(self.by_odoo), 7)
        self.assertIn("sets invoice_origin of account.move to", self.said(run))
        self.assertEqual(
            earlier.mapped("invoice_origin"), [f"Paid again {number}" for number in range(10, 17)]
        )

    def test_another_table_that_is_written_is_noticed(self):
        invoices = self.invoices()
        partners = self.env["res.partner.category"]
        kind = self.registry["account.partial.reconcile"]
        plain = kind.create

        def create(records, vals_list):
            partners.create({"name": "Written beside"})
            return plain(records, vals_list)

        with patch.object(kind, "create", create):
            run = self.collected(invoices)
        self.assertEqual(len(self.by_odoo), 7)
        self.assertIn("res_partner_category", self.said(run))
        self.assertEqual([number for number in self.together if number], [1, 1, 5])

    def test_an_invoice_that_was_paid_meanwhile_leaves_the_batch_to_odoo(self):
        invoices = self.invoices()
        writer = self.registry["billing.payment.writer"]
        with patch.object(writer, "_pay", side_effect=NotWritten("paid meanwhile")):
            self.collected(invoices)
        self.assertEqual(len(self.by_odoo), 7)
        self.assertEqual(set(invoices.mapped("payment_state")), {"paid"})

    def test_a_company_that_tracks_nothing_has_its_payments_written_too(self):
        invoices = self.invoices()
        run = self.make_payment_run()
        run.action_confirm()
        run.sudo()._submit()
        lines = run.sudo().line_ids
        run.sudo().with_context(tracking_disable=True)._post_lines(lines)
        self.assertEqual(len(self.by_odoo), 2, self.said(run))
        self.assertEqual(set(invoices.mapped("payment_state")), {"paid"})

    def test_amounts_that_other_columns_hold_by_chance_change_no_other_column(self):
        """Items say 100 of what is deductible: two payments of as much would prove too little."""
        amounts = (100.0, 100.0, 100.0, 55.0, 56.0, 100.0, 1.0)
        invoices = self.env["account.move"].concat(
            *(
                self.make_invoice(partner, amount, due=date(2026, 2, 10))
                for partner, amount in zip(self.payers, amounts, strict=True)
            )
        )
        run = self.collected(invoices)
        self.assertEqual(self.by_odoo, [100.0, 100.0, 55.0], self.said(run))
        items = run.sudo().line_ids.payment_id.move_id.line_ids
        self.assertEqual(set(items.mapped("deductible_amount")), {100.0})
        self.assertEqual(len(set(items.mapped("quantity"))), 1)

    def test_an_addon_that_follows_paid_invoices_is_told_of_all(self):
        told = []
        kind = self.registry["account.move"]
        plain = kind._invoice_paid_hook

        def _invoice_paid_hook(moves):
            told.extend(moves.ids)
            return plain(moves)

        invoices = self.invoices()
        with patch.object(kind, "_invoice_paid_hook", _invoice_paid_hook):
            self.collected(invoices)
        self.assertEqual(set(told), set(invoices.ids))

    def test_locked_dates_and_automation_rules_leave_all_to_odoo(self):
        run = self.make_payment_run()
        writer = self.env["billing.payment.writer"]
        self.assertTrue(writer._may_write(run.sudo()))
        builder = self.registry["billing.invoice.builder"]
        with patch.object(builder, "_automation", lambda _self: "A rule"):
            self.assertFalse(writer._may_write(run.sudo()))
        run.company_id.sudo().restrictive_audit_trail = True
        self.assertFalse(writer._may_write(run.sudo()))
        run.company_id.sudo().restrictive_audit_trail = False
        self.assertTrue(writer._may_write(run.sudo()))
        self.journal.restrict_mode_hash_table = True
        self.assertFalse(writer._may_write(run.sudo()))
