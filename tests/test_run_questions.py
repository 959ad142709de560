"""What posts, sends or cannot be taken back asks first, with its counts and its money."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import DeliveryCase


@tagged("post_install", "-at_install")
class TestRunQuestions(DeliveryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = cls.make_user("asks_user", "billing_operations.group_billing_user")
        cls.expert = cls.make_user(
            "asks_expert",
            "billing_operations.group_billing_user,billing_operations.group_expert_mode",
        )
        cls.customer = cls.make_customer("First", email="first@customer.example")
        cls.make_service(cls.customer, cls.tariff)
        cls.subject = cls.make_run(cls.cycle)

    def step(self, code):
        self.subject.invalidate_recordset()
        return next(s for s in self.subject._next_steps()["steps"] if s["code"] == code)

    def confirm(self, code, method):
        [button] = [b for b in self.step(code)["buttons"] if b["method"] == method]
        return button["confirm"]

    def second(self):
        self.make_service(
            self.make_customer("Second", email="second@customer.example"), self.tariff
        )

    def ask(self, user, method):
        """Press a button of the header; return the dialog that it opens."""
        records = self.subject.with_user(user)
        action = getattr(records, method)()
        return self.env["billing.question"].with_user(user).browse(action["res_id"])

    def wizard(self, user, **values):
        return (
            self.env["billing.run.execute"]
            .with_user(user)
            .with_context(default_run_id=self.subject.id)
            .create({"run_id": self.subject.id, **values})
        )

    def pay(self, run):
        """Leave nothing open before the request."""
        self.confirm_steps(run, self.user)

    def test_the_request_says_how_many_bills_it_posts_and_for_how_much(self):
        self.pay(self.subject)
        self.assertEqual(
            self.confirm("request", "action_request"),
            "Post 1 bill, $\xa010.00 before tax?\nDates and criteria are locked from here on.",
        )

    def test_two_bills_are_spoken_of_in_the_plural(self):
        self.second()
        self.pay(self.subject)
        self.assertIn("Post 2 bills, $\xa020.00", self.confirm("request", "action_request"))

    def test_currencies_stand_beside_each_other_and_are_never_added_up(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": euro.id,
                "company_id": self.company.id,
                "rate": 0.9,
                "name": "2025-01-01",
            }
        )
        tariff = self.make_tariff(self.scheme, 7.0, name="Euro", currency_id=euro.id)
        self.make_service(self.make_customer("Euro"), tariff)
        self.pay(self.subject)
        text = self.confirm("request", "action_request")
        self.assertIn("Post 2 bills", text)
        self.assertIn("$\xa010.00", text)
        self.assertIn("7.00\xa0€", text)

    def test_a_run_that_sends_by_itself_says_so_before_it_is_requested(self):
        self.subject.auto_send = True
        self.pay(self.subject)
        self.assertIn("without another question", self.confirm("request", "action_request"))

    def test_a_request_without_checks_asks_first_and_names_what_it_skips(self):
        server_action = self.env.ref("billing_operations.action_billing_run_request_expert")
        action = (
            server_action.with_user(self.expert)
            .with_context(active_model="billing.run", active_ids=self.subject.ids)
            .run()
        )
        self.assertEqual(self.subject.state, "pending")
        dialog = self.env["billing.question"].with_user(self.expert).browse(action["res_id"])
        self.assertIn("Bill 1 customer and post their invoices?", dialog.text)
        self.assertIn("there is no pre-billing report", dialog.text)
        self.assertIn("Skipped, and put on record: Check payments", dialog.text)
        dialog.action_confirm()
        self.assertEqual(self.subject.state, "requested")

    def test_agreeing_to_a_dialog_gives_nobody_a_right(self):
        dialog = self.ask(self.user, "action_ask_request_expert")
        with self.assertRaises(AccessError):
            dialog.action_confirm()

    def test_a_dialog_does_nothing_but_what_asks_first(self):
        values = {"record_ids": self.subject.ids, "text": "x"}
        for model, method in (("billing.run", "unlink"), ("res.users", "unlink"), ("x", "y")):
            dialog = self.env["billing.question"].create(
                {**values, "model": model, "method": method}
            )
            with self.assertRaises(UserError):
                dialog.action_confirm()
        self.assertTrue(self.subject.exists())

    def test_figures_that_changed_since_are_shown_before_anything_happens(self):
        dialog = self.ask(self.expert, "action_ask_request_expert")
        self.second()
        self.subject.invalidate_recordset()
        again = dialog.action_confirm()
        self.assertEqual(again["res_id"], dialog.id)
        self.assertTrue(dialog.has_changed)
        self.assertIn("Bill 2 customers", dialog.text)
        self.assertEqual(self.subject.state, "pending")
        dialog.action_confirm()
        self.assertEqual(self.subject.state, "requested")

    def test_continue_says_what_it_posts_stage_by_stage(self):
        self.subject._execute("rating")
        dialog = self.ask(self.user, "action_ask_continue")
        self.assertEqual(dialog.text, "Invoice and post 1 bill, charges: $\xa010.00?")
        self.subject._execute("invoicing")
        dialog = self.ask(self.user, "action_ask_continue")
        self.assertEqual(dialog.text, "Post 1 invoice, $\xa011.50?")
        self.subject._execute("posting")
        dialog = self.ask(self.user, "action_ask_continue")
        self.assertEqual(dialog.text, "Make the PDFs of 1 bill?")
        dialog = self.ask(self.user, "action_ask_close")
        self.assertIn("Its invoice, $\xa011.50, stays posted", dialog.text)
        dialog.action_confirm()
        self.assertEqual(self.subject.state, "completed")

    def test_run_again_says_how_many_bills_it_posts(self):
        self.second()
        self.product.active = False
        self.subject._make_report("pre")
        self.subject._execute()
        self.assertEqual(self.subject.state, "failed")
        dialog = self.ask(self.user, "action_ask_run_again")
        self.assertIn("Run 2 bills in error again and post their invoices?", dialog.text)
        dialog.action_confirm()
        self.assertEqual(self.subject.state, "running")

    def test_sending_and_printing_say_how_many_bills_of_how_much(self):
        self.subject = self.make_documents(
            {"name": "Paper", "invoice_sending_method": "print"},
            {"name": "Mail", "email": "mail@customer.example"},
        )
        self.assertEqual(
            self.confirm("email", "action_email_bills"), "E-mail 2 documents, $\xa023.00?"
        )
        self.assertEqual(
            self.confirm("print", "action_create_bundles"),
            "Put 1 document, $\xa011.50, into a print bundle?",
        )
        chosen = self.env["billing.delivery.send"].create({"run_id": self.subject.id})
        self.assertEqual((chosen.document_count, chosen.amount_text), (2, "$\xa023.00"))
        self.subject.action_create_bundles()
        self.deliver(self.subject)
        bundle = self.env["billing.print.bundle"].search([("run_id", "=", self.subject.id)])
        action = bundle.with_user(self.user).action_ask_printed()
        dialog = self.env["billing.question"].with_user(self.user).browse(action["res_id"])
        self.assertIn("Mark 1 bundle with 1 document as printed?", dialog.text)
        dialog.action_confirm()
        self.assertEqual(bundle.state, "printed")
        again = self.env["billing.delivery.resend"].create(
            {"delivery_ids": bundle.delivery_ids.ids, "reason": "Lost"}
        )
        self.assertEqual(again.question, "Print 1 document again, $\xa011.50?")

    def test_an_undo_says_what_it_takes_back(self):
        self.subject._execute("posting")
        undo = self.env["billing.run.undo"].create({"run_id": self.subject.id, "reason": "Wrong"})
        self.assertEqual(
            undo.question,
            "Take back 1 bill? 1 posted document is credited: $\xa011.50."
            " This cannot be taken back.",
        )

    def test_execute_says_what_it_does_up_to_the_stage_chosen(self):
        self.pay(self.subject)
        self.assertIn(
            "Bill 1 customer, $\xa010.00 before tax, without posting?",
            self.wizard(self.user, target_stage="rating").question,
        )
        self.assertIn("Post 1 bill", self.wizard(self.user).question)

    def test_execute_names_the_open_steps_and_refuses(self):
        wizard = self.wizard(self.user, target_stage="rating")
        self.assertIn("Check payments", wizard.open_steps)
        with self.assertRaises(UserError):
            wizard.action_execute()
        wizard = self.wizard(self.user, target_stage="rating", skip_steps=True)
        with self.assertRaises(AccessError):
            wizard.action_execute()

    def test_expert_mode_reaches_execute(self):
        form = Form(
            self.env["billing.run.execute"]
            .with_user(self.expert)
            .with_context(default_run_id=self.subject.id)
        )
        form.target_stage = "rating"
        form.skip_steps = True
        self.assertIn("Skipped, and put on record: Check payments", form.question)
        form.save().action_execute()
        self.assertEqual((self.subject.state, self.subject.target_stage), ("requested", "rating"))
        self.assertTrue(self.subject.step_ids.skipped)

    def test_execute_may_be_put_off_in_expert_mode(self):
        when = date(2099, 1, 1)
        wizard = self.wizard(self.expert, skip_steps=True, execute_now=False, scheduled_date=when)
        wizard.action_execute()
        self.assertTrue(self.subject._is_scheduled())
