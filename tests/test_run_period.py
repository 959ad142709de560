"""A period of a cycle has one run for everybody; a second one needs a yes, and says why."""

from datetime import date

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunPeriod(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme, cutoff_date_rule="month_day", cutoff_date_day=31)
        cls.customer = cls.make_customer(email="period@customer.example")
        cls.make_service(cls.customer, cls.tariff)
        cls.user = cls.make_user("period_user", "billing_operations.group_billing_user")

    def new_run(self):
        action = self.cycle.with_user(self.user).action_create_run()
        return self.env[action["res_model"]].browse(action["res_id"])

    def step_codes(self, run):
        run.invalidate_recordset()
        return [step["code"] for step in run._next_steps()["steps"]]

    def test_a_new_run_of_a_cycle_is_for_its_next_run_date(self):
        run = self.new_run()
        self.assertEqual(run._name, "billing.run")
        self.assertEqual(run.cycle_date, date(2026, 1, 1))
        self.assertEqual((run.invoice_date, run.cutoff_date), (date(2026, 1, 1), date(2026, 1, 31)))
        run._execute()
        self.cycle.invalidate_recordset()
        self.assertEqual(self.new_run().cycle_date, date(2026, 2, 1))

    def test_while_a_run_is_open_another_one_is_asked_for(self):
        run = self.new_run()
        self.cycle.invalidate_recordset()
        question = self.new_run()
        self.assertEqual(question._name, "billing.question")
        self.assertIn(run.number, question.text)
        self.assertEqual(self.cycle.run_ids, run)
        action = question.with_user(self.user).action_confirm()
        second = self.env["billing.run"].browse(action["res_id"])
        self.assertEqual(second.cycle_date, date(2026, 2, 1))

    def test_a_cancelled_run_gives_its_date_back_to_people_but_not_to_the_schedule(self):
        run = self.new_run()
        run.action_cancel()
        self.cycle.invalidate_recordset()
        self.assertEqual(self.cycle.next_run_date, date(2026, 1, 1))
        self.assertIsNone(self.cycle._latest_due_recurrence(date(2026, 1, 31)))
        self.assertEqual(self.new_run().cycle_date, date(2026, 1, 1))

    def test_a_run_entered_by_hand_has_the_dates_of_the_next_one_and_stands_for_it(self):
        form = Form(self.env["billing.run"].with_user(self.user))
        self.assertEqual(
            (form.invoice_date, form.cutoff_date), (date(2026, 1, 1), date(2026, 1, 31))
        )
        run = form.save()
        self.assertEqual(run.cycle_date, date(2026, 1, 1))
        self.cycle.invalidate_recordset()
        form = Form(self.env["billing.run"].with_user(self.user))
        self.assertEqual(form.invoice_date, date(2026, 2, 1))
        form.invoice_date = date(2026, 2, 3)
        self.assertFalse(form.save().cycle_date)

    def test_the_database_keeps_two_runs_from_one_recurrence(self):
        self.new_run()
        second = self.make_run(self.cycle)
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            with self.env.cr.savepoint():
                second._own().write({"cycle_date": date(2026, 1, 1)})
                second.flush_recordset()

    def test_a_second_run_of_a_period_names_the_first_and_waits_for_a_yes(self):
        first = self.make_run(self.cycle)
        first._execute()
        second = self.make_run(self.cycle, cutoff_date=date(2026, 2, 10))
        self.assertNotIn("period", self.step_codes(first))
        [step] = [s for s in second._next_steps()["steps"] if s["code"] == "period"]
        self.assertEqual(step["state"], "attention")
        self.assertIn(f"{first.number}, billed as of", step["sentence"])
        self.assertIn("(Completed)", step["sentence"])
        with self.assertRaisesRegex(UserError, "Second run of a period"):
            second.with_user(self.user).action_request()
        second.with_user(self.user).action_confirm_step("period")
        self.confirm_steps(second, self.user)
        second.with_user(self.user).action_request()
        self.assertEqual(second.state, "requested")
        self.assertEqual(
            second.step_ids.filtered(lambda s: s.code == "period").numbers["first"], first.number
        )

    def test_the_next_period_and_runs_of_one_customer_are_no_second_run(self):
        first = self.make_run(self.cycle)
        following = self.make_run(self.cycle, date(2026, 2, 1))
        alone = self.make_run(self.cycle, mode="individual")
        self.assertFalse(following._same_period_run() | alone._same_period_run())
        again = self.make_run(self.cycle)
        self.assertEqual(again._same_period_run(), first)
        self.assertFalse(first._same_period_run())
        first.action_cancel()
        self.assertFalse(again._same_period_run())
