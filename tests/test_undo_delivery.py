"""What was delivered and is taken back: the credit notes follow the invoices to their customers."""

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..billing_runs.layouts.typst_engine import BillingLayout
from .common import DeliveryCase
from .report_common import Reported

NOTES = "run_format_notes"


@tagged("post_install", "-at_install")
class TestUndoDelivery(DeliveryCase, Reported):
    def setUp(self):
        super().setUp()
        self.company.billing_bill_layout = "billing"
        accept = patch.object(
            self.registry["billing.delivery"],
            "_email_call",
            lambda deliveries, task, intent: {"state": "sent"},
        )
        self.startPatcher(accept)

    def ended(self, *ways, **values):
        """Return a run that ended with PDFs, with a customer for each way of sending invoices."""
        run = self.make_documents(
            *(
                {
                    "name": f"Customer {place}",
                    "email": f"{place}@x.example",
                    "invoice_sending_method": way,
                    **values,
                }
                for place, way in enumerate(ways)
            )
        )
        run._continue()
        self.deliver(run)
        run.invalidate_recordset()
        self.assertEqual(run.state, "completed")
        return run

    def send(self, run):
        """Have all documents of the run e-mailed, printed, and marked as printed."""
        for code, method in (("email", "action_email_bills"), ("print", "action_create_bundles")):
            if self.button(run, code, method):
                getattr(run, method)()
        self.deliver(run)
        bundles = self.env["billing.print.bundle"].search([("run_id", "=", run.id)])
        bundles.action_mark_printed()

    def undo(self, run, customers=None):
        """Request an undo; its tasks wait."""
        values = {"partner_ids": [Command.set(customers.ids)]} if customers else {}
        undo = self.env["billing.run.undo"].create(
            {"run_id": run.id, "reason": "Wrong prices", **values}
        )
        undo.action_confirm()
        return undo

    def work(self, without=()):
        """Do what waits in the queue."""
        self.env["billing.task"]._run_inline(domain=[("type_id.code", "not in", without)])
        self.env.invalidate_all()

    def notes(self, run):
        return self.env["account.move"].search(
            [("billing_bill_id.run_id", "=", run.id), ("reversed_entry_id", "!=", False)],
            order="partner_id",
        )

    def invoices(self, run):
        return self.notes(run).reversed_entry_id.sorted("partner_id")

    def step(self, run, code):
        return next(step for step in run._next_steps()["steps"] if step["code"] == code)

    def button(self, run, code, method):
        buttons = self.step(run, code)["buttons"]
        return next((button for button in buttons if button["method"] == method), None)

    def assert_complete(self, run):
        """Check that the panel comes to Run Complete, once somebody has looked at the reports."""
        for step in run._next_steps()["steps"]:
            if step.get("confirmable") and step["state"] != "done":
                self.assertNotIn(step["code"], ("email", "print"))
                run.action_confirm_step(step["code"])
        step = self.step(run, "complete")
        self.assertEqual(step["state"], "done", step["sentence"])

    def states(self, run):
        return set(self.env["billing.bill"].search([("run_id", "=", run.id)]).mapped("state"))

    def test_credit_notes_of_delivered_invoices_get_pdfs_and_go_the_same_way(self):
        run = self.ended("email", "print")
        self.send(run)
        self.assert_complete(run)
        self.undo(run)
        self.work()
        notes = self.notes(run)
        self.assertEqual(len(notes), 2)
        for note in notes:
            self.assertEqual(note.invoice_pdf_report_file[:5], b"JVBER")
        self.assertEqual(self.states(run), {"undone"})
        self.assertEqual(self.step(run, "complete")["state"], "waiting")
        question = self.button(run, "email", "action_email_bills")["confirm"]
        self.assertEqual(
            question.replace("\xa0", " ").replace("\ufeff", ""),
            "E-mail 1 document, $ -11.50?\n"
            "1 of them is a credit note of what was taken back: $ -11.50.",
        )
        question = self.button(run, "print", "action_create_bundles")["confirm"]
        self.assertIn("1 of them is a credit note", question)
        self.send(run)
        sent = self.env["billing.delivery"].search([("move_id", "in", notes.ids)])
        self.assertEqual(
            {(row.move_id, row.channel, row.state) for row in sent},
            {(notes[0], "email", "sent"), (notes[1], "print", "printed")},
        )
        for code in ("email", "print"):
            self.assertEqual(self.step(run, code)["state"], "done", code)
        self.assert_complete(run)
        self.assertEqual(self.states(run), {"undone"})

    def test_what_never_went_out_gets_credit_notes_that_nobody_has_to_send(self):
        run = self.ended("email", "print")
        self.undo(run)
        self.work()
        # Their customers may have seen the invoices on the portal: there the credit notes are too.
        self.assertTrue(all(note.invoice_pdf_report_id for note in self.notes(run)))
        for code in ("email", "print"):
            self.assertEqual(self.step(run, code)["state"], "done", code)
        self.assert_complete(run)
        with self.assertRaisesRegex(UserError, "no document has to be e-mailed"):
            run.action_email_bills()

    def test_an_invoice_without_pdf_gets_a_credit_note_without_one(self):
        run = self.make_documents({"name": "A", "email": "a@x.example"})
        move = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])
        move.invoice_pdf_report_id.unlink()
        self.undo(run)
        self.work()
        self.assertEqual(self.notes(run).state, "posted")
        self.assertFalse(self.notes(run).invoice_pdf_report_id)
        self.assertFalse(self.env["billing.task"].search([("type_id.code", "=", NOTES)]))

    def test_of_a_run_undone_in_part_only_those_customers_get_credit_notes(self):
        run = self.ended("email", "email", "email")
        self.send(run)
        gone = self.env["res.partner"].search([("name", "=", "Customer 1")])
        self.undo(run, gone)
        self.work()
        self.assertEqual(self.notes(run).partner_id, gone)
        self.assertEqual(self.states(run), {"done", "undone"})
        self.assertEqual(run._step("email")["links"][0]["count"], 1)
        self.send(run)
        self.assertEqual(len(self.deliveries(run, channel="email")), 4)
        self.assert_complete(run)

    def test_of_two_who_waited_for_their_invoices_the_one_who_stands_still_gets_his(self):
        run = self.ended("email", "email")
        gone = self.env["res.partner"].search([("name", "=", "Customer 0")])
        self.undo(run, gone)
        self.work()
        self.send(run)
        self.assertEqual(self.deliveries(run).partner_id.name, "Customer 1")
        self.assert_complete(run)

    def test_a_second_undo_finds_nothing_and_changes_nothing(self):
        run = self.ended("email")
        self.send(run)
        self.undo(run)
        self.work()
        notes, pdf = self.notes(run), self.notes(run).invoice_pdf_report_id
        tasks = self.env["billing.task"].search_count([])
        with self.assertRaisesRegex(UserError, "nothing to take back"):
            self.undo(run)
        self.assertEqual(self.notes(run), notes)
        self.assertEqual(notes.invoice_pdf_report_id, pdf)
        self.assertEqual(self.env["billing.task"].search_count([]), tasks)

    def test_the_dialog_asks_once_with_its_figures_and_says_that_the_work_goes_on(self):
        run = self.ended("email", "email")
        undo = self.env["billing.run.undo"].create({"run_id": run.id, "reason": "Wrong prices"})
        self.assertEqual(
            undo.question.replace("\xa0", " ").replace("\ufeff", ""),
            "Take back 2 bills? 2 posted documents are credited: $ 23.00."
            " This cannot be taken back.",
        )
        view = self.env["billing.run.undo"].get_view(view_type="form")["arch"]
        [button] = [part for part in view.split("<button") if 'name="action_confirm"' in part]
        self.assertNotIn("confirm=", button)
        told = undo.action_confirm()
        self.assertEqual(told["tag"], "display_notification")
        self.assertEqual(told["params"]["message"], f"{run.number}: 2 bills are being taken back.")
        self.assertEqual(told["params"]["next"]["type"], "ir.actions.act_window_close")

    def test_the_panel_says_what_is_being_taken_back_until_it_is(self):
        self.company.billing_batch_size = 1
        run = self.ended("email", "email")
        self.send(run)
        before = run._next_steps()
        self.assertEqual((before["live"], before["taken_back"]), (False, ""))
        self.undo(run)
        panel = run._next_steps()
        self.assertTrue(panel["live"])
        self.assertEqual(panel["taken_back"], "2 bills are being taken back.")
        first = self.env["billing.task"].search([("type_id.code", "=", "run_undo")], limit=1)
        self.env["billing.task"]._run_inline(domain=[("id", "=", first.id)])
        self.env.invalidate_all()
        panel = run._next_steps()
        self.assertTrue(panel["live"])
        self.assertEqual(
            panel["taken_back"],
            "1 bill is being taken back. 1 bill was taken back and is not counted here.",
        )
        self.work(without=[NOTES])
        step = self.step(run, "email")
        self.assertEqual((step["state"], step["live"]), ("todo", True))
        self.assertEqual(step["sentence"], "The PDFs of 2 credit notes are being made.")
        self.assertIn(step["sentence"], self.step(run, "production")["sentence"])
        self.assertTrue(run._next_steps()["live"])
        self.work()
        panel = run._next_steps()
        self.assertFalse(panel["live"])
        self.assertEqual(panel["taken_back"], "2 bills were taken back and are not counted here.")

    def test_a_credit_note_whose_pdf_fails_is_an_exception_and_is_made_again(self):
        run = self.ended("email", "email")
        self.send(run)
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)], order="partner_id")
        self.undo(run)
        self.work(without=[NOTES])
        bad = self.notes(run)[0]
        prepare = self.registry["billing.bill"]._read_by

        def refuse(bills, engine, moves, report):
            found = prepare(bills, engine, moves - bad, report) if moves - bad else {}
            return found | {move: UserError("No ink left.") for move in moves & bad}

        with (
            patch.object(self.registry["billing.bill"], "_read_by", refuse),
            patch.object(BillingLayout, "explain", lambda engine, move, error: error),
        ):
            self.work()
        self.assertEqual(
            bills.mapped("state"), ["undone", "undone"], "what was taken back stays so"
        )
        self.assertEqual(
            (bills[0].error_code, bills[0].error_message), ("formatting_failed", "No ink left.")
        )
        self.assertFalse(bills[1].error_code)
        self.assertTrue(self.notes(run)[1].invoice_pdf_report_id)
        self.assertEqual((run.exception_count, run.error_count), (1, 0))
        self.send(run)
        step = self.step(run, "email")
        self.assertEqual(step["state"], "attention")
        self.assertIn("1 credit note of what was taken back has no PDF", step["sentence"])
        step = self.step(run, "production")
        self.assertEqual(step["state"], "attention")
        self.assertIn("0 of 0 bills have their PDF. 1 credit note", step["sentence"])
        self.assertEqual(step["links"][0]["count"], 1)
        [button] = step["buttons"]
        stranger = self.make_user("undo_stranger", "base.group_user")
        with self.assertRaises(AccessError):
            run.with_user(stranger).action_make_note_pdfs()
        clerk = self.make_user("undo_clerk", "billing_operations.group_billing_user")
        getattr(run.with_user(clerk), button["method"])()
        self.work()
        self.assertTrue(bad.invoice_pdf_report_id)
        self.assertEqual((bills[0].error_code, bills[0].error_message), (False, "Wrong prices"))
        self.send(run)
        self.assert_complete(run)

    def test_a_credit_note_of_the_run_is_taken_back_by_an_invoice_that_goes_out_as_well(self):
        run = self.ended("email")
        self.send(run)
        customer = self.deliveries(run).partner_id
        later = self.make_run(self.cycle, run.cutoff_date)
        self.adjust(customer, -50.0)
        later._execute()
        self.send(later)
        refund = self.deliveries(later).move_id
        self.assertEqual(refund.move_type, "out_refund")
        self.undo(later)
        self.work()
        self.assertEqual(self.notes(later).move_type, "out_invoice")
        self.send(later)
        self.assertEqual(self.deliveries(later).move_id, refund | self.notes(later))
        self.assert_complete(later)
