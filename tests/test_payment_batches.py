"""Large payment runs are selected and confirmed by tasks, with the same outcome."""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..payment_runs.models import billing_payment_run_batches as batches
from .payment_common import IBANS, PaymentCase


@tagged("post_install", "-at_install")
@freeze_time("2026-02-02 08:00:00")
class TestLargeRuns(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_mandate()
        others = [cls.make_payer(f"Payer {number}") for number in range(3)]
        for partner, iban in zip(others[:2], IBANS[1:], strict=False):
            cls.make_mandate(partner, iban)
        cls.invoices = [
            cls.make_invoice(partner, amount, due=date(2026, 2, 10))
            for amount, partner in enumerate([cls.customer, *others, cls.customer], 10)
        ]

    def large(self):
        """Take five invoices for many, and two customers for a task's."""
        return patch.multiple(batches, LARGE=3, CUSTOMERS=2)

    def outcome(self, run):
        return sorted(
            (
                line.partner_id.id,
                line.move_id.id,
                line.amount,
                line.sequence_type,
                line.error_code or "",
            )
            for line in run.sudo().line_ids
        )

    def test_tasks_select_what_a_small_run_selects(self):
        small = self.make_payment_run()
        with self.large():
            run = self.make_payment_run()
            self.assertEqual((run.preparing_count, run.sudo().line_ids.ids), (2, []))
            with self.assertRaisesRegex(UserError, "under way"):
                run.action_select()
            with self.assertRaisesRegex(UserError, "under way"):
                run.action_confirm()
            self.work(run)
        self.assertEqual(run.preparing_count, 0)
        self.assertEqual(self.outcome(run), self.outcome(small))
        self.assertEqual(len(self.outcome(run)), 5)

    def test_what_was_left_out_by_hand_stays_out(self):
        with self.large():
            run = self.make_payment_run()
            self.work(run)
            line = run.line_ids.filtered(lambda line: line.move_id == self.invoices[0])
            line.action_exclude()
            run.action_select()
            self.work(run)
        self.assertEqual(self.states(run)[10.0], "by_hand")
        self.assertEqual(len(self.outcome(run)), 5)

    def test_a_task_that_runs_twice_selects_once(self):
        with self.large():
            run = self.make_payment_run()
            self.work(run)
        before = self.outcome(run)
        customers = run.sudo().line_ids.partner_id[:2]
        run.sudo()._select_some(customers, set())
        self.assertEqual(self.outcome(run), before)

    def test_a_large_run_is_confirmed_by_a_task(self):
        with self.large():
            run = self.make_payment_run()
            self.work(run)
            run.action_confirm()
            self.assertEqual((run.state, run.preparing_count), ("draft", 1))
            self.work(run)
        self.assertEqual(run.state, "confirmed")

    def test_what_keeps_it_from_being_confirmed_stands_on_the_run(self):
        with self.large():
            run = self.make_payment_run()
            self.work(run)
            run.action_confirm()
            self.company.billing_creditor_id = False
            self.work(run)
        self.assertEqual(run.state, "draft")
        self.assertIn("creditor identifier", run.problem)
