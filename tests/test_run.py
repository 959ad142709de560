"""The life of a billing run: states, locks, dates, stages through the queue."""

from datetime import date, timedelta
from itertools import islice
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from ..billing_runs.runs import engine
from ..billing_tasks.models.billing_task_queue import WORKERS_PARAMETER
from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRun(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.customers = cls.env["res.partner"]
        for index in range(5):
            customer = cls.make_customer(f"Customer {index}")
            cls.make_service(customer, cls.tariff)
            cls.customers |= customer

    def test_a_run_goes_from_request_to_posted_invoices_through_the_queue(self):
        run = self.make_run(self.cycle)
        self.assertEqual(run.state, "pending")
        run.action_request(target_stage="posting")
        self.assertEqual(run.state, "requested")
        self._run_queue()
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        self.assertEqual(len(bills), 5)
        self.assertEqual(set(bills.mapped("state")), {"posted"})
        self.assertEqual(bills.partner_id, self.customers)
        self.assertEqual(set(bills.move_ids.mapped("state")), {"posted"})
        self.assertEqual(bills.move_ids.mapped("amount_untaxed"), [10.0] * 5)
        self.assertEqual(bills.move_ids.mapped("amount_total"), [11.5] * 5)
        self.assertEqual(bills.charge_ids.mapped("state"), ["invoiced"] * 5)
        self.assertEqual((run.state, run.stage), ("requested", "posting"))

    def test_bills_are_listed_newest_run_first_and_then_by_customer(self):
        earlier, later = self.make_run(self.cycle), self.make_run(self.cycle, day=date(2026, 3, 1))
        for run in (earlier, later):
            run._execute("rating")
        bills = self.env["billing.bill"].search([("company_id", "=", self.company.id)])
        self.assertEqual(bills.run_id, later + earlier)
        self.assertEqual(bills.partner_id.ids, self.customers.sorted("complete_name").ids)

    def test_every_charge_is_tied_to_its_invoice_line(self):
        run = self.make_run(self.cycle)
        run._execute("posting")
        charges = self.env["billing.charge"].search([("bill_id.run_id", "=", run.id)])
        for charge in charges:
            self.assertEqual(charge.move_line_id.price_subtotal, charge.amount)
            self.assertEqual(charge.move_id, charge.bill_id.move_ids)

    def test_a_run_that_waits_after_a_stage_goes_on_to_a_later_one(self):
        run = self.make_run(self.cycle)
        run.action_request(target_stage="rating")
        self._run_queue()
        self.assertEqual((run.state, run.stage), ("requested", "rating"))
        self.assertFalse(run.invoice_count)
        run.action_continue(target_stage="invoicing")
        self._run_queue()
        self.assertEqual((run.state, run.stage, run.invoice_count), ("requested", "invoicing", 5))
        with self.assertRaisesRegex(UserError, "not finished yet"):
            run.action_continue(target_stage="rating")

    def test_a_run_executed_at_once_ends_with_an_error_where_its_tasks_cannot_be_done(self):
        run = self.make_run(self.cycle)
        problem = ValueError("out of luck")
        with (
            patch.object(self.registry["billing.bill"], "_rate", side_effect=problem),
            self.assertRaisesRegex(UserError, "out of luck"),
        ):
            run._execute("posting")

    def test_a_run_that_waits_after_posting_can_be_closed_without_pdfs(self):
        run = self.make_run(self.cycle)
        run._execute("invoicing")
        with self.assertRaisesRegex(UserError, "waits after posting"):
            run.action_close()
        run = self.make_run(self.cycle, day=date(2026, 3, 1))
        run._execute("posting")
        run.action_close()
        self.assertEqual((run.state, run.stage), ("completed", "posting"))
        self.assertTrue(run.ended_date)
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        self.assertEqual(set(bills.mapped("state")), {"posted"})
        stages = [stage["name"] for stage in run._stage_progress()]
        self.assertEqual(stages, ["rating", "invoicing", "posting"])

    def test_a_cycle_back_in_draft_creates_no_runs(self):
        self.cycle.action_draft()
        self.assertEqual(self.cycle.state, "draft")
        with self.assertRaisesRegex(ValidationError, "is not active"):
            self.make_run(self.cycle)
        self.cycle.action_activate()
        self.assertTrue(self.make_run(self.cycle))

    def test_batches_are_cut_by_customers_and_a_customer_is_never_split(self):
        self.company.billing_batch_size = 2
        euro = self.env.ref("base.EUR")
        euro.active = True
        tariff = self.make_tariff(self.scheme, 5.0, name="In euro", currency_id=euro.id)
        for customer in self.customers[:3]:
            self.make_service(customer, tariff)
        run = self.make_run(self.cycle)
        run._set_state("requested")
        run._start()
        batches = run._batches(run._stages()[0])
        customers = [set(self.env["billing.bill"].browse(ids).partner_id.ids) for ids in batches]
        self.assertEqual(sum(map(len, batches)), 8)
        for index, batch in enumerate(customers):
            for other in customers[index + 1 :]:
                self.assertFalse(batch & other)

    def test_several_workers_get_tasks_each_where_that_leaves_enough_for_one(self):
        run = self.make_run(self.cycle)
        run._execute("rating")
        rating, invoicing = run._stages()[:2]
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param(WORKERS_PARAMETER, "1")
        self.assertEqual(list(islice(run._batch_sizes(invoicing, 500), 2)), [250, 250])
        parameters.set_param(WORKERS_PARAMETER, "2")
        self.assertEqual(list(islice(run._batch_sizes(rating, 400), 3)), [200, 200, 250])
        sizes = {count: list(islice(run._batch_sizes(invoicing, count), 6)) for count in (60, 500)}
        self.assertEqual(sizes, {60: [50] * 3 + [250] * 3, 500: [63, 250, 188] + [250] * 3})
        sizes = list(islice(run._batch_sizes(invoicing, 5000), 6))
        self.assertEqual(sizes, [250] * 6)
        self.assertEqual([len(batch) for batch in run._batches(invoicing)], [5])
        with patch.object(engine, "MIN_BATCH", 1):
            self.assertEqual([len(batch) for batch in run._batches(invoicing)], [1, 3, 1])

    def test_the_second_run_of_the_same_day_bills_nothing_twice(self):
        self.make_run(self.cycle)._execute("posting")
        again = self.make_run(self.cycle)
        again._execute("posting")
        bills = self.env["billing.bill"].search([("run_id", "=", again.id)])
        self.assertEqual(set(bills.mapped("skip_reason")), {"nothing_to_bill"})
        self.assertFalse(bills.move_ids)

    def test_the_stages_of_a_run_follow_from_their_order(self):
        stages = self.make_run(self.cycle)._stages()
        names = ["rating", "invoicing", "posting", "formatting"]
        self.assertEqual([stage.name for stage in stages], names)
        self.assertEqual([stages.place(name) for name in (False, *names)], [-1, 0, 1, 2, 3])
        self.assertEqual(stages.live_states, ("rated", "invoiced", "posted", "done"))
        self.assertEqual(stages.document_states, ("invoiced", "posted", "done"))
        self.assertEqual(stages.posted_states, ("posted", "done"))
        self.assertEqual(stages.pdf_states, ("done",))
        states = ("pending", "rated", "done", "skipped", "error")
        self.assertEqual([stages.finished(state) for state in states], [0, 1, 4, 4, 4])

    def test_logs_and_messages_name_stages_and_states_as_people_read_them(self):
        run = self.make_run(self.cycle)
        run.action_request()
        self.assertEqual(run._advance(), "Started Rating.")
        self.assertEqual(run._advance(), "Rating goes on.")
        done = self.make_run(self.cycle)
        done._execute("rating")
        with self.assertRaisesRegex(UserError, "executed up to Rating:"):
            done.action_continue("rating")
        done.action_continue()
        self._run_queue()
        self.assertEqual(done._advance(), "The run is completed.")

    def test_results_say_what_each_stage_did(self):
        run = self.make_run(self.cycle)
        run._execute("posting")
        self.assertEqual(run.result_ids.mapped("stage"), ["rating", "invoicing", "posting"])
        self.assertEqual(run.result_ids.mapped("entities"), [5, 5, 5])
        self.assertEqual(run.result_ids.mapped("documents"), [5, 5, 5])
        self.assertEqual(run.result_ids[-1].amounts, {"USD": "50.00"})

    def test_dates_and_criteria_are_locked_once_bills_are_requested(self):
        run = self.make_run(self.cycle)
        run.action_request()
        for values in ({"invoice_date": date(2026, 2, 1)}, {"partner_ids": [Command.clear()]}):
            with self.assertRaisesRegex(UserError, "cannot be changed any more"):
                run.write(values)

    def test_the_state_cannot_be_written_by_hand(self):
        run = self.make_run(self.cycle)
        with self.assertRaisesRegex(UserError, "Use the buttons"):
            run.write({"state": "completed"})
        with self.assertRaisesRegex(UserError, "starts as pending"):
            run.copy({"state": "completed"})

    def test_only_pending_runs_can_be_deleted(self):
        pending, requested = self.make_run(self.cycle), self.make_run(self.cycle)
        requested.action_request()
        pending.unlink()
        with self.assertRaisesRegex(UserError, "only pending runs can"):
            requested.unlink()

    def test_a_requested_run_can_be_cancelled_before_anything_is_produced(self):
        run = self.make_run(self.cycle)
        run.action_request()
        run.action_cancel()
        self.assertEqual(run.state, "cancelled")
        self._run_queue()
        self.assertEqual(run.state, "cancelled")
        self.assertFalse(run.bill_count)

    def test_changing_dates_drops_the_sign_off(self):
        self.cycle.sign_off = True
        run = self.make_run(self.cycle)
        with self.assertRaisesRegex(UserError, "must be approved"):
            run.action_request()
        run._set_state("ready")
        run._set_state("approved")
        run.cutoff_date = date(2026, 1, 2)
        self.assertEqual(run.state, "pending")

    def test_missing_dates_are_named(self):
        run = self.make_run(self.cycle)
        run.write({"invoice_date": False, "cutoff_date": False})
        with self.assertRaisesRegex(UserError, "Invoice Date, Bill As Of"):
            run.action_request()

    def test_runs_come_from_active_cycles_only(self):
        self.cycle.action_archive_cycle()
        with self.assertRaisesRegex(ValidationError, "is not active"):
            self.make_run(self.cycle)

    def test_a_scheme_of_the_other_classification_is_refused(self):
        prepaid = self.make_scheme("Prepaid", classification="prepaid")
        run = self.make_run(self.cycle)
        with self.assertRaisesRegex(ValidationError, "other classification"):
            run.term_scheme_ids += prepaid

    def test_a_scheduled_run_waits_for_its_time(self):
        run = self.make_run(self.cycle)
        run.action_request(
            target_stage="rating", scheduled_date=fields.Datetime.now() + timedelta(days=1)
        )
        self._run_queue()
        self.assertEqual((run.state, run.stage), ("requested", False))
        self.env["billing.task"].search([("res_id", "=", run.id)]).unlink()
        self.env["billing.run"]._cron_wake_runs()
        self._run_queue()
        self.assertEqual((run.state, run.stage), ("requested", False))

    def test_the_safety_net_moves_a_run_whose_task_is_gone(self):
        run = self.make_run(self.cycle)
        run.action_request(target_stage="rating")
        self.env["billing.task"].search([("res_id", "=", run.id)]).unlink()
        self._run_queue()
        self.assertFalse(run.stage)
        self.env["billing.run"]._cron_wake_runs()
        self._run_queue()
        self.assertEqual(run.stage, "rating")

    def test_the_safety_net_leaves_a_run_alone_that_waits_after_its_target(self):
        run = self.make_run(self.cycle)
        run.action_request(target_stage="rating")
        self._run_queue()
        self.env["billing.run"]._cron_wake_runs()
        self.assertFalse(
            self.env["billing.task"].search_count(
                [("res_id", "=", run.id), ("state", "=", "pending")]
            )
        )

    def test_a_lost_task_leaves_an_error_and_not_a_gap(self):
        run = self.make_run(self.cycle)
        run.action_request(target_stage="invoicing")
        advance = [("type_id.code", "=", "run_advance")]
        self.env["billing.task"]._run_inline(domain=[*advance, ("res_id", "=", run.id)])
        self.env["billing.task"].search(
            [("type_id.code", "=", "run_rate"), ("res_id", "=", run.id)]
        ).unlink()
        self.env["billing.run"]._cron_wake_runs()
        self._run_queue()
        bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
        self.assertEqual(set(bills.mapped("error_code")), {"task_failed"})

    def test_criteria_and_filters_limit_who_is_billed(self):
        gold = self.env["res.partner.category"].create({"name": "Gold"})
        self.customers[0].category_id = gold
        self.customers[1].billing_payment_preference = "card"
        cases = [
            ({"partner_category_ids": [Command.set(gold.ids)]}, self.customers[0]),
            ({"partner_ids": [Command.set(self.customers[2].ids)]}, self.customers[2]),
            (
                {
                    "payment_preference_ids": [
                        Command.link(self.env.ref("billing_operations.criterion_payment_card").id)
                    ]
                },
                self.customers[1],
            ),
            (
                {
                    "payment_preference_ids": [
                        Command.link(
                            self.env.ref("billing_operations.criterion_payment_transfer").id
                        )
                    ]
                },
                self.customers - self.customers[1],
            ),
            (
                {
                    "frequency_ids": [
                        Command.link(
                            self.env.ref("billing_operations.criterion_frequency_1_year").id
                        )
                    ]
                },
                self.env["res.partner"],
            ),
        ]
        for values, expected in cases:
            run = self.make_run(self.cycle, **values)
            run._set_state("requested")
            run._start()
            bills = self.env["billing.bill"].search([("run_id", "=", run.id)])
            self.assertEqual(bills.partner_id, expected, values)

    def test_a_new_interval_becomes_a_frequency_to_choose(self):
        self.make_scheme("Every five weeks", interval_number=5, interval_unit="week")
        self.assertTrue(
            self.env["billing.criterion"].search(
                [("kind", "=", "frequency"), ("code", "=", "5:week")]
            )
        )

    def test_the_cycle_knows_its_next_recurrence(self):
        self.assertEqual(self.cycle.next_run_date, date(2026, 1, 1))
        self.make_run(self.cycle, cycle_date=date(2026, 1, 1))
        self.cycle.invalidate_recordset(["next_run_date"])
        self.assertEqual(self.cycle.next_run_date, date(2026, 2, 1))

    def _run_queue(self):
        self.env["billing.task"]._run_inline()
        failed = self.env["billing.task"].search(
            [("company_id", "=", self.company.id), ("state", "in", ("error", "failed"))]
        )
        self.assertFalse(failed, failed.mapped("error_message"))
