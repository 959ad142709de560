"""Taking a run back: the documents, the charges, the ledger."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import tagged

from .report_common import ReportedFirst


@tagged("post_install", "-at_install")
class TestRunUndo(ReportedFirst):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.euro = cls.env.ref("base.EUR")
        cls.euro.active = True
        cls.env["res.currency.rate"].create(
            [
                {
                    "currency_id": cls.euro.id,
                    "company_id": cls.company.id,
                    "name": day,
                    "rate": rate,
                }
                for day, rate in ((date(2025, 12, 31), 0.83), (date(2026, 1, 5), 0.91))
            ]
        )
        in_euro = cls.make_tariff(cls.scheme, 7.77, name="Euro", currency_id=cls.euro.id)
        cls.customers = cls.env["res.partner"]
        for index in range(3):
            customer = cls.make_customer(f"Customer {index}")
            cls.make_service(customer, cls.tariff)
            cls.make_service(customer, in_euro)
            cls.customers |= customer
        cls.manager = cls.make_user("undo_manager", "billing_operations.group_billing_manager")

    def undo(self, run, **values):
        undo = self.env["billing.run.undo"].create(
            {"run_id": run.id, "reason": "Wrong prices", **values}
        )
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        undo.invalidate_recordset()
        self.assertEqual(undo.state, "done")
        return undo

    def executed(self, target="posting"):
        run = self.make_run(self.cycle)
        run._execute(target)
        return run

    def balances(self):
        """The receivable of each customer, in company and in document currency."""
        rows = self.env["account.move.line"]._read_group(
            [
                ("company_id", "=", self.company.id),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
            ],
            ["partner_id", "currency_id"],
            ["balance:sum", "amount_currency:sum", "amount_residual:sum"],
        )
        return {
            (partner.id, currency.id): [round(amount, 2) for amount in amounts]
            for partner, currency, *amounts in rows
        }

    def documents(self, run):
        """What the run's invoices say, without numbers."""
        moves = self.env["account.move"].search(
            [("billing_bill_id.run_id", "=", run.id), ("reversed_entry_id", "=", False)]
        )
        return sorted(
            (
                move.partner_id.name,
                move.currency_id.name,
                move.amount_untaxed,
                move.amount_total,
                [(line.name, line.quantity, line.price_unit) for line in move.invoice_line_ids],
            )
            for move in moves
        )

    def test_undo_and_run_again_gives_the_same_invoices_and_leaves_the_ledger_clean(self):
        for outcome in ("reopen", "void"):
            before = self.balances()
            run = self.executed()
            self.undo(run, outcome=outcome)
            after = {key: sums for key, sums in self.balances().items() if any(sums)}
            self.assertEqual(after, {key: sums for key, sums in before.items() if any(sums)})
            again = self.executed()
            self.assertEqual(self.documents(again), self.documents(run))
            self.undo(again, outcome="void")

    def test_reopened_charges_are_the_same_ones_on_the_next_bill(self):
        run = self.executed()
        charges = self.env["billing.charge"].search([("bill_id.run_id", "=", run.id)])
        rated_up_to = charges.service_id.mapped("rated_up_to")
        self.undo(run, outcome="reopen")
        self.assertEqual(set(charges.mapped("state")), {"rated"})
        self.assertEqual(charges.service_id.mapped("rated_up_to"), rated_up_to)
        again = self.executed()
        self.assertEqual(
            self.env["billing.charge"].search([("bill_id.run_id", "=", again.id)]), charges
        )

    def test_voided_periods_are_rated_again_at_the_new_price(self):
        run = self.executed()
        charges = self.env["billing.charge"].search([("bill_id.run_id", "=", run.id)])
        self.undo(run, outcome="void")
        self.assertEqual(set(charges.mapped("state")), {"void"})
        self.tariff.price = 12.0
        again = self.executed()
        amounts = {document[2] for document in self.documents(again)}
        self.assertEqual(amounts, {12.0, 7.77})

    def test_dropped_charges_never_come_back(self):
        run = self.executed()
        charges = self.env["billing.charge"].search([("bill_id.run_id", "=", run.id)])
        self.undo(run, outcome="drop")
        self.assertEqual(set(charges.mapped("waive_reason")), {"Wrong prices"})
        again = self.executed()
        bills = self.env["billing.bill"].search([("run_id", "=", again.id)])
        self.assertEqual(set(bills.mapped("skip_reason")), {"nothing_to_bill"})

    def test_only_the_chosen_customers_are_taken_back(self):
        run = self.executed()
        self.undo(run, partner_ids=[Command.set(self.customers[0].ids)])
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        undone = bills.filtered(lambda bill: bill.state == "undone")
        self.assertEqual(undone.partner_id, self.customers[0])
        self.assertEqual(set((bills - undone).mapped("state")), {"posted"})

    def test_drafts_are_deleted_without_a_trace_in_the_journal(self):
        run = self.executed("invoicing")
        self.undo(run)
        self.assertFalse(self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)]))

    def test_credit_notes_cancel_foreign_invoices_at_their_own_rate(self):
        run = self.executed()
        self.undo(run)
        notes = self.env["account.move"].search(
            [("billing_bill_id.run_id", "=", run.id), ("reversed_entry_id", "!=", False)]
        )
        self.assertEqual(len(notes), 6)
        for note in notes:
            self.assertEqual(note.state, "posted")
            self.assertEqual(note.amount_total_signed, -note.reversed_entry_id.amount_total_signed)
            self.assertEqual(note.date, note.reversed_entry_id.date)
            self.assertEqual(note.reversed_entry_id.payment_state, "reversed")

    def test_where_the_audit_trail_is_restricted_invoices_and_credit_notes_are_logged(self):
        self.company.restrictive_audit_trail = True
        run = self.executed()
        self.undo(run)
        documents = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])
        self.env.cr.flush()
        self.assertEqual(len(documents), 12)
        for move in documents:
            self.assertTrue(move.message_ids, move.name)
        self.assertEqual(set(documents.mapped("state")), {"posted"})
        self.assertIn("is restricted", run.writer_note)

    def test_paid_documents_are_listed_and_need_a_yes(self):
        run = self.executed()
        move = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)], limit=1)
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create({})._create_payments()
        undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Oops"})
        self.assertEqual(undo.paid_move_ids, move)
        listed = self.env["account.move"].search(undo.action_view_documents()["domain"])
        self.assertEqual(listed.billing_bill_id.run_id, run)
        self.assertEqual(len(listed), undo.posted_count + undo.draft_count)
        self.assertEqual(self.env["account.move"].search(undo.action_view_paid()["domain"]), move)
        with self.assertRaisesRegex(UserError, "has payments"):
            undo.action_confirm()
        undo.unlink()
        self.undo(run, include_paid=True)
        payment = self.env["account.payment"].search([("company_id", "=", self.company.id)])
        self.assertFalse(payment.is_reconciled)

    def test_what_somebody_has_credited_already_is_not_credited_again(self):
        run = self.executed()
        move = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)], limit=1)
        move._reverse_moves([{"date": move.date}], cancel=True)
        self.assertEqual(move.payment_state, "reversed")
        undo = self.undo(run)
        self.assertEqual(undo.bill_count, 6)
        self.assertFalse({key: sums for key, sums in self.balances().items() if any(sums)})
        self.assertEqual(len(move.reversal_move_ids), 1)

    def test_of_what_was_credited_in_part_by_hand_the_rest_is_credited_and_the_dialog_says_so(self):
        run = self.executed()
        undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Wrong prices"})
        self.assertFalse(undo.credited_text)
        move = self.env["account.move"].search(
            [("billing_bill_id.run_id", "=", run.id), ("currency_id", "!=", self.euro.id)], limit=1
        )
        note = move._reverse_moves([{"date": move.date, "invoice_date": move.date}])
        note.invoice_line_ids.price_unit = 4.0
        note.action_post()
        self.assertEqual(move.payment_state, "partial")
        undo.invalidate_recordset()
        self.assertEqual(undo.credited_text.replace("\xa0", " "), "$ 4.60")
        undo.unlink()
        self.undo(run, include_paid=True)
        self.assertFalse({key: sums for key, sums in self.balances().items() if any(sums)})
        rest = move.reversal_move_ids - note
        self.assertEqual((rest.state, rest.amount_untaxed, rest.amount_total), ("posted", 6.0, 6.9))
        self.assertEqual(move.payment_state, "reversed")

    def test_the_dialog_offers_the_runs_customers_and_counts_without_loading_them(self):
        self.make_customer("Somebody else")
        run = self.executed()
        undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Maybe"})
        partners = self.env["res.partner"].with_user(self.manager)
        found = partners.search([("billing_run_id", "=", run.id)])
        self.assertEqual(found, self.customers)
        others = partners.search([("billing_run_id", "!=", run.id), ("name", "=like", "%e%")])
        self.assertIn("Somebody else", others.mapped("name"))
        self.assertFalse(others & found)
        self.assertEqual((undo.draft_count, undo.posted_count, undo.paid_count), (0, 6, 0))
        self.assertEqual(undo.amount_text.replace("\xa0", " "), "$ 34.50, 26.82 €")
        undo.partner_ids = self.customers[0]
        self.assertEqual(undo.posted_count, 2)
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(8):
            self.assertEqual(undo.posted_count, 2)
        self.assertEqual(self.env["account.move"].search(undo._paid_domain()), undo.paid_move_ids)

    def test_undo_is_for_managers_and_its_record_stays(self):
        run = self.executed()
        user = self.make_user("undo_user", "billing_operations.group_billing_user")
        with self.assertRaises(AccessError):
            self.env["billing.run.undo"].with_user(user).create(
                {"run_id": run.id, "reason": "Mine"}
            )
        undo = (
            self.env["billing.run.undo"]
            .with_user(self.manager)
            .create({"run_id": run.id, "reason": "Wrong prices"})
        )
        with self.assertRaises(AccessError):
            call_kw(self.env["billing.run.undo"].with_user(user), "action_confirm", [undo.ids], {})
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        self.assertEqual((undo.state, undo.confirmed_by_id), ("done", self.manager))
        self.assertIn("Wrong prices", run.message_ids.mapped("body")[0])
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            undo.reason = "Another"
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            undo.unlink()

    def test_a_run_under_way_cannot_be_undone(self):
        run = self.make_run(self.cycle)
        run._set_state("requested")
        run._start()
        self.env["billing.bill"].search([("run_id", "=", run.id)])._rate()
        undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Too early"})
        with self.assertRaisesRegex(UserError, "under way"):
            undo.action_confirm()
