"""What addons do besides, what else follows from a document, and what others did to it, is no less proven."""

from odoo import fields
from odoo.tests import tagged

from odoo.addons.billing_operations.billing_runs.writer.not_written import NotWritten

from .proof_common import ProofCase


@tagged("post_install", "-at_install")
class TestProofsBeside(ProofCase):
    """Documents of shapes that are proven together, whose addons do different things."""

    def _of(self, *codes):
        """Return a specification for each country of a customer; None leaves it as it is."""
        countries = {code: self.env.ref(f"base.{code.lower()}") for code in set(codes) - {None}}
        for customer, code in zip(self.customers, codes, strict=False):
            if code:
                customer.country_id = countries[code]
        return [self.spec(customer) for customer in self.customers[: len(codes)]]

    def test_a_column_of_one_shape_hides_no_table_of_another(self):
        category = self.env["res.partner.category"]
        self._follow("_post", lambda move: category.create({"name": move.name}), "BE")
        self._follow("_post", lambda move: move.write({"invoice_origin": "NL"}), "NL")
        moves = self.make(self._of(None, "BE", "NL", None, "BE", "NL", "BE", None))
        belgian = moves.filtered(lambda move: move.partner_id.country_id.code == "BE")
        self.assertEqual(
            category.search_count([("name", "in", belgian.mapped("name"))]), len(belgian)
        )
        self.assertFalse(any(self.written(belgian)))
        self.assertEqual(
            moves.mapped("invoice_origin"),
            [move.partner_id.country_id.code == "NL" and "NL" for move in moves],
        )
        self.assertTrue(moves[7].billing_shape)

    def test_what_is_asked_of_one_hook_for_all_documents_is_seen_for_each_shape(self):
        told = []

        def follow(move):
            data = self.env.cr.postcommit.data
            if "told" not in data:
                data["told"] = []
                self.env.cr.postcommit.add(lambda: told.extend(data["told"]))
            data["told"].append(move.id)

        self.addCleanup(self.env.cr.postcommit.clear)
        self._follow("_post", follow, "BE")
        self._follow("_post", follow, "NL")
        moves = self.make(self._of(*["BE", "NL"] * 4))
        self.assertFalse(any(self.written(moves)))
        self.env.cr.postcommit.run()
        self.assertEqual(sorted(told), moves.ids)

    def test_what_is_counted_for_one_hook_is_seen_for_each_shape(self):
        def follow(move):
            data = self.env.cr.postcommit.data
            data.setdefault("counted", {}).setdefault(move.journal_id.id, 0)
            data["counted"][move.journal_id.id] += 1

        self.addCleanup(self.env.cr.postcommit.clear)
        self._follow("_post", follow, "BE")
        self._follow("_post", follow, "NL")
        moves = self.make(self._of(*["BE", "NL"] * 4))
        self.assertFalse(any(self.written(moves)))

    def test_documents_of_one_customer_are_not_proven_together(self):
        def mark(move):
            mine = [("partner_id", "=", move.partner_id.id), ("id", "<", move.id)]
            self.env["account.move"].search(mine).write({"invoice_origin": "Not the last"})

        def specs(customer):
            return [self.spec(customer), self.spec(customer, move_type="out_refund")]

        model = self.env.registry["account.move"]
        post = model._post

        def posted(moves, *args, **kwargs):
            result = post(moves, *args, **kwargs)
            for move in moves.filtered(lambda move: move.move_type == "out_refund"):
                mark(move)
            return result

        self.patch(model, "_post", posted)
        moves = self.make([spec for customer in self.customers[:4] for spec in specs(customer)])
        credit_notes = moves.filtered(lambda move: move.move_type == "out_refund")
        self.assertFalse(any(self.written(credit_notes)))
        self.assertEqual(set((moves - credit_notes).mapped("invoice_origin")), {"Not the last"})

    def test_mails_messages_triggers_and_files_are_seen(self):
        env = self.env
        cron = env.ref("billing_operations.cron_billing_wake_runs")
        follows = {
            "mail_mail": lambda move: env["mail.mail"].create({"subject": move.name}),
            "mail_message": lambda move: env["mail.message"].create({"body": move.name}),
            "ir_attachment": lambda move: env["ir.attachment"].create({"name": move.name}),
            "ir_cron_trigger": lambda move: cron._trigger(),
            "is called when": lambda move: move.partner_id._bus_send("billing.test", {}),
        }
        for number, (said, follow) in enumerate(follows.items()):
            with self.subTest(said), self.cr.savepoint(), self._following("_post", follow):
                run = self.new_run(f"2026-0{number + 2}-01")
                moves = self.make(self._of(*["BE"] * 3), run)
                self.assertFalse(any(self.written(moves)))
                self.assertIn(said, run.writer_note)

    def test_references_that_follow_from_ids_are_those_that_odoo_gives(self):
        journal = self.env["account.journal"].browse(self.spec()["journal_id"])
        for model, kind in (("euro", "invoice"), ("odoo", "partner"), ("euro", "partner")):
            with self.subTest(model=model, kind=kind), self.cr.savepoint():
                journal.invoice_reference_model = model
                journal.invoice_reference_type = kind
                moves = self.make(self._of(*[None] * 4), self.run_.copy())
                self.assertEqual(self.written(moves), [False] + [True] * 3)
                self.env.invalidate_all()
                for move in moves:
                    self.assertEqual(move.payment_reference, move._get_invoice_computed_reference())
                    term = move.line_ids.filtered(lambda item: item.display_type == "payment_term")
                    self.assertIn(move.payment_reference, term.name)

    def test_what_was_sent_or_paid_since_is_not_held_for_it(self):
        journal = self.env["account.journal"].browse(self.spec()["journal_id"])
        journal.invoice_reference_model = "euro"
        moves = self.make(self._of(*[None] * 3))
        sent, paid = moves[1], moves[2]
        proof = self.env["billing.invoice.proof"]
        self.patch(
            self.env.registry["billing.bill"],
            "_prepare_again",
            lambda _bill, move: self.spec(move.partner_id),
        )
        sent.message_main_attachment_id = self.env["ir.attachment"].create({"name": "It.pdf"})
        sent.is_move_sent = True
        register = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=paid.ids
        )
        register.create({"payment_date": fields.Date.to_date("2026-02-10")})._create_payments()
        self.assertFalse(paid.amount_residual)
        for move in sent | paid:
            self.assertEqual(proof._compare_again(move), [])
        self.env.flush_all()
        sent.invoice_line_ids[:1].with_context(skip_invoice_sync=True).name = "Changed"
        [difference] = proof._compare_again(sent)
        self.assertEqual(difference.name, "name")

    def test_what_a_document_was_not_accompanied_by_is_found_afterwards(self):
        moves = self.make(self._of("BE", "BE", "BE"))
        self.patch(
            self.env.registry["billing.bill"],
            "_prepare_again",
            lambda _bill, move: self.spec(move.partner_id),
        )
        proof = self.env["billing.invoice.proof"]
        self.assertEqual(proof._compare_again(moves[1]), [])
        category = self.env["res.partner.category"]
        self._follow("_post", lambda move: category.create({"name": move.name}))
        [difference] = proof._compare_again(moves[1])
        self.assertEqual(difference.model, "res_partner_category")
        self.assertFalse(category.search([("name", "=", moves[1].name)]))

    def test_what_was_proven_in_a_batch_that_was_taken_back_is_said_by_the_next(self):
        savepoint = self.cr.savepoint()
        self.make(self._of(None, None))
        savepoint.rollback()
        savepoint.close(rollback=False)
        self.assertFalse(self.said())
        moves = self.make(self._of(None, None))
        self.assertEqual(self.written(moves), [True, True])
        self.assertEqual(self.said().mapped("equal"), [True])
        self.assertEqual(self.said().shape, moves[0].billing_shape)
        self.make(self._of(None, None))
        self.assertEqual(len(self.said()), 1)

    def test_each_check_of_a_batch_finds_what_it_is_for(self):
        moves = self.make(self._of(None, None))
        move = moves[1]
        product = move.invoice_line_ids[:1]
        bank = self.env["res.partner.bank"].create(
            {"acc_number": "GB33BUKB20201555555555", "partner_id": self.company.partner_id.id}
        )
        other = self.env.ref("base.EUR" if self.company.currency_id.name != "EUR" else "base.USD")
        item, document = "UPDATE account_move_line SET", "UPDATE account_move SET"
        account, journal = "UPDATE account_account SET", "UPDATE account_journal SET"
        broken = {
            "not balanced": (f"{item} balance = balance + 1 WHERE id = %s", product),
            "without items": ("DELETE FROM account_move_line WHERE move_id = %s", move),
            "no amount to pay": (f"{document} amount_total = 0 WHERE id = %s", move),
            "archived account": (f"{account} active = FALSE WHERE id = %s", product.account_id),
            "receivable account": (
                f"{item} display_type = 'product' WHERE display_type = 'payment_term' AND move_id = %s",
                move,
            ),
            "off-balance account": (
                f"{account} account_type = 'off_balance' WHERE id = %s",
                product.account_id,
            ),
            "archived journal": (f"{journal} active = FALSE WHERE id = %s", move.journal_id),
            "journal with a hash chain": (
                f"{journal} restrict_mode_hash_table = TRUE WHERE id = %s",
                move.journal_id,
            ),
            "archived currency": (
                "UPDATE res_currency SET active = FALSE WHERE id = %s",
                move.currency_id,
            ),
            "currency of the account": (
                f"{account} currency_id = {other.id} WHERE id = %s",
                product.account_id,
            ),
            "archived bank account": (
                "UPDATE res_partner_bank SET active = FALSE WHERE id = %s",
                bank,
            ),
        }
        writer = self.env["billing.invoice.writer"]
        move.partner_bank_id = bank
        self.env.flush_all()
        writer._check(moves)
        for reason, (statement, record) in broken.items():
            with self.subTest(reason), self.cr.savepoint() as savepoint:
                self.cr.execute(statement, [record.id])
                with self.assertRaisesRegex(NotWritten, f"^{reason}$"):
                    writer._check(moves)
                savepoint.rollback()
