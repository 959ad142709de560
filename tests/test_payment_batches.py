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
        """Take five invoices for many, and two customers or lines for a task's."""
        return patch.multiple(batches, LARGE=3, CUSTOMERS=2, LINES=2)

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

    def confirming(self, run):
        """Have a selected run confirmed by tasks, and return these in the order of the queue."""
        run.action_confirm()
        tasks = self.env["billing.task"].search(
            [("type_id.code", "=", "payment_run_prepare"), ("state", "=", "pending")], order="id"
        )
        self.assertEqual({task.exclusive_key for task in tasks}, {f"payment_run:{run.id}"})
        return tasks

    def selected(self):
        run = self.make_payment_run()
        self.work(run)
        return run

    def attempt(self, task):
        task._attempt_inline()
        self.env.invalidate_all()

    def line_states(self, run):
        return sorted(run.sudo().line_ids.mapped("state"))

    def told(self, run):
        tasks = self.env["billing.task"].search([("type_id.code", "=", "payment_notices")])
        return [sorted(task.parameters["partner_ids"]) for task in tasks if task.res_id == run.id]

    def test_tasks_confirm_what_a_small_run_confirms(self):
        small = self.make_payment_run(partner_ids=self.customer.ids)
        small.action_confirm()
        self.work(small)
        with self.large():
            run = self.selected()
            left = run.to_collect_count
            self.assertEqual(left, 2)
        small.action_draft()
        with self.large():
            run.action_select()
            self.work(run)
            tasks = self.confirming(run)
            self.assertEqual((len(tasks), run.state), (2, "draft"))
            with self.assertRaisesRegex(UserError, "under way"):
                run.action_confirm()
            with self.assertRaisesRegex(UserError, "under way"):
                run.line_ids[0].action_exclude()
            self.attempt(tasks[0])
            self.assertEqual((run.state, run.preparing_count), ("draft", 1))
            self.assertEqual(self.told(run), [])
            self.attempt(tasks[1])
        self.assertEqual((run.state, run.problem), ("confirmed", False))
        lines = run.sudo().line_ids.filtered(lambda line: line.state == "confirmed")
        self.assertEqual(len(lines), 4)
        for line in lines:
            self.assertEqual(line.reference, f"{run.number}-{line.id}")
            self.assertEqual(line.collection_date, run.collection_date)
        self.assertEqual(self.told(run), [sorted(lines.partner_id.ids)])
        self.work(run)
        self.assertTrue(all(lines.mapped("notice_date")))

    def test_a_task_that_is_done_twice_confirms_once(self):
        with self.large():
            run = self.selected()
            first, last = self.confirming(run)
            # A worker that was killed after its last statement left nothing behind.
            with self.env.cr.savepoint() as savepoint:
                run.sudo()._task_prepare(first)
                savepoint.rollback()
            self.env.invalidate_all()
            self.assertNotIn("confirmed", self.line_states(run))
            self.attempt(first)
            before = self.line_states(run)
            run.sudo()._task_prepare(first)
            self.assertEqual((self.line_states(run), run.state), (before, "draft"))
            self.attempt(last)
            self.assertEqual(run.state, "confirmed")
            run.sudo()._task_prepare(last)
        self.assertEqual((run.state, len(self.told(run))), ("confirmed", 1))

    def test_the_last_task_confirms_the_run_in_whatever_order_they_come(self):
        with self.large():
            run = self.selected()
            first, last = self.confirming(run)
            self.attempt(last)
            self.assertEqual(run.state, "draft")
            self.attempt(first)
        self.assertEqual(run.state, "confirmed")

    def test_where_a_task_fails_for_good_the_lines_are_taken_back(self):
        with self.large():
            run = self.selected()
            first, last = self.confirming(run)
            kind = type(run)
            confirm = kind._confirm_lines

            def broken(run, lines):
                if lines.ids == last.parameters["line_ids"]:
                    raise UserError("Broken.")
                return confirm(run, lines)

            for backwards in (False, True):
                with patch.object(kind, "_confirm_lines", broken):
                    for task in (last, first) if backwards else (first, last):
                        self.attempt(task)
                self.assertEqual((run.state, run.problem), ("draft", "Broken."))
                self.assertNotIn("confirmed", self.line_states(run))
                self.assertEqual(self.told(run), [])
                first, last = self.confirming(run)
            self.work(run)
        self.assertEqual((run.state, run.problem), ("confirmed", False))

    def test_tasks_that_somebody_skips_leave_a_draft_that_can_be_confirmed(self):
        with self.large():
            run = self.selected()
            first, last = self.confirming(run)
            self.attempt(first)
            last.with_user(self.manager).action_skip()
            self.assertEqual((run.state, run.to_collect_count), ("draft", 2))
            self.confirming(run)
            self.work(run)
        self.assertEqual(run.state, "confirmed")
        self.assertEqual(self.line_states(run).count("confirmed"), 4)

    def test_what_another_run_takes_meanwhile_is_left_out(self):
        with self.large():
            run = self.selected()
            tasks = self.confirming(run)
        other = self.make_payment_run(partner_ids=self.customer.ids)
        other.action_confirm()
        for task in tasks:
            self.attempt(task)
        self.assertEqual((run.state, other.state), ("confirmed", "confirmed"))
        self.assertEqual(self.line_states(run).count("confirmed"), 2)
        self.assertEqual(self.states(run)[10.0], "elsewhere")

    def test_a_day_that_is_changed_meanwhile_holds_for_all_lines(self):
        with self.large():
            run = self.selected()
            first, last = self.confirming(run)
            self.attempt(first)
            run.wanted_date = date(2026, 3, 10)
            self.attempt(last)
        lines = run.sudo().line_ids.filtered(lambda line: line.state == "confirmed")
        self.assertEqual(set(lines.mapped("collection_date")), {date(2026, 3, 10)})

    def test_a_large_run_that_nobody_starts_is_confirmed_by_tasks_too(self):
        self.company.billing_collect_automatically = True
        runs = self.env["billing.payment.run"]
        mine = [("company_id", "=", self.company.id)]
        with self.large():
            runs._cron_collect()
            run = runs.search(mine)
            self.assertEqual((run.state, run.preparing_count), ("draft", 2))
            runs._cron_collect()
            self.assertEqual((runs.search(mine), run.preparing_count), (run, 2))
            self.work(run)
        self.assertEqual((run.state, run.is_automatic), ("confirmed", True))
        self.assertEqual(len(self.outcome(run)), 5)

    def test_what_keeps_it_from_being_confirmed_stands_on_the_run(self):
        with self.large():
            run = self.make_payment_run()
            self.work(run)
            run.action_confirm()
            self.company.billing_creditor_id = False
            self.work(run)
        self.assertEqual(run.state, "draft")
        self.assertIn("creditor identifier", run.problem)
