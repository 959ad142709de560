"""Collection in the Next Steps, by itself, and on the start page."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .payment_common import IBANS, PaymentCase


@tagged("post_install", "-at_install")
@freeze_time("2026-01-05 08:00:00")
class TestCollectionStep(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.make_mandate(signed_date=date(2025, 12, 1))
        cls.make_service(cls.customer, cls.tariff)
        cls.subject = cls.make_run(cls.cycle)
        cls.subject._execute("posting")
        cls.invoice = cls.env["account.move"].search(
            [("billing_bill_id.run_id", "=", cls.subject.id)]
        )

    def step(self, user=None):
        self.env.invalidate_all()
        run = self.subject.with_user(user or self.user)
        steps = run._next_steps()["steps"]
        return next((step for step in steps if step["code"] == "collect_direct_debit"), None)

    def test_invoices_to_collect_make_it_a_thing_to_do(self):
        step = self.step()
        self.assertEqual((step["state"], step["numbers"]), ("todo", {"to_collect": 1}))
        [link] = step["links"]
        action = getattr(self.subject.with_user(self.user), link["method"])(*link["args"])
        found = self.env["account.move"].with_user(self.user).search(action["domain"])
        self.assertEqual(found, self.invoice)

    def test_it_prepares_a_payment_run_and_is_done_with_it(self):
        step = self.step()
        run = self.subject.with_user(self.user)
        action = getattr(run, step["buttons"][0]["method"])()
        payments = self.env["billing.payment.run"].with_user(self.user).browse(action["res_id"])
        self.assertEqual(payments.line_ids.move_id, self.invoice)
        self.assertEqual(payments.billing_run_id, self.subject)
        again = run.action_collect_direct_debit()
        self.assertEqual(again["res_id"], payments.id, "the draft is taken up again")
        self.assertEqual(self.step()["state"], "todo")
        self.submit(payments)
        step = self.step()
        self.assertEqual(
            (step["state"], step["sentence"]), ("done", "1 invoice is collected by direct debit.")
        )
        self.assertEqual(self.invoice.payment_state, "paid")
        self.assertEqual(step["links"][0]["args"], ["direct_debit", "on_the_way"])
        payments.action_complete()
        self.assertEqual(self.step()["links"][0]["args"], ["direct_debit", "collected"])

    def test_what_came_back_has_to_be_collected_again(self):
        run = self.subject.with_user(self.user)
        payments = self.env["billing.payment.run"].browse(
            run.action_collect_direct_debit()["res_id"]
        )
        self.submit(payments)
        line = payments.line_ids
        fact = {"code": "AM04", "day": date(2026, 1, 20), "text": "", "fee": 0.0}
        line._come_back("returned", {line.id: fact})
        self.assertEqual(self.step()["state"], "todo")

    def test_somebody_may_say_that_invoices_stay_as_they_are(self):
        buttons = self.step()["buttons"]
        self.assertEqual(
            [(button["label"], button["primary"]) for button in buttons],
            [("Prepare Payment Run", True), ("Leave without Collection", False)],
        )
        self.subject.with_user(self.user).action_confirm_step("collect_direct_debit")
        self.assertEqual(self.step()["state"], "done")

    def test_with_automatic_collection_it_is_done_by_itself(self):
        self.company.billing_collect_automatically = True
        step = self.step()
        self.assertEqual(step["state"], "done")
        self.assertIn("by itself", step["sentence"])

    def test_companies_without_creditor_identifier_go_without_it(self):
        self.company.billing_creditor_id = False
        self.assertIsNone(self.step())

    def test_other_customers_leave_nothing_to_do(self):
        self.customer.billing_payment_preference = "transfer"
        self.assertEqual(self.step()["state"], "done")

    def test_only_billing_users_prepare_payment_runs(self):
        stranger = self.make_user("no_billing_at_all", None)
        with self.assertRaises(AccessError):
            self.subject.with_user(stranger).action_collect_direct_debit()


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestByItself(PaymentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.billing_collect_automatically = True
        cls.make_mandate()
        cls.invoice = cls.make_invoice(due=date(2026, 3, 16))

    def collect(self):
        self.env["billing.payment.run"]._cron_collect()
        runs = self.env["billing.payment.run"].search([("company_id", "=", self.company.id)])
        self.work(runs)
        return runs

    def test_invoices_are_collected_on_the_day_that_they_are_due(self):
        run = self.collect()
        self.assertEqual((run.state, run.is_automatic), ("confirmed", True))
        self.assertEqual(run.collection_date, date(2026, 3, 16))
        self.assertTrue(all(run.line_ids.mapped("notice_date")))
        with freeze_time("2026-03-10 08:00:00"):
            self.assertEqual(self.collect().state, "confirmed")
        with freeze_time("2026-03-11 08:00:00"):
            self.assertEqual(self.collect().state, "submitted")
        self.assertEqual(self.invoice.payment_state, "paid")

    def test_what_is_due_later_waits(self):
        self.make_invoice(amount=20, due=date(2026, 3, 17))
        run = self.collect()
        self.assertEqual(self.states(run), {100: "confirmed"})
        with freeze_time("2026-03-03 08:00:00"):
            runs = self.collect()
        self.assertEqual(len(runs), 2)
        self.assertEqual(self.states(runs - run), {100: "elsewhere", 20: "confirmed"})

    def test_a_day_without_anything_due_leaves_no_run(self):
        self.invoice.button_cancel()
        self.assertFalse(self.collect())

    def test_what_a_company_lacks_is_said_on_its_run(self):
        self.company.billing_debit_journal_id = False
        run = self.collect()
        self.assertEqual(run.state, "draft")
        self.assertIn("the bank journal", run.problem)
        self.company.billing_debit_journal_id = self.journal
        self.assertEqual(self.collect(), run)
        self.assertEqual((run.state, run.problem), ("confirmed", False))

    def test_other_companies_collect_nothing_by_themselves(self):
        self.company.billing_collect_automatically = False
        self.assertFalse(self.collect())


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 08:00:00")
class TestStartPage(PaymentCase):
    def entry(self, code):
        start = self.env["billing.start"].with_user(self.user)
        [entry] = [entry for entry in start._entry_registry() if entry.code == code]
        return entry.show(start.env)

    def opened(self, cell):
        action = cell["action"]
        return self.env[action["res_model"]].with_user(self.user).search(action["domain"])

    def test_it_says_what_waits_for_a_person_and_opens_it(self):
        self.assertEqual(self.entry("payment_runs")["rows"], [])
        self.make_mandate()
        self.make_invoice()
        run = self.make_payment_run()
        [row] = self.entry("payment_runs")["rows"]
        self.assertEqual((row[0], self.opened(row[1])), ("Confirm payment runs", run))
        self.submit(run)
        [row] = self.entry("payment_runs")["rows"]
        self.assertEqual(row[0], "Hand in files to the bank")
        self.assertEqual(self.opened(row[1]), run.file_ids)
        run.with_env(self.env).file_ids._give_out()
        self.assertEqual(self.entry("payment_runs")["rows"], [])

    def test_it_shows_what_was_collected_and_came_back_by_month(self):
        other = self.make_payer("Other")
        self.make_mandate()
        self.make_mandate(other, IBANS[1])
        self.make_invoice()
        self.make_invoice(other, amount=50)
        run = self.submit(self.make_payment_run())
        line = run.with_env(self.env).line_ids.filtered(lambda line: line.amount == 50)
        fact = {"code": "AC04", "day": date(2026, 3, 18), "text": "", "fee": 0.0}
        line._come_back("returned", {line.id: fact})
        [row] = self.entry("collected")["rows"]
        self.assertEqual(row[0], "March 2026")
        self.assertIn("100", row[1]["text"])
        self.assertEqual(self.opened(row[2]), line)
        names = [row[0] for row in self.entry("payment_runs")["rows"]]
        self.assertIn("Clear up blocked mandates", names)
