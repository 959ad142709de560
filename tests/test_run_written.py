"""Runs that go on to posting write their documents, and hold what a later proof finds wrong."""

from datetime import date
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.billing_operations.billing_runs.writer import proofs
from odoo.addons.billing_operations.billing_runs.writer.not_written import NotWritten

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunsThatWrite(BillingCase):
    """A run of five customers with a service each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.customers = [cls.make_customer(f"Customer {number}") for number in range(5)]
        for customer in cls.customers:
            cls.make_service(customer, cls.tariff)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.enterClassContext(patch.object(proofs, "AGAIN", float("inf")))

    def setUp(self):
        super().setUp()
        vars(self.registry).pop("_billing_proofs", None)

    def execute(self, stage="posting"):
        run = self.make_run(self.cycle, date(2026, 1, 1))
        run._execute(stage)
        return run

    def documents(self, run):
        return self.env["account.move"].search(
            [("billing_bill_id.run_id", "=", run.id)], order="id"
        )

    def test_a_run_that_goes_on_to_posting_makes_no_drafts(self):
        run = self.execute()
        moves = self.documents(run)
        self.assertEqual([bool(move.billing_shape) for move in moves], [False] + [True] * 4)
        self.assertEqual(set(moves.mapped("state")), {"posted"})
        results = self.env["billing.run.result"].search([("run_id", "=", run.id)])
        self.assertEqual(
            [(result.stage, result.entities, result.documents) for result in results],
            [("rating", 5, 5), ("invoicing", 5, 5), ("posting", 5, 5)],
        )
        charges = self.env["billing.charge"].search([("bill_id.run_id", "=", run.id)])
        self.assertEqual(set(charges.mapped("state")), {"invoiced"})
        self.assertEqual(charges.move_id, moves)
        self.assertFalse(self.env["billing.task"].search([("type_id.code", "=", "run_post")]))

    def test_other_documents_are_made_ready_before_the_journal_is_waited_for(self):
        writer = self.env.registry["billing.invoice.writer"]
        builder = self.env.registry["billing.invoice.builder"]
        bill = self.env.registry["billing.bill"]
        prepare, wait, order = writer._prepare, builder._wait_for_others, []
        link = bill._link_documents

        def preparing(model, documents, computed=None):
            order.append(len(documents))
            return prepare(model, documents, computed)

        def waiting(model, specs):
            order.append("wait")
            return wait(model, specs)

        def linking(model, items, documents, move_ids, **options):
            order.append(("tied", len(move_ids)))
            return link(model, items, documents, move_ids, **options)

        with (
            patch.object(bill, "_link_documents", linking),
            patch.object(writer, "_prepare", preparing),
            patch.object(builder, "_wait_for_others", waiting),
        ):
            self.execute()
        # The last of them is the one that proves, tied once it is made.
        self.assertEqual(order, [4, ("tied", 4), "wait", 1, ("tied", 1)])

    def test_charges_are_tied_to_lines_that_come_later_and_freed_where_these_do_not(self):
        writer = self.env.registry["billing.invoice.writer"]
        insert, seen = writer._insert, []

        def fails(model, prepared):
            if len(prepared.rows) == 1:
                return insert(model, prepared)
            charges = self.env["billing.charge"].search([("move_id", "in", prepared.moves.ids)])
            seen.append((charges.mapped("state"), bool(charges.move_id.exists())))
            raise NotWritten("planted")

        with patch.object(writer, "_insert", fails):
            run = self.execute()
        self.assertEqual(seen, [(["invoiced"] * 4, False)])
        self.assertIn("in two steps: planted", run.writer_note)
        moves = self.documents(run)
        charges = self.env["billing.charge"].search([("bill_id.run_id", "=", run.id)])
        self.assertEqual(charges.mapped("state"), ["invoiced"] * 5)
        self.assertEqual(charges.move_line_id.move_id, moves)
        self.assertEqual(charges.move_id, moves)
        self.assertEqual(set(moves.mapped("state")), {"posted"})

    def test_charges_tied_ahead_follow_to_the_documents_that_odoo_makes_after_all(self):
        post = self.env.registry["account.move"]._post

        def more(moves, *args, **kwargs):
            self.env["res.partner.category"].create({"name": "More"})
            return post(moves, *args, **kwargs)

        with patch.object(self.env.registry["account.move"], "_post", more):
            run = self.execute()
        moves = self.documents(run)
        self.assertEqual([bool(move.billing_shape) for move in moves], [False] * 5)
        self.assertIn("res_partner_category", run.writer_note)
        charges = self.env["billing.charge"].search([("bill_id.run_id", "=", run.id)])
        self.assertEqual(set(charges.mapped("state")), {"invoiced"})
        for move in moves:
            own = charges.filtered(lambda charge, move=move: charge.move_id == move)
            self.assertEqual(own.move_line_id, move.invoice_line_ids)
            self.assertEqual(own.partner_id, move.partner_id)
            self.assertEqual(sum(own.mapped("invoiced_amount")), move.amount_untaxed)

    def test_a_run_that_ends_with_drafts_makes_drafts(self):
        run = self.execute("invoicing")
        self.assertEqual(set(self.documents(run).mapped("state")), {"draft"})
        run._execute("posting")
        self.assertEqual(set(self.documents(run).mapped("state")), {"posted"})
        self.assertFalse(any(self.documents(run).mapped("billing_shape")))

    def test_drafts_are_proven_anew_once_a_setting_of_the_company_was_changed(self):
        run = self.execute("rating")
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        known = bills._draft_proofs("drafts")
        self.assertIs(bills._draft_proofs("drafts"), known)
        self.env.cr.execute(
            SQL(
                "UPDATE res_company SET write_date = write_date + interval '1 second' WHERE id = %s",
                self.company.id,
            )
        )
        self.company.invalidate_recordset(["write_date"])
        self.assertIsNot(bills._draft_proofs("drafts"), known)

    def test_what_a_later_proof_finds_wrong_is_compared_and_held(self):
        run = self.execute()
        first, wrong, *_others = self.documents(run)
        shape = wrong.billing_shape
        self.assertEqual(self.env["billing.invoice.proof"].search([]).move_id[:1], first)
        self.env["billing.invoice.proof"].create(
            {"run_id": run.id, "shape": shape, "again": True, "equal": False, "reason": "An addon."}
        )
        self.env.cr.execute(
            SQL(
                "UPDATE account_move_line SET discount = 7 WHERE id = %s",
                wrong.invoice_line_ids[:1].id,
            )
        )
        # Of first customers, all stages may be through.
        wrong.billing_bill_id._set_state("done")
        self.env.invalidate_all()
        run._check_written()
        held = self.env["billing.bill"].search(
            [("run_id", "=", run.id), ("error_code", "=", "document_differs")]
        )
        self.assertEqual(held, wrong.billing_bill_id)
        self.assertIn(wrong.name, held.error_message)
        self.assertIn("discount", held.error_message)
        run.action_run_again()
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        self.assertEqual((held.state, held.error_code), ("posted", False), "somebody has looked")
        numbers = self.documents(run).mapped("sequence_number")
        self.assertEqual(sorted(numbers), list(range(min(numbers), min(numbers) + 5)))

    def test_a_proof_that_fails_in_a_run_leaves_the_rest_of_it_to_odoo(self):
        post = self.env.registry["account.move"]._post
        seen = []

        def more(moves, *args, **kwargs):
            seen.append(moves)
            if len(seen) > 1:
                self.env["res.partner.category"].create({"name": f"Posted {len(seen)}"})
            return post(moves, *args, **kwargs)

        with (
            patch.object(proofs, "AGAIN", 0),
            patch.object(self.env.registry["account.move"], "_post", more),
        ):
            run = self.execute()
        moves = self.documents(run)
        self.assertEqual(set(moves.mapped("state")), {"posted"})
        self.assertEqual(len(moves), 5)
        self.assertFalse(any(moves.mapped("billing_shape")))
        self.assertIn("res_partner_category", run.writer_note)

    def test_what_a_later_batch_proves_wrong_holds_what_earlier_ones_wrote(self):
        self.company.billing_batch_size = 2
        post, batches = self.env.registry["account.move"]._post, []

        def draw(count):
            batches.append(count)
            return [len(batches) > 1] * count

        def marked(moves, *args, **kwargs):
            result = post(moves, *args, **kwargs)
            if len(batches) > 1:
                moves.write({"invoice_origin": "Marked"})
            return result

        with (
            patch.object(proofs.Proofs, "draw", staticmethod(draw)),
            patch.object(self.env.registry["account.move"], "_post", marked),
        ):
            run = self.execute()
        moves = self.documents(run)
        self.assertEqual(set(moves.mapped("state")), {"posted"})
        written = moves.filtered("billing_shape")
        self.assertEqual(written, moves[1])
        held = self.env["billing.bill"].search([("run_id", "=", run.id), ("state", "=", "error")])
        self.assertEqual(held, written.billing_bill_id)
        self.assertEqual(held.error_code, "document_differs")
        self.assertIn(written.name, held.error_message)
        self.assertIn("invoice_origin", held.error_message)

    def test_why_a_batch_was_made_in_two_steps_stands_on_the_run(self):
        writer = self.env.registry["billing.invoice.writer"]
        builder = self.env.registry["billing.invoice.builder"]

        def fails(*args):
            raise ZeroDivisionError("planted")

        with (
            patch.object(builder, "_make_by_sets", fails),
            self.assertLogs("odoo.addons.billing_operations.billing_runs.writer.bill", "ERROR"),
        ):
            run = self.execute()
        self.assertEqual(set(self.documents(run).mapped("state")), {"posted"})
        self.assertIn("in two steps: ZeroDivisionError: planted", run.writer_note)
        vars(self.registry).pop("_billing_proofs", None)
        with (
            patch.object(writer, "_check_rights", fails),
            self.assertLogs(
                "odoo.addons.billing_operations.billing_runs.writer.billing_invoice_proof", "ERROR"
            ),
        ):
            run = self.make_run(self.cycle, date(2026, 2, 1))
            run._execute("posting")
        self.assertEqual(set(self.documents(run).mapped("state")), {"posted"})
        self.assertIn("planted", run.writer_note)
