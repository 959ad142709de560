"""The ledger follows its documents: netted, waived, credited, cancelled and replaced charges."""

from datetime import date

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ServiceCase
from .report_common import ReportCase


class LedgerCase(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cycle = cls.make_cycle(cls.scheme)

    reported = ReportCase.reported
    invoiced = ReportCase.invoiced
    _by_bill = ReportCase._by_bill

    def run_on(self, day, target="posting"):
        """Bill as of a day. The pre-billing report says beforehand what comes of it."""
        run = self.make_run(self.cycle, day)
        report = self.reported(run._make_report("pre"))
        run._execute(target)
        if target == "posting":
            self.assertEqual(report, self.invoiced(run))
        return run

    def moves(self, run):
        return self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])

    def net(self, partner=None):
        """What the customer's posted documents come to before tax."""
        moves = self.env["account.move"].search(
            [("partner_id", "=", (partner or self.customer).id), ("state", "=", "posted")]
        )
        return round(sum(moves.mapped("amount_untaxed_signed")), 2)

    def undo(self, run, **values):
        undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Wrong", **values})
        undo.action_confirm()
        self.env["billing.task"]._run_inline(domain=[("res_model", "=", undo._name)])
        return undo

    def credit(self, move, price=None):
        """Credit a document by hand: in full, or so much of its first line."""
        dates = {"date": move.date, "invoice_date": move.date}
        if price is None:
            return move._reverse_moves([dates], cancel=True)
        note = move._reverse_moves([dates])
        note.invoice_line_ids[1:].unlink()
        note.invoice_line_ids.price_unit = price
        note.action_post()
        return note

    def replacement(self, move):
        """Credit a document and return the draft that replaces it."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"date": move.date, "journal_id": move.journal_id.id})
        )
        return self.env["account.move"].browse(wizard.modify_moves()["res_id"])

    def replace(self, move, price):
        new = self.replacement(move)
        new.invoice_line_ids[:1].price_unit = price
        new.action_post()
        return new

    def goodwill(self, service, amount, day):
        self.env["billing.charge.adjust.wizard"].create(
            {
                "partner_id": service.partner_id.id,
                "service_id": service.id,
                "amount": amount,
                "direction": "credit",
                "name": "Sorry",
                "reason": "Outage",
                "date": day,
            }
        ).action_apply()


@tagged("post_install", "-at_install")
class TestSettled(LedgerCase):
    def test_a_bill_that_nets_to_zero_settles_its_charges(self):
        service = self.active(date(2026, 4, 1), self.make_tariff(self.scheme, price=90.0))
        self.run_on(date(2026, 4, 1))
        service._change(date(2026, 4, 16), {"price": 30.0})  # -45 + 15
        other = self.active(date(2026, 4, 16))  # + 30
        run = self.run_on(date(2026, 4, 16))
        bill = self.bill_of(run, self.customer)
        self.assertEqual((bill.state, bill.skip_reason), ("skipped", "zero_total"))
        self.assertEqual(set(bill.charge_ids.mapped("state")), {"settled"})
        other._terminate(date(2026, 4, 26))
        self.run_on(date(2026, 4, 26))
        self.assertEqual(self.net(), 90.0 - 20.0)

    def test_settled_charges_can_be_undone(self):
        service = self.active(date(2026, 4, 1))
        self.run_on(date(2026, 4, 1))
        service._terminate(date(2026, 4, 1))
        self.active(date(2026, 5, 1))
        run = self.run_on(date(2026, 5, 1))
        charges = self.bill_of(run, self.customer).charge_ids
        self.assertEqual(set(charges.mapped("state")), {"settled"})
        self.undo(run)
        self.assertEqual(set(charges.mapped("state")), {"rated"})
        self.assertEqual(self.bill_of(run, self.customer).state, "undone")
        self.run_on(date(2026, 5, 2))
        self.assertEqual(set(charges.mapped("state")), {"settled"})

    def test_settling_repeats_to_no_effect_and_is_no_waiver(self):
        charge = self.active(date(2026, 4, 1))._rate(date(2026, 4, 1))
        charge._settle()
        charge._settle()
        self.assertEqual((charge.state, charge.waive_reason), ("settled", False))
        with self.assertRaisesRegex(UserError, "is settled and cannot become waived"):
            charge._waive("Goodwill")


@tagged("post_install", "-at_install")
class TestWaived(LedgerCase):
    def test_waiving_a_charge_withdraws_what_was_credited_of_it(self):
        service = self.active(date(2026, 4, 1))
        charge = service._rate(date(2026, 4, 1))
        service._terminate(date(2026, 4, 21))
        charge._waive("Goodwill")
        self.assertEqual(self.total(service), 0.0)
        self.run_on(date(2026, 5, 1))
        self.assertEqual(self.net(), 0.0)

    def test_a_credit_billed_already_is_charged_back_when_its_charge_is_waived(self):
        service = self.active(date(2026, 4, 1))
        first = self.run_on(date(2026, 4, 1))
        service._terminate(date(2026, 4, 21))
        self.run_on(date(2026, 4, 21))
        self.undo(first, outcome="drop")
        self.assertEqual(self.net(), -10.0)
        self.run_on(date(2026, 4, 22))
        self.assertEqual(self.net(), 0.0)

    def test_dropping_a_run_leaves_what_was_charged_instead(self):
        service = self.active(date(2026, 4, 1), self.make_tariff(self.scheme, price=90.0))
        run = self.run_on(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"price": 30.0})  # -60 + 20
        self.undo(run, outcome="drop")
        self.run_on(date(2026, 4, 12))
        self.assertEqual(self.net(), 20.0)

    def test_what_was_forgiven_and_does_not_change_stays_forgiven(self):
        service = self.active(date(2026, 4, 1), disk=4)
        service._rate(date(2026, 4, 1))._waive("Goodwill")
        service._change(date(2026, 4, 16), {"price": 60.0})
        self.assertEqual(self.total(service), 30.0)  # the days at the new price; no disks
        service._change(date(2026, 4, 16), {"price": 30.0})
        self.assertEqual(self.total(service), 0.0)
        service._terminate(date(2026, 4, 20))
        self.assertEqual(self.total(service), 0.0)

    def test_a_service_extended_again_does_not_pay_for_what_was_forgiven(self):
        service = self.active(date(2026, 4, 1))
        service._rate(date(2026, 4, 1))._waive("Goodwill")
        service._change(date(2026, 4, 11), {"date_end": date(2026, 4, 11)})
        service._change(date(2026, 4, 12), {"date_end": False})
        self.assertEqual(self.total(service), 0.0)
        service._rate(date(2026, 5, 1))
        self.assertEqual(self.total(service), 30.0)


@tagged("post_install", "-at_install")
class TestFollowDocuments(LedgerCase):
    def test_an_invoice_credited_in_full_is_waived_and_not_paid_out_again(self):
        service = self.active(date(2026, 4, 1), disk=3)
        move = self.moves(self.run_on(date(2026, 4, 1)))
        note = self.credit(move)
        charges = service.charge_ids
        self.assertEqual(set(charges.mapped("state")), {"waived"})
        self.assertEqual(set(charges.mapped("waive_reason")), {f"{move.name} was credited."})
        service._terminate(date(2026, 4, 11))
        self.run_on(date(2026, 5, 1))
        self.assertEqual(self.net(), 0.0)
        self.assertFalse(charges.filtered(lambda c: c.move_id == note))

    def test_a_cancelled_invoice_is_waived_and_comes_back_with_its_document(self):
        service = self.active(date(2026, 4, 1))
        move = self.moves(self.run_on(date(2026, 4, 1)))
        move.button_draft()
        self.assertEqual(service.charge_ids.state, "invoiced")
        move.button_cancel()
        self.assertEqual(service.charge_ids.state, "waived")
        service._terminate(date(2026, 4, 16))
        self.assertEqual(self.total(service), 0.0)
        move.button_draft()
        move.action_post()
        self.run_on(date(2026, 4, 17))
        self.assertEqual(self.net(), 15.0)

    def test_days_charged_anew_while_an_invoice_was_cancelled_are_credited_when_it_comes_back(self):
        service = self.active(date(2026, 4, 1))
        move = self.moves(self.run_on(date(2026, 4, 1)))
        move.button_draft()
        move.button_cancel()
        service._change(date(2026, 4, 16), {"price": 60.0})
        self.assertEqual(self.total(service), 30.0)
        move.button_draft()
        move.action_post()
        self.run_on(date(2026, 4, 17))
        self.assertEqual(self.net(), 15.0 + 30.0)

    def test_a_credit_billed_before_its_invoice_was_cancelled_is_charged_back(self):
        service = self.active(date(2026, 4, 1))
        move = self.moves(self.run_on(date(2026, 4, 1)))
        service._terminate(date(2026, 4, 21))
        self.run_on(date(2026, 4, 21))
        self.assertEqual(self.net(), 20.0)
        self.credit(move)
        self.run_on(date(2026, 4, 22))
        self.assertEqual(self.net(), 0.0)

    def test_of_what_was_credited_in_part_no_more_than_the_rest_is_credited(self):
        for by_hand, left in ((6.0, 30.0 - 6.0 - 20.0), (18.0, 0.0)):
            service = self.active(date(2026, 4, 1))
            move = self.moves(self.run_on(date(2026, 4, 1)))
            before = self.net() - 30.0
            self.credit(move, by_hand)
            self.assertEqual(service.charge_ids.credited_amount, by_hand)
            service._terminate(date(2026, 4, 11))
            self.run_on(date(2026, 4, 11))
            with self.subTest(by_hand=by_hand):
                self.assertEqual(round(self.net() - before, 2), left)

    def test_a_credit_note_that_is_taken_back_leaves_no_trace_in_the_ledger(self):
        service = self.active(date(2026, 4, 1))
        move = self.moves(self.run_on(date(2026, 4, 1)))
        note = self.credit(move, 6.0)
        note.button_draft()
        self.assertEqual(service.charge_ids.credited_amount, 0.0)
        note.button_cancel()
        service._terminate(date(2026, 4, 11))
        self.assertEqual(self.total(service), 10.0)

    def test_a_price_lowered_by_hand_is_all_that_is_credited(self):
        service = self.active(date(2026, 4, 1))
        move = self.moves(self.run_on(date(2026, 4, 1)))
        move.button_draft()
        move.invoice_line_ids.price_unit = 12.0
        move.action_post()
        self.assertEqual(service.charge_ids.credited_amount, 18.0)
        service._terminate(date(2026, 4, 1))
        self.run_on(date(2026, 4, 2))
        self.assertEqual(self.net(), 0.0)

    def test_a_credit_note_of_one_service_leaves_the_others_alone(self):
        first = self.active(date(2026, 4, 1), name="First")
        second = self.active(date(2026, 4, 1), name="Second")
        move = self.moves(self.run_on(date(2026, 4, 1)))
        note = move._reverse_moves([{"date": move.date, "invoice_date": move.date}])
        note.invoice_line_ids.filtered(lambda line: "Second" in line.name).unlink()
        note.action_post()
        self.assertEqual((first.charge_ids.state, second.charge_ids.state), ("waived", "invoiced"))
        self.assertEqual(second.charge_ids.credited_amount, 0.0)

    def test_a_replaced_invoice_hands_its_charges_over(self):
        service = self.active(date(2026, 4, 1), disk=3)
        run = self.run_on(date(2026, 4, 1))
        move = self.moves(run)
        new = self.replace(move, 24.0)
        self.assertEqual(service.charge_ids.move_id, new)
        self.assertEqual(set(service.charge_ids.mapped("state")), {"invoiced"})
        self.assertEqual(sorted(service.charge_ids.mapped("credited_amount")), [0.0, 6.0])
        self.assertEqual(new.billing_bill_id.run_id, run)
        self.assertEqual(self.net(), 24.0 + 4.0)
        service._terminate(date(2026, 4, 1))
        self.run_on(date(2026, 4, 2))
        self.assertEqual(self.net(), 0.0)

    def test_the_tie_out_names_what_was_replaced_and_knows_what_was_credited(self):
        self.active(date(2026, 4, 1))
        replaced = self.run_on(date(2026, 4, 1))
        self.replace(self.moves(replaced), 24.0)
        self.assertEqual(
            [(row["charges"], row["lines"], row["reason"]) for row in replaced._tie_out()],
            [(30.0, 24.0, "Replaced by hand.")],
        )
        self.assertFalse(replaced._tie_out_differences())
        self.active(date(2026, 5, 1))
        credited = self.run_on(date(2026, 5, 1))
        self.credit(self.moves(credited))
        self.assertFalse(credited._tie_out_differences())

    def test_undoing_a_run_takes_the_replacement_back_and_bills_once(self):
        self.active(date(2026, 4, 1))
        run = self.run_on(date(2026, 4, 1))
        new = self.replace(self.moves(run), 24.0)
        self.undo(run)
        self.assertEqual((self.net(), new.payment_state), (0.0, "reversed"))
        self.run_on(date(2026, 4, 2))
        self.assertEqual(self.net(), 30.0)

    def test_undoing_a_run_of_a_cancelled_invoice_bills_it_once(self):
        service = self.active(date(2026, 4, 1))
        run = self.run_on(date(2026, 4, 1))
        move = self.moves(run)
        move.button_draft()
        move.button_cancel()
        self.undo(run)
        self.assertEqual(service.charge_ids.state, "rated")
        with self.assertRaisesRegex(UserError, "was taken back by the undo"):
            move.button_draft()
        self.run_on(date(2026, 4, 2))
        self.assertEqual(self.net(), 30.0)

    def test_documents_of_an_undone_bill_stay_as_they_are(self):
        self.active(date(2026, 4, 1))
        run = self.run_on(date(2026, 4, 1))
        self.undo(run)
        for move in self.moves(run):
            with self.assertRaisesRegex(UserError, "was taken back by the undo"):
                move.button_draft()

    def test_an_accountant_without_billing_rights_can_credit_and_cancel(self):
        service = self.active(date(2026, 4, 1))
        move = self.moves(self.run_on(date(2026, 4, 1)))
        accountant = self.make_user("ledger_accountant", "account.group_account_invoice")
        self.credit(move.with_user(accountant))
        self.assertEqual(service.charge_ids.state, "waived")

    def test_goodwill_and_an_end_give_back_no_more_than_was_billed(self):
        service = self.active(date(2026, 4, 1))
        self.run_on(date(2026, 5, 1))
        self.goodwill(service, 12.0, date(2026, 5, 3))
        service._terminate(date(2026, 5, 1))
        self.run_on(date(2026, 5, 4))
        self.assertEqual(self.net(), 30.0)

    def test_goodwill_counts_for_what_is_charged_on_its_day(self):
        service = self.active(date(2026, 4, 1), self.make_tariff(self.scheme, price=60.0))
        self.run_on(date(2026, 4, 1))
        service._change(date(2026, 4, 16), {"price": 20.0})
        self.run_on(date(2026, 4, 16))
        self.goodwill(service, 10.0, date(2026, 4, 20))
        service._terminate(date(2026, 4, 16))
        self.run_on(date(2026, 4, 21))
        self.assertEqual(self.net(), 30.0)

    def test_goodwill_of_one_customer_withholds_nothing_of_anothers_credit(self):
        heir = self.make_customer("Heir")
        service = self.active(date(2026, 4, 1))
        self.run_on(date(2026, 4, 1))
        service._change(date(2026, 4, 11), {"partner_id": heir.id})
        self.run_on(date(2026, 4, 11))
        self.goodwill(service, 15.0, date(2026, 4, 20))
        self.run_on(date(2026, 4, 21))
        service._terminate(date(2026, 4, 1))
        self.run_on(date(2026, 4, 22))
        self.assertEqual((self.net(), self.net(heir)), (0.0, 0.0))

    def test_a_small_credit_on_a_netted_invoice_leaves_its_other_lines_alone(self):
        first = self.active(date(2026, 4, 1), self.make_tariff(self.scheme, price=60.0))
        self.run_on(date(2026, 4, 1))
        first._terminate(date(2026, 4, 11))  # -40
        second = self.active(date(2026, 5, 1), self.make_tariff(self.scheme, price=45.0))
        move = self.moves(self.run_on(date(2026, 5, 1)))
        self.assertEqual(move.amount_untaxed, 5.0)
        note = move._reverse_moves([{"date": move.date, "invoice_date": move.date}])
        credit = note.invoice_line_ids.filtered(lambda line: line.price_subtotal < 0)
        credit.unlink()
        note.invoice_line_ids.price_unit = 7.0
        note.action_post()
        self.assertEqual(set((first | second).charge_ids.mapped("state")), {"invoiced"})
        self.assertEqual(second.charge_ids.credited_amount, 7.0)
        second._terminate(date(2026, 5, 1))
        self.run_on(date(2026, 5, 2))
        self.assertEqual(self.net(), 20.0)

    def test_credit_notes_of_what_an_undo_took_back_stay_as_they_are(self):
        self.active(date(2026, 4, 1))
        run = self.run_on(date(2026, 4, 1))
        move = self.moves(run)
        draft = move._reverse_moves([{"date": move.date, "invoice_date": move.date}])
        note = self.credit(move)
        self.undo(run)
        for refused in (
            note.button_draft,
            draft.action_post,
            lambda: move._reverse_moves([{"date": move.date}], cancel=True),
        ):
            with self.assertRaisesRegex(UserError, "was taken back by the undo"):
                refused()
        draft.button_cancel()
        self.run_on(date(2026, 4, 2))
        self.assertEqual(self.net(), 30.0)

    def test_what_a_cancelled_credit_note_gave_back_is_given_by_the_next_run(self):
        for by_hand in ("cancel", "credit"):
            with self.subTest(by_hand):
                before = self.net()
                service = self.active(date(2026, 4, 1))
                self.run_on(date(2026, 4, 1))
                service._terminate(date(2026, 4, 21))
                note = self.moves(self.run_on(date(2026, 4, 21)))
                self.assertEqual(note.move_type, "out_refund")
                if by_hand == "cancel":
                    note.button_draft()
                    note.button_cancel()
                else:
                    self.credit(note)
                credit = service.charge_ids.filtered(lambda c: c.amount < 0)
                self.assertEqual((credit.state, credit.bill_id.id), ("rated", False))
                with self.assertRaisesRegex(UserError, "cannot be brought back"):
                    (note if by_hand == "cancel" else note.reversal_move_ids).button_draft()
                self.run_on(date(2026, 4, 22))
                self.assertEqual(round(self.net() - before, 2), 20.0)

    def test_goodwill_for_days_that_stay_is_kept(self):
        service = self.active(date(2026, 4, 1))
        self.run_on(date(2026, 5, 1))
        self.goodwill(service, 12.0, date(2026, 4, 20))
        service._terminate(date(2026, 5, 1))
        self.run_on(date(2026, 5, 4))
        self.assertEqual(self.net(), 30.0 - 12.0)

    def test_an_extension_after_such_an_end_gives_the_rest_back(self):
        service = self.active(date(2026, 4, 1))
        self.run_on(date(2026, 4, 1))
        self.goodwill(service, 12.0, date(2026, 4, 3))
        service._change(date(2026, 4, 1), {"date_end": date(2026, 4, 1)})
        self.assertEqual(self.total(service), 0.0)
        service._change(date(2026, 4, 1), {"date_end": False})
        self.assertEqual(self.total(service), 30.0 - 12.0)
        service._change(date(2026, 4, 1), {"date_end": date(2026, 4, 1)})
        self.assertEqual(self.total(service), 0.0)

    def test_voiding_takes_withheld_credits_along(self):
        service = self.active(date(2026, 4, 1))
        charge = service._rate(date(2026, 4, 1))
        self.goodwill(service, 12.0, date(2026, 4, 3))
        service._terminate(date(2026, 4, 1))
        with self.assertRaisesRegex(UserError, "belong together"):
            charge._void()
        service.charge_ids.filtered(lambda c: not c._is_manual())._void()
        self.assertEqual(self.total(service), -12.0)

    def test_nothing_is_an_ordinary_input(self):
        none = self.env["billing.charge"]
        for method in (
            none._settle,
            none._reopen,
            none._void,
            none._mark_invoiced,
            none._balance_credits,
            none._credit_cut_days,
            none._withheld_rows,
            none._goodwill,
            lambda: none._waive("Nothing"),
            lambda: none._follow_documents({}),
            lambda: none._move_to_lines({}),
            lambda: none._cut({}),
            lambda: none._insert_rows([]),
            self.env["account.move"]._follow_in_ledger,
            self.env["account.move"]._take_over_charges,
            self.env["account.move"]._reverse_billed,
        ):
            method()
        self.assertFalse(self.env["billing.service"]._rate(date(2026, 4, 1)))
        self.assertFalse(self.env["billing.service"]._change(date(2026, 4, 1), {"quantity": 2}))


@tagged("post_install", "-at_install")
class TestHostRecords(LedgerCase):
    """People without billing rights go on working with Odoo's own records."""

    def test_they_duplicate_customers_and_invoices(self):
        self.active(date(2026, 4, 1))
        move = self.moves(self.run_on(date(2026, 4, 1)))
        accountant = self.make_user("copying_accountant", "account.group_account_invoice")
        self.assertTrue(move.with_user(accountant).copy())
        seller = self.make_user("copying_seller", "base.group_partner_manager")
        self.assertTrue(self.customer.with_user(seller).copy())

    def test_no_field_of_ours_that_needs_a_right_is_copied_with_a_record_of_odoos(self):
        copied = [
            f"{name}.{field.name}"
            for name in self.env
            if not name.startswith(("billing.", "service."))
            for field in self.env[name]._fields.values()
            if field.copy and "billing_operations" in (field.groups or "")
        ]
        self.assertEqual(copied, [])
