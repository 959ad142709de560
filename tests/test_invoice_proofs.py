"""Documents are written by sets where this database has just proven that Odoo makes the same."""

from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from odoo.addons.billing_operations.billing_runs.invoicing.posting import RANKS
from odoo.addons.billing_operations.billing_runs.writer import numbers, proofs
from odoo.addons.billing_operations.billing_runs.writer.not_written import NotWritten, ProvenWrong
from odoo.addons.billing_operations.billing_runs.writer.proofs import Proofs

from .proof_common import ProofCase

#: of two shapes in turns, of which Odoo makes one: proven together, then alone, to tell which it is
ONE_OF_TWO = [False] * 4 + [True, False] * 2


@tagged("post_install", "-at_install")
class TestProofs(ProofCase):
    """The first of each shape is made both ways."""

    def test_the_first_of_a_shape_is_made_both_ways_and_the_others_are_written(self):
        moves = self.make([self.spec(customer) for customer in self.customers])
        self.assertEqual(self.written(moves), [False] + [True] * 7)
        self.assertEqual(self.said().mapped("equal"), [True])
        self.assertEqual(self.said().move_id, moves[0])
        self.assertEqual(set(moves.mapped("state")), {"posted"})
        self.assertEqual(moves.mapped("name"), [f"INV/2026/{number:05}" for number in range(1, 9)])

    def test_shapes_are_proven_each_and_numbers_follow_the_order_of_the_documents(self):
        specs = [
            self.spec(customer, move_type="out_refund" if number % 3 == 2 else "out_invoice")
            for number, customer in enumerate(self.customers)
        ]
        moves = self.make(specs)
        self.assertEqual(self.written(moves), [False] * 3 + [True] * 5)
        self.assertEqual(len(self.said()), 2)
        for move_type in ("out_invoice", "out_refund"):
            numbers = moves.filtered(lambda m, kind=move_type: m.move_type == kind).mapped(
                "sequence_number"
            )
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_a_customer_of_another_country_is_another_shape(self):
        self.customers[3].country_id = self.env.ref("base.be")
        moves = self.make([self.spec(customer) for customer in self.customers])
        self.assertEqual(self.written(moves), [False] * 4 + [True] * 4)
        self.assertEqual(self.said().move_id, moves[0] + moves[3])

    def test_neighbours_of_several_shapes_are_proven_together(self):
        model, tried = self.env.registry["billing.invoice.proof"], []
        plain = model._try

        def counted(proof, *arguments):
            tried.append(plain(proof, *arguments))
            return tried[-1]

        self.customers[1].country_id = self.env.ref("base.be")
        self.customers[3].country_id = self.env.ref("base.nl")
        self.customers[6].country_id = self.env.ref("base.at")
        with patch.object(model, "_try", counted):
            moves = self.make([self.spec(customer) for customer in self.customers])
        self.assertEqual(tried, [(moves[:4], []), (moves[6], [])])
        self.assertEqual(self.written(moves), [False] * 4 + [True] * 2 + [False, True])
        self.assertEqual(self.said().move_id, moves[0] + moves[1] + moves[3] + moves[6])
        self.assertEqual(moves.mapped("name"), [f"INV/2026/{number:05}" for number in range(1, 9)])

    def test_of_shapes_that_are_proven_together_only_the_one_that_differs_is_left_to_odoo(self):
        self._follow("_post", lambda move: move.write({"invoice_origin": "Belgium"}))
        moves = self.make(self._mixed())
        self.assertEqual(self.written(moves), [False, False] + [True, False] * 3)
        self.assertEqual(moves.mapped("invoice_origin"), [False, "Belgium"] * 4)
        self.assertEqual(sorted(self.said().mapped("equal")), [False, True])
        self.assertIn("sets invoice_origin of account.move", self.run_.writer_note)

    def test_who_takes_a_number_while_shapes_are_proven_together_proves_nothing_wrong(self):
        moves, proof = map(self.env.registry.get, ("account.move", "billing.invoice.proof"))
        post, posted = moves._post, []

        def another_at_first(some, *args, **kwargs):
            posted.append(some)
            if len(posted) == 1:
                some.narration = "Not the same"
            return post(some, *args, **kwargs)

        with (
            patch.object(proof, "_is_number_taken", lambda *_rows: len(posted) == 1),
            patch.object(moves, "_post", another_at_first),
        ):
            moves = self.make(self._mixed())
        self.assertEqual([len(some) for some in posted], [2, 2])
        self.assertEqual(self.written(moves), [False] * 4 + [True] * 4)
        self.assertEqual(self.said().mapped("equal"), [True, True])

    def test_each_run_proves_its_shapes_anew(self):
        specs = [self.spec(customer) for customer in self.customers[:2]]
        self.make(specs)
        other = self.new_run("2026-02-28")
        self.assertEqual(self.written(self.make(specs, other)), [False, True])
        self.assertEqual(self.written(self.make(specs)), [True, True])

    def test_what_only_odoo_can_say_is_made_by_odoo(self):
        rounding = self.cash_rounding_a.id
        moves = self.make([self.spec(invoice_cash_rounding_id=rounding)] * 2)
        self.assertEqual(self.written(moves), [False, False])
        self.assertFalse(self.said())

    def test_customers_rank_as_when_odoo_posts(self):
        new, old = self.customers[4:6]
        old.customer_rank = 5
        self.make([self.spec(self.customers[0])] + [self.spec(new), self.spec(old)] * 2)
        self.env.invalidate_all()
        self.assertEqual(new.customer_rank, 2)
        later = self.env.cr.postcommit.data[RANKS]
        self.assertEqual(later[old.id], 2)
        # Another shape is proven, and what was asked for before it is not forgotten by those that are
        # to do it.
        country = self.env.ref("base.be")
        self.customers[6].write({"country_id": country.id, "customer_rank": 1})
        self.make([self.spec(self.customers[6]), self.spec(old)])
        self.assertIs(self.env.cr.postcommit.data[RANKS], later)
        self.assertEqual((later[old.id], later[self.customers[6].id]), (3, 1))

    def test_odoo_numbers_on_from_what_others_committed_meanwhile(self):
        # As a transaction sees it that has numbered nothing yet.
        self.make([self.spec()])._get_sequence_cache().clear()
        tried = []
        increment = type(self.env["sequence.mixin"])._locked_increment

        def watched(move, number_format, values):
            tried.append(values["seq"])
            return increment(move, number_format, values)

        with (
            patch.object(numbers, "committed", lambda *args: 50),
            patch.object(type(self.env["sequence.mixin"]), "_locked_increment", watched),
        ):
            moves = self.make([self.spec(self.customers[1])], self.new_run("2026-02-28"))
        self.assertEqual(moves.name, "INV/2026/00051")
        self.assertEqual(tried, [50, 50])

    # === OTHER ADDONS === #

    def _add_column(self, kind, value, depends):
        """Have the database compute a stored column of documents, as an addon would."""
        self.addCleanup(self.registry.reset_changes)
        self.addCleanup(self.env.invalidate_all)
        self.env["ir.model.fields"].create(
            {
                "name": "x_column",
                "model_id": self.env["ir.model"]._get_id("account.move"),
                "ttype": kind,
                "compute": f"for move in self: move['x_column'] = {value}",
                "depends": depends,
                "store": True,
            }
        )

    def _column(self, moves):
        query = SQL("SELECT x_column FROM account_move WHERE id = ANY(%s) ORDER BY id", moves.ids)
        return [row[0] for row in self.env.execute_query(query)]

    def test_a_stored_column_of_another_addon_is_computed_by_odoo(self):
        self._add_column("float", "2 * move.amount_total", "amount_total")
        specs = [
            self.spec(customer, [self.line(10.0 + number)])
            for number, customer in enumerate(self.customers)
        ]
        moves = self.make(specs)
        self.assertEqual(self.written(moves), [False] + [True] * 7)
        self.assertFalse(self.run_.writer_note, "it is computed for what is written")
        self.assertEqual(self._column(moves), [2 * move.amount_total for move in moves])

    def test_a_column_that_is_empty_on_the_first_of_a_shape_is_computed_of_the_others(self):
        self._add_column("boolean", "move.amount_untaxed > 100", "amount_untaxed")
        amounts = [10.0, 200.0, 20.0, 300.0]
        moves = self.make(
            [self.spec(c, [self.line(a)]) for c, a in zip(self.customers[:4], amounts, strict=True)]
        )
        self.assertEqual(self.written(moves), [False] + [True] * 3)
        self.assertEqual([bool(value) for value in self._column(moves)], [False, True] * 2)

    def test_a_column_that_follows_from_the_customer_is_computed_of_each_from_nothing(self):
        kept = "move.x_column or move.partner_id.ref or 'none'"
        self._add_column("char", kept, "journal_id")
        for number, customer in enumerate(self.customers[1:]):
            customer.ref = f"C{number}"
        moves = self.make([self.spec(customer) for customer in self.customers])
        self.assertEqual(self.written(moves), [False] + [True] * 7)
        self.assertEqual(
            self._column(moves), [customer.ref or "none" for customer in self.customers]
        )

    def test_a_column_that_cannot_be_computed_leaves_its_shape_to_odoo_and_no_other(self):
        self._add_column("boolean", "move.amount_untaxed > 100", "amount_untaxed")
        writer = self.env.registry["billing.invoice.writer"]
        plain = writer._compute_others

        def fails(model, computed, ids):
            moves = self.env["account.move"].browse(ids["account.move"])
            if "BE" in moves.partner_id.country_id.mapped("code"):
                raise ZeroDivisionError("planted")
            return plain(model, computed, ids)

        specs = [
            self.spec(customer, [self.line(10.0 + 100 * (number % 4))], move_type=kind)
            for number, (customer, kind) in enumerate(
                zip(self.customers, ["out_invoice"] * 3 + ["out_refund"] * 5, strict=True)
            )
        ]
        self.customers[:2].country_id = self.env.ref("base.be")
        with (
            patch.object(writer, "_compute_others", fails),
            self.assertLogs(
                "odoo.addons.billing_operations.billing_runs.writer.billing_invoice_proof", "ERROR"
            ),
        ):
            moves = self.make(specs)
        self.assertFalse(any(self.written(moves[:2])))
        self.assertTrue(all(self.written(moves[5:])))
        self.assertEqual(
            [bool(value) for value in self._column(moves)],
            [move.amount_untaxed > 100 for move in moves],
        )

    def test_what_odoo_computes_no_more_when_it_posts_leaves_documents_to_odoo(self):
        self._add_column("boolean", "move.state == 'posted'", "partner_id")
        moves = self.make([self.spec(customer) for customer in self.customers[:4]])
        self.assertFalse(any(self.written(moves)))
        self.assertFalse(any(self._column(moves)))
        self.assertIn("sets x_column of account.move to false", self.run_.writer_note)

    def test_an_addon_that_writes_another_table_is_obeyed_for_its_shapes_alone(self):
        self._follow(
            "_post", lambda move: self.env["res.partner.category"].create({"name": move.name})
        )
        moves = self.make(self._mixed())
        self.assertEqual(self.written(moves), ONE_OF_TWO)
        self.assertEqual(
            self.env["res.partner.category"].search_count([("name", "in", moves.mapped("name"))]), 4
        )
        [reason] = self.said().filtered("reason").mapped("reason")
        self.assertIn("Posting a document also writes table res_partner_category", reason)
        self.assertIn("res_partner_category", self.run_.writer_note)

    def test_an_addon_that_writes_other_rows_of_the_same_tables_is_obeyed(self):
        general = self.company_data["default_journal_misc"].id
        follows = {
            "res_partner": lambda move: move.company_id.partner_id.write({"comment": move.name}),
            "account_move": lambda move: self.env["account.move"].create(
                {"move_type": "entry", "journal_id": general}
            ),
        }
        for number, (table, follow) in enumerate(follows.items()):
            with self.subTest(table), self.cr.savepoint():
                self._follow("_post", follow)
                run = self.new_run(f"2026-0{number + 3}-01")
                moves = self.make(self._mixed(), run)
                self.assertEqual(self.written(moves), ONE_OF_TWO)
                self.assertIn(f"also writes table {table}", run.writer_note)

    def test_an_addon_that_writes_on_earlier_invoices_of_the_customer_is_obeyed(self):
        earlier = self.make(self._mixed(), self.new_run("2026-03-01"))

        def follow(move):
            others = earlier.filtered(lambda other: other.partner_id == move.partner_id)
            others.write({"invoice_origin": "Not the last one"})

        self._follow("_post", follow)
        run = self.new_run("2026-04-01")
        moves = self.make(self._mixed(), run)
        self.assertEqual(self.written(moves), ONE_OF_TWO)
        self.assertIn("sets invoice_origin of account.move", run.writer_note)

    def test_an_addon_that_replaces_a_row_by_another_is_obeyed(self):
        def follow(move):
            notes = self.env["res.partner.category"].search([("name", "=", "Billed last")])
            notes.unlink()
            self.env["res.partner.category"].create({"name": "Billed last"})

        self.env["res.partner.category"].create({"name": "Billed last"})
        self._follow("_post", follow)
        moves = self.make(self._mixed())
        self.assertEqual(self.written(moves), ONE_OF_TWO)
        self.assertIn("also writes table res_partner_category", self.run_.writer_note)

    def test_what_cannot_be_made_ready_ahead_is_prepared_when_its_turn_comes(self):
        writer = self.env.registry["billing.invoice.writer"]
        prepare, failed = writer._prepare, []

        def fails_once(model, documents, computed=None):
            if len(documents) > 1 and not failed:
                failed.append(len(documents))
                raise ZeroDivisionError
            return prepare(model, documents, computed)

        with patch.object(writer, "_prepare", fails_once):
            moves = self.make([self.spec(customer) for customer in self.customers])
        self.assertEqual(failed, [7])
        self.assertEqual(self.written(moves), [False] + [True] * 7)

    def test_where_the_audit_trail_is_restricted_odoo_logs_every_document(self):
        company = self.run_.company_id
        company.restrictive_audit_trail = True
        specs = [self.spec(customer) for customer in self.customers[:3]]
        self.builder = self.builder.with_context(
            tracking_disable=False, mail_notrack=False, mail_create_nolog=False
        )
        moves = self.make(specs)
        self.env.cr.flush()
        self.assertEqual(self.written(moves), [False] * 3)
        self.assertIn(f"The audit trail of {company.name} is restricted", self.run_.writer_note)
        drafts = self.builder._create_invoices(specs)
        self.builder._post_invoices(drafts)
        self.env.cr.flush()
        for move in moves + drafts:
            self.assertTrue(move.message_ids, move.name)

    def test_an_addon_that_changes_a_tax_is_obeyed_for_its_shapes_alone(self):
        model, exempt = self.env.registry["account.move.line"], self.sale_tax(0.0)
        create = model.create

        def changed(lines, vals_list):
            made = create(lines, vals_list)
            products = made.filtered(
                lambda line: (
                    line.display_type == "product" and line.partner_id.country_id.code == "BE"
                )
            )
            products.tax_ids = exempt
            return made

        with patch.object(model, "create", changed):
            moves = self.make(self._mixed())
        self.assertEqual(self.written(moves), [False, False] + [True, False] * 3)
        self.assertEqual([move.amount_tax for move in moves], [15.0, 0.0] * 4)
        [reason] = self.said().filtered("reason").mapped("reason")
        self.assertRegex(reason, r"\w sets \w+ of account\.move")

    def test_what_an_addon_does_after_the_commit_is_left_to_it(self):
        called = []
        self._follow("_post", lambda move: self.env.cr.postcommit.add(lambda: called.append(move)))
        self.addCleanup(self.env.cr.postcommit.clear)
        moves = self.make(self._mixed())
        self.assertEqual(self.written(moves), ONE_OF_TWO)
        self.assertIn("is called when the document is committed", self.run_.writer_note)

    def test_an_automation_rule_on_documents_leaves_them_all_to_odoo(self):
        with patch.object(
            self.env.registry["billing.invoice.builder"], "_automation", lambda self: "Tell them"
        ):
            moves = self.make([self.spec(customer) for customer in self.customers[:3]])
            self.make([self.spec(self.customers[3])])
        self.assertEqual(self.written(moves), [False] * 3)
        self.assertEqual(
            self.run_.writer_note,
            "Automation rule Tell them works on journal entries: Odoo itself makes every document.",
        )
        self.assertEqual(len(self.said()), 1)

    # === PROVEN AGAIN === #

    def test_a_shape_is_proven_again_by_chance(self):
        self.make([self.spec(self.customers[0])])
        with patch.object(proofs, "AGAIN", 0):
            moves = self.make([self.spec(customer) for customer in self.customers[:2]])
        self.assertEqual(self.written(moves), [False, False])
        self.assertEqual(self.said().mapped("again"), [True, True, False])

    def test_a_proof_that_fails_later_leaves_the_shape_to_odoo(self):
        self.make([self.spec(customer) for customer in self.customers[:2]])
        self._follow(
            "_post", lambda move: self.env["res.partner.category"].create({"name": move.name})
        )
        self.customers[:4].country_id = False
        specs = [self.spec(customer) for customer in self.customers[:3]]
        with patch.object(self.env.registry["account.move"], "_post", self._writes_more()):
            with patch.object(proofs, "AGAIN", 0), self.assertRaises(ProvenWrong) as caught:
                self.make(specs)
            self.assertIn("res_partner_category", caught.exception.values["reason"])
            self.assertEqual(self.written(self.make(specs)), [False] * 3)

    def _writes_more(self):
        post = self.env.registry["account.move"]._post

        def more(moves, *args, **kwargs):
            self.env["res.partner.category"].create({"name": "More"})
            return post(moves, *args, **kwargs)

        return more

    # === WHAT ODOO REFUSES === #

    def test_documents_in_a_locked_period_are_left_to_odoo(self):
        self.make([self.spec(self.customers[0])])
        self.company.sale_lock_date = fields.Date.to_date("2026-01-31")
        with self.assertRaises(NotWritten):
            self.make([self.spec(self.customers[1])])

    def test_what_odoo_checks_is_checked_on_the_whole_batch(self):
        self.make([self.spec(self.customers[0])])
        self.product_a.property_account_income_id.active = False
        with self.assertRaisesRegex(NotWritten, "archived account"), self.cr.savepoint():
            self.make([self.spec(self.customers[1])])
        self.product_a.property_account_income_id.active = True
        other = self.setup_other_company(name="Another company")["company"]
        self.customers[2].company_id = other
        with (
            self.assertRaisesRegex(NotWritten, "partner_id of another company"),
            self.cr.savepoint(),
        ):
            self.make([self.spec(self.customers[1]), self.spec(self.customers[2])])

    def test_who_may_not_post_writes_nothing_either(self):
        moves = self.make([self.spec(customer) for customer in self.customers[:2]])
        writer = self.env["billing.invoice.writer"]
        person = new_test_user(self.env, "no_invoices", "base.group_user")
        with self.assertRaises(AccessError):
            writer.with_user(person)._check_rights(moves.with_user(person))
        accountant = new_test_user(self.env, "invoices", "account.group_account_invoice")
        elsewhere = self.setup_other_company(name="Another company")["company"]
        accountant.write({"company_ids": elsewhere.ids, "company_id": elsewhere.id})
        theirs = writer.with_user(accountant)
        with self.assertRaises(AccessError):
            theirs._check_rights(moves.with_env(theirs.env))

    def test_a_refusal_by_odoo_is_said_in_its_words(self):
        self.product_a.property_account_income_id.active = False
        with self.assertRaisesRegex(UserError, "archived"), self.cr.savepoint():
            self.make([self.spec()])

    def test_proofs_of_the_last_runs_alone_are_kept(self):
        for number in range(proofs.RUNS + 5):
            Proofs.of(self.registry, f"test {number}")
        self.assertEqual(len(vars(self.registry)["_billing_proofs"]), proofs.RUNS)
