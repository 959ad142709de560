"""Posting by the builder: numbers, what is refused, and several posters at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged

from odoo.addons.billing_operations.billing_runs.invoicing.posting import RANKS
from odoo.addons.billing_operations.billing_tasks.dry_run import dry_run

from .invoice_common import NOT_COMPARED, InvoiceBuilderCase


@tagged("post_install", "-at_install")
class TestNumbers(InvoiceBuilderCase):
    """Batches are numbered as Odoo numbers invoices one by one."""

    def dated(self, *dates, **values):
        return [
            self.spec(self.customers[number % 4], invoice_date=date, date=date, **values)
            for number, date in enumerate(map(fields.Date.to_date, dates))
        ]

    def post(self, specs):
        return self.builder._post_invoices(self.builder._create_invoices(specs)).mapped("name")

    def test_numbers_go_on_from_what_was_posted_by_hand(self):
        def by_hand():
            move = self.env["account.move"].create(self.builder._plain_move_values(self.spec()))
            move.action_post()
            return move.name

        self.assertEqual(by_hand(), "INV/2026/00001")
        self.assertEqual(self.post([self.spec()] * 2), ["INV/2026/00002", "INV/2026/00003"])
        self.assertEqual(by_hand(), "INV/2026/00004")
        self.assertEqual(self.post([self.spec()]), ["INV/2026/00005"])

    def test_a_new_year_starts_anew_within_one_batch(self):
        specs = self.dated("2026-01-02", "2025-12-31", "2025-12-31", "2026-01-02", "2027-01-01")
        self.assert_same_as_plain(*specs)
        self.assertEqual(
            self.post(specs),
            [
                "INV/2026/00001",
                "INV/2025/00001",
                "INV/2025/00002",
                "INV/2026/00002",
                "INV/2027/00001",
            ],
        )

    def test_formats_that_people_chose(self):
        dates = ["2026-01-31", "2026-02-01", "2026-02-28", "2026-03-31", "2025-12-31"]
        names = {"FACT-26-01-098": 12, "2026/01/7": 12, "X0041Z": 12, "BILL/25-26/0009": 3, "9": 12}
        for name, last_month in names.items():
            with self.subTest(name):
                self.company.fiscalyear_last_month = str(last_month)
                savepoint = self.env.cr.savepoint()
                first = self.builder._create_invoices(self.dated("2026-01-15"))
                self.builder._post_invoices(first)
                first.name = name
                self.env.flush_all()
                specs = self.dated(*dates, *dates)
                self.assert_same_as_plain(*specs)
                savepoint.rollback()
                savepoint.close(rollback=False)
                self.env.cr.postcommit.clear()

    def test_credit_notes_with_and_without_numbers_of_their_own(self):
        specs = []
        for move_type in ("out_invoice", "out_refund", "out_refund", "out_invoice"):
            specs += self.dated("2026-01-31", "2026-02-28", move_type=move_type)
        for own_numbers in (True, False):
            self.journal.refund_sequence = own_numbers
            with self.subTest(own_numbers):
                self.assert_same_as_plain(*specs)

    def test_journals_have_their_own_numbers(self):
        other = self.journal.copy({"code": "OTHER"})
        specs = self.dated("2026-01-31", "2026-01-31")
        specs += [spec | {"journal_id": other.id} for spec in specs]
        self.assert_same_as_plain(*specs)

    def test_the_order_is_date_reference_and_creation(self):
        specs = [
            self.spec(ref="b"),
            self.spec(ref="a"),
            *self.dated("2026-01-30"),
            self.spec(ref="a"),
        ]
        self.assert_same_as_plain(*specs)
        self.assertEqual(
            self.post(specs),
            ["INV/2026/00004", "INV/2026/00002", "INV/2026/00001", "INV/2026/00003"],
        )

    def test_a_lock_date_moves_the_accounting_date(self):
        self.company.tax_lock_date = fields.Date.to_date("2026-01-31")
        self.assert_same_as_plain(*self.dated("2026-01-31", "2026-02-01"), written=False)
        self.company.tax_lock_date = False
        self.company.sale_lock_date = fields.Date.to_date("2026-01-31")
        self.assert_same_as_plain(*self.dated("2026-01-31", "2026-02-01"), written=False)

    def test_a_journal_with_a_hash_chain(self):
        self.journal.restrict_mode_hash_table = True
        self.not_compared = NOT_COMPARED | {"inalterable_hash"}  # of ids, among others
        specs = [self.spec(), self.spec(self.customers[1])]
        self.assert_same_as_plain(*specs, written=False)
        moves = self.builder._post_invoices(self.builder._create_invoices(specs))
        self.assertTrue(all(moves.mapped("inalterable_hash")))

    def test_what_may_not_be_posted_is_refused_and_nothing_is_posted(self):
        moves = self.builder._create_invoices([self.spec(), self.spec(lines=[self.line(-5.0)])])
        with self.assertRaisesRegex(UserError, "negative total"):
            self.builder._post_invoices(moves)
        self.assertEqual(moves.mapped("state"), ["draft", "draft"])
        moves[0].invoice_line_ids.account_id.active = False
        with self.assertRaisesRegex(UserError, "is archived"):
            self.builder._post_invoices(moves[0])

    def test_posted_invoices_are_not_posted_again(self):
        moves = self.builder._create_invoices([self.spec()])
        self.builder._post_invoices(moves)
        with self.assertRaisesRegex(UserError, "must be in draft"):
            self.builder._post_invoices(moves)

    def test_drafts_changed_by_people_are_posted_as_they_are(self):
        moves = self.builder._create_invoices([self.spec(), self.spec(self.customers[1])])
        moves[0].invoice_line_ids.price_unit = 200.0
        moves[1].invoice_payment_term_id = self.pay_terms_b
        self.builder._post_invoices(moves)
        self.assertEqual(moves[0].amount_total, 230.0)
        terms = moves[1].line_ids.filtered(lambda line: line.display_type == "payment_term")
        self.assertEqual(sorted(terms.mapped("balance")), [34.5, 80.5])

    def test_customers_rank_by_the_number_of_their_invoices(self):
        old, new = self.customers[:2]
        old.customer_rank = 5
        self.post([self.spec(old), self.spec(new), self.spec(new), self.spec(old)])
        self.assertEqual(new.customer_rank, 2)
        self.assertEqual(dict(self.env.cr.postcommit.data[RANKS]), {old.id: 2})

    def test_customers_are_raised_together_after_the_commit(self):
        customers = self.customers[:4]
        customers.write({"customer_rank": 5})
        customers[3].customer_rank = 7
        self.post([self.spec(customer) for customer in [*customers, customers[0], customers[2]]])
        with self.raising(customers) as written:
            self.env.cr.postcommit.run()
        self.assertEqual(customers.mapped("customer_rank"), [7, 6, 7, 8])
        self.assertEqual(len(written), 3)

    def test_customers_who_cannot_be_raised_together_are_raised_by_odoo(self):
        customers = self.customers[:3]
        customers.write({"customer_rank": 5})
        self.post([self.spec(customer) for customer in customers])
        with self.raising(customers, conflicts=1) as written:
            self.env.cr.postcommit.run()
        self.assertEqual(customers.mapped("customer_rank"), [6, 6, 6])
        self.assertEqual(len(written), 4)

    @contextmanager
    def raising(self, customers, conflicts=0):
        """Let the customers be raised by transactions of their own, so many of whose first writes fail;
        give what was written."""
        written, model = [], type(customers)
        write = model.write

        def watched(records, values):
            written.append(values)
            if len(written) <= conflicts:
                raise SerializationFailure("could not serialize access")
            return write(records, values)

        self.env.flush_all()
        with self.enter_registry_test_mode(), patch.object(model, "write", watched):
            yield written
        self.env.invalidate_all()

    def test_a_batch_asks_hardly_more_of_the_database_than_one_invoice(self):
        def queries(count):
            before = self.env.cr.sql_log_count
            moves = self.builder._create_invoices([self.spec(self.customers[0])] * count)
            self.env.flush_all()
            created = self.env.cr.sql_log_count
            self.builder._post_invoices(moves)
            self.env.flush_all()
            return created - before, self.env.cr.sql_log_count - created

        queries(1)
        for one, many in zip(queries(1), queries(50), strict=True):
            self.assertLess(many - one, 20)
        with dry_run(self.env):
            for one, many in zip(queries(1), queries(50), strict=True):
                self.assertLess(many - one, 20)


@tagged("post_install", "-at_install")
class TestConcurrentPosting(TransactionCase):
    """Posters in transactions of their own; their data is committed and taken away again."""

    def setUp(self):
        super().setUp()
        self.created = []
        self.addCleanup(self._take_away)
        with self._environment() as env:
            company = env.company
            accounts = env["account.account"].create(
                [
                    {"name": "Receivable", "code": "BOC1", "account_type": "asset_receivable"},
                    {"name": "Income", "code": "BOC2", "account_type": "income"},
                ]
            )
            journal = env["account.journal"].create(
                {"name": "Concurrent", "code": "BOC", "type": "sale"}
            )
            partners = env["res.partner"].create(
                [
                    # Odoo writes a new customer's rank while posting: one poster a customer.
                    {"name": f"C {number}", "property_account_receivable_id": accounts[0].id}
                    for number in range(60)
                ]
            )
            date = fields.Date.to_date("2026-01-31")
            self.specs = [
                {
                    "move_type": "out_invoice",
                    "partner_id": partners[number].id,
                    "journal_id": journal.id,
                    "currency_id": company.currency_id.id,
                    "company_id": company.id,
                    "invoice_date": date,
                    "date": date,
                    "invoice_date_due": date,
                    "lines": [
                        {
                            "account_id": accounts[1].id,
                            "name": "x",
                            "price_unit": 1.0,
                            "tax_ids": [],
                        }
                    ],
                }
                for number in range(60)
            ]
            self.move_ids = env["billing.invoice.builder"]._create_invoices(self.specs).ids
            self.created = [
                (records._name, records.ids) for records in (partners, journal, accounts)
            ]

    @contextmanager
    def _environment(self):
        with self.env.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _take_away(self):
        with self._environment() as env:
            moves = env["account.move"].browse(self.move_ids).exists()
            moves.filtered(lambda move: move.state == "posted").button_draft()
            moves.posted_before = False
            moves.with_context(force_delete=True).unlink()
            for model, ids in self.created:
                env[model].browse(ids).unlink()

    def _post(self, ids, barrier, by_hand=False):
        with self._environment() as env:
            moves = env["account.move"].browse(ids)
            moves.mapped("state")  # the transaction's snapshot is older than the others' numbers
            barrier.wait(30)
            if by_hand:
                for move in moves:
                    move.action_post()
                    env.cr.commit()
            else:
                env["billing.invoice.builder"]._post_invoices(moves)

    def _assert_numbered_without_gaps(self):
        with self._environment() as env:
            moves = env["account.move"].browse(self.move_ids)
            numbers = sorted(moves.filtered("posted_before").mapped("sequence_number"))
            self.assertEqual(set(moves.mapped("sequence_prefix")) - {""}, {"BOC/2026/"})
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
            for move in moves.filtered("posted_before"):
                self.assertEqual(set(move.line_ids.mapped("move_name")), {move.name})
            return len(numbers)

    def test_batches_and_people_post_at_once_without_gap_or_duplicate(self):
        barrier = threading.Barrier(4)
        parts = [self.move_ids[:20], self.move_ids[20:40], self.move_ids[40:55]]
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(self._post, part, barrier) for part in parts]
            jobs.append(pool.submit(self._post, self.move_ids[55:], barrier, by_hand=True))
            for job in jobs:
                job.result(120)
        self.assertEqual(self._assert_numbered_without_gaps(), 60)

    def _write(self, specs, barrier):
        """Write documents by sets in two batches, and return their ids."""
        with self._environment() as env:
            env["account.move"].search_count([])  # the snapshot is older than others' numbers
            barrier.wait(30)
            shaped = env["billing.invoice.builder"]._shaped(specs)
            documents = [values for _shape, values in shaped]
            writer = env["billing.invoice.writer"]
            half = len(documents) // 2
            ids = writer._write_posted(documents[:half]).move_ids
            return ids + writer._write_posted(documents[half:]).move_ids

    def test_documents_are_written_at_once_while_people_post(self):
        barrier = threading.Barrier(4)
        parts = [self.specs[:18], self.specs[18:36], self.specs[36:54]]
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(self._write, part, barrier) for part in parts]
            by_hand = pool.submit(self._post, self.move_ids[54:], barrier, by_hand=True)
            self.move_ids += [move_id for job in jobs for move_id in job.result(120)]
            by_hand.result(120)
        self.assertEqual(self._assert_numbered_without_gaps(), 60)

    def test_what_is_written_and_rolled_back_gives_its_numbers_back(self):
        with self.assertRaises(ZeroDivisionError), self._environment() as env:
            shaped = env["billing.invoice.builder"]._shaped(self.specs[:20])
            env["billing.invoice.writer"]._write_posted([values for _shape, values in shaped])
            raise ZeroDivisionError
        self.move_ids += self._write(self.specs[20:40], threading.Barrier(1))
        self.assertEqual(self._assert_numbered_without_gaps(), 20)

    def test_a_batch_rolled_back_gives_its_numbers_back(self):
        with self.assertRaises(ZeroDivisionError), self._environment() as env:
            moves = env["account.move"].browse(self.move_ids[:20])
            env["billing.invoice.builder"]._post_invoices(moves)
            raise ZeroDivisionError
        self._post(self.move_ids[20:40], threading.Barrier(1))
        self.assertEqual(self._assert_numbered_without_gaps(), 20)
