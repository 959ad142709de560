"""Where runs come from: cycles, recurrences, single customers; sign-off and the Execute dialog."""

from datetime import date, datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunSchedule(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.customer = cls.make_customer()
        cls.make_service(cls.customer, cls.tariff)

    def _create_due_runs(self, today):
        company = type(self.env["res.company"])
        with patch.object(company, "_billing_today", lambda company: today):
            self.env["billing.cycle"]._cron_create_due_runs()
        self.cycle.invalidate_recordset(["next_run_date", "run_ids"])
        return self.cycle.run_ids

    def test_a_due_run_is_created_once(self):
        self.assertFalse(self._create_due_runs(date(2025, 12, 31)))
        run = self._create_due_runs(date(2026, 1, 1))
        self.assertEqual((run.cycle_date, run.state), (date(2026, 1, 1), "pending"))
        self.assertEqual(run.invoice_date, date(2026, 1, 1))
        self.assertEqual(self._create_due_runs(date(2026, 1, 31)), run)
        self.assertEqual(len(self._create_due_runs(date(2026, 2, 1))), 2)

    def test_of_missed_recurrences_the_latest_gets_a_run_that_bills_them_all(self):
        run = self._create_due_runs(date(2026, 4, 10))
        self.assertEqual(run.cycle_date, date(2026, 4, 1))
        run._execute("rating")
        charges = self.bill_of(run, self.customer).charge_ids
        self.assertEqual(len(charges), 4)

    def test_a_run_made_by_hand_on_its_day_is_the_recurrences_run(self):
        run = self.cycle._create_batch_run(date(2026, 1, 1))
        self.assertEqual(run.cycle_date, date(2026, 1, 1))
        self.assertEqual(self._create_due_runs(date(2026, 1, 31)), run)
        # A second one on that day, one on another day, and one for a customer alone, are not.
        for day in (date(2026, 1, 1), date(2026, 1, 20)):
            self.assertFalse(self.cycle._create_batch_run(day).cycle_date)
        wizard = self.env["billing.run.individual"].create(
            {"partner_id": self.customer.id, "cutoff_date": date(2026, 1, 1)}
        )
        wizard.action_create()
        self.assertEqual(self.cycle.run_ids.filtered("cycle_date"), run)
        run.is_recurring = True
        run._execute()
        self.assertEqual(run.successor_id.cycle_date, date(2026, 2, 1))
        before = self.cycle.run_ids
        self.assertEqual(self._create_due_runs(date(2026, 2, 1)), before)

    def test_inactive_cycles_get_no_runs(self):
        self.cycle.action_archive_cycle()
        self.assertFalse(self._create_due_runs(date(2026, 5, 1)))

    def test_a_recurring_run_creates_its_successor_when_it_ends(self):
        run = self.make_run(
            self.cycle,
            date(2026, 1, 31),
            is_recurring=True,
            partner_ids=[Command.set(self.customer.ids)],
        )
        run._execute()
        successor = run.successor_id
        self.assertEqual(successor.invoice_date, date(2026, 2, 28))
        self.assertEqual(successor.partner_ids, self.customer)
        self.assertEqual((successor.state, successor.is_recurring), ("pending", True))
        successor._execute()
        self.assertEqual(successor.successor_id.invoice_date, date(2026, 3, 31))
        run = self.make_run(self.cycle, date(2026, 1, 30), is_recurring=True)
        for day in (date(2026, 2, 28), date(2026, 3, 30)):
            run._execute()
            run = run.successor_id
            self.assertEqual((run.invoice_date, run.cutoff_date), (day, day))

    def test_a_recurring_run_of_an_archived_cycle_ends_and_says_why_none_follows(self):
        run = self.make_run(self.cycle, is_recurring=True)
        self.cycle.action_archive_cycle()
        run._execute()
        self.assertEqual((run.state, run.successor_id.id), ("completed", False))
        self.assertIn("is not active", " ".join(run.message_ids.mapped("body")))

    def test_a_recurrences_successor_has_the_dates_of_the_next_recurrence(self):
        quarters = self.env["billing.criterion"].search(
            [("kind", "=", "month"), ("code", "in", ["1", "4"])]
        )
        for start, months, dates in (
            (date(2026, 1, 1), quarters, [date(2026, 4, 1), date(2027, 1, 1)]),
            (date(2026, 1, 30), quarters.browse(), [date(2026, 2, 28), date(2026, 3, 30)]),
        ):
            cycle = self.make_cycle(
                self.scheme, name=f"From {start}", start_date=start, month_ids=months.ids
            )
            run = cycle._create_batch_run(start)
            run.write({"is_recurring": True, "due_date": fields.Date.add(start, days=9)})
            for day in dates:
                run._execute()
                run = run.successor_id
                self.assertEqual((run.cycle_date, run.invoice_date, run.cutoff_date), (day,) * 3)
                self.assertEqual(run.due_date, fields.Date.add(day, days=9))

    def test_a_waiting_recurring_run_has_no_successor_yet(self):
        run = self.make_run(self.cycle, is_recurring=True)
        run._execute("posting")
        self.assertFalse(run.successor_id)

    def test_one_customer_can_be_billed_alone(self):
        other = self.make_customer("Other")
        self.make_service(other, self.tariff)
        wizard = self.env["billing.run.individual"].create(
            {"partner_id": self.customer.id, "cutoff_date": date(2026, 1, 1)}
        )
        run = self.env["billing.run"].browse(wizard.action_create()["res_id"])
        self.assertEqual((run.mode, run.partner_ids), ("individual", self.customer))
        run._execute("rating")
        self.assertFalse(self.bill_of(run, other))
        self.assertEqual(len(self.bill_of(run, self.customer).charge_ids), 1)

    def test_sign_off_can_ask_for_a_second_person(self):
        self.cycle.write({"sign_off": True, "sign_off_by_other": True})
        run = self.make_run(self.cycle)
        one = self.make_user("sign_one", "billing_operations.group_billing_user")
        two = self.make_user("sign_two", "billing_operations.group_billing_user")
        run.with_user(one).action_ready()
        with self.assertRaisesRegex(UserError, "someone else"):
            run.with_user(one).action_approve()
        run.with_user(two).action_ready()
        run.with_user(two).action_approve()
        run.with_user(one).action_approve()
        self.assertEqual((run.state, run.ready_by_id, run.approved_by_id), ("approved", one, two))
        run.with_user(one).action_back_to_pending()
        self.assertFalse(run.ready_by_id or run.approved_by_id)
        run.action_ready()
        self.cycle.sign_off = False
        run.action_request()
        self.assertEqual(run.state, "requested")

    def test_the_execute_dialog_runs_up_to_a_stage_and_offers_the_rest_later(self):
        run = self.make_run(self.cycle)
        dialog = self.env["billing.run.execute"].with_context(default_run_id=run.id)
        dialog.create({"target_stage": "rating"}).action_execute()
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        self.assertEqual(run.stage, "rating")
        offered = [value for value, _label in dialog._selection_target_stage()]
        self.assertEqual(offered, ["invoicing", "posting", "formatting"])
        dialog.create({"target_stage": "posting"}).action_execute()
        self.env["billing.task"]._run_inline(domain=[("res_id", "=", run.id)])
        self.assertEqual(run.stage, "posting")

    def test_the_execute_dialog_wants_a_time_to_come(self):
        run = self.make_run(self.cycle)
        dialog = self.env["billing.run.execute"].with_context(default_run_id=run.id)
        with self.assertRaisesRegex(UserError, "Choose the date"):
            dialog.create({"execute_now": False}).action_execute()
        with self.assertRaisesRegex(UserError, "has passed"):
            dialog.create(
                {"execute_now": False, "scheduled_date": datetime(2020, 1, 1)}
            ).action_execute()
        later = fields.Datetime.now() + timedelta(days=1)
        dialog.create({"execute_now": False, "scheduled_date": later}).action_execute()
        task = self.env["billing.task"].search([("res_id", "=", run.id)])
        self.assertEqual(task.delay_date, run.scheduled_date)

    def test_a_scheduled_run_can_be_given_another_time_or_started_now(self):
        run = self.make_run(self.cycle)
        tasks = self.env["billing.task"]
        now = fields.Datetime.now()
        soon, later, much_later = (now + timedelta(hours=hours) for hours in (1, 2, 3))
        dialog = self.env["billing.run.execute"].with_context(default_run_id=run.id)
        values = {"target_stage": "rating", "execute_now": False}
        dialog.create({**values, "scheduled_date": later}).action_execute()
        again = dialog.create({})
        self.assertEqual((again.scheduled_date, again.execute_now), (later, False))
        self.assertEqual(again.target_stage, "rating")
        for time in (soon, much_later):
            dialog.create({**values, "scheduled_date": time}).action_execute()
            task = tasks.search([("res_id", "=", run.id)])
            self.assertEqual((run.scheduled_date, task.delay_date), (time, time))
        # A task that was on its way already when the time changed.
        task.delay_date = now
        tasks._run_inline(domain=[("res_id", "=", run.id)])
        self.assertEqual((run.state, run.started_date), ("requested", False))
        waiting = tasks.search([("res_id", "=", run.id), ("state", "=", "pending")])
        self.assertEqual(waiting.delay_date, much_later)
        dialog.create({"target_stage": "invoicing", "execute_now": True}).action_execute()
        self.assertIn("Started now instead of", str(run.message_ids.mapped("body")))
        tasks._run_inline(domain=[("res_id", "=", run.id)])
        self.assertEqual((run.stage, run.scheduled_date), ("invoicing", False))
        with self.assertRaisesRegex(UserError, "does not wait for its time"):
            run.action_reschedule(scheduled_date=fields.Datetime.to_string(soon))

    def test_the_form_counts_what_is_selected_while_criteria_change(self):
        other = self.make_customer("Card payer", billing_payment_preference="card")
        for _index in range(2):
            self.make_service(other, self.tariff)
        run = self.make_run(self.cycle)
        with Form(run) as form:
            self.assertEqual(form.selected_customer_count, 2)
            self.assertEqual(form.selected_service_count, 3)
            form.payment_preference_ids.add(
                self.env.ref("billing_operations.criterion_payment_card")
            )
            self.assertEqual(form.selected_customer_count, 1)
            self.assertEqual(form.selected_service_count, 2)

    def test_add_all_takes_in_every_scheme_of_the_company(self):
        self.make_scheme("Yearly", interval_unit="year")
        self.make_scheme("Prepaid", classification="prepaid")
        run = self.make_run(self.cycle)
        run.action_add_all_schemes()
        self.assertEqual(set(run.term_scheme_ids.mapped("name")), {"Monthly", "Yearly"})
        for name in ("frequencies", "payment_preferences", "presentments", "categories"):
            getattr(run, f"action_add_all_{name}")()
        self.assertEqual(len(run.payment_preference_ids), 3)
        self.assertEqual(len(run.presentment_ids), 3)
