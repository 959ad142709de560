"""The Next Steps: what is open, who confirmed it, and what a changed number does to that."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged

from .common import BillingCase


@tagged("post_install", "-at_install")
class TestRunSteps(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.make_scheme()
        cls.tariff = cls.make_tariff(cls.scheme, 10.0)
        cls.cycle = cls.make_cycle(cls.scheme)
        cls.customer = cls.make_customer(
            email="bills@customer.example",
            street="Main Street 1",
            city="Springfield",
            country_id=cls.env.ref("base.us").id,
        )
        cls.make_service(cls.customer, cls.tariff)
        cls.user = cls.make_user("steps_user", "billing_operations.group_billing_user")
        cls.expert = cls.make_user(
            "steps_expert",
            "billing_operations.group_billing_user,billing_operations.group_expert_mode",
        )
        cls.subject = cls.make_run(cls.cycle)

    def step(self, code, run=None):
        run = run or self.subject
        run.invalidate_recordset()
        return next(step for step in run._next_steps()["steps"] if step["code"] == code)

    def pay(self, amount):
        payment = self.env["account.payment"].create(
            {
                "partner_id": self.customer.id,
                "amount": amount,
                "payment_type": "inbound",
                "partner_type": "customer",
                "date": date(2026, 1, 1),
                "company_id": self.company.id,
            }
        )
        payment.action_post()
        return payment

    def test_the_first_step_asks_for_missing_dates_and_the_rest_waits(self):
        self.subject.write({"invoice_date": False, "cutoff_date": False})
        self.assertEqual(self.step("dates")["state"], "todo")
        self.assertIn("Invoice Date, Bill As Of", self.step("dates")["sentence"])
        self.assertEqual(self.step("payments")["state"], "waiting")

    def test_with_dates_set_and_customers_complete_these_steps_are_done(self):
        self.assertEqual(self.step("dates")["state"], "done")
        self.assertEqual(self.step("customers")["state"], "done")
        self.assertIn("Selected: 1 customer with 1 service.", self.step("customers")["sentence"])

    def test_customers_that_lack_something_are_counted_and_shown(self):
        bare = self.make_customer("Bare", is_company=True, billing_payment_preference="card")
        bare.email = "no address"
        self.make_service(bare, self.tariff)
        held = self.make_customer("Held", billing_hold=True, invoice_sending_method="manual")
        self.make_service(held, self.tariff)
        for name in ("No bank", "Old bank", "Bank"):
            payer = self.customer.copy({"name": name, "billing_payment_preference": "direct_debit"})
            self.make_service(payer, self.tariff)
            if name != "No bank":
                self.env["res.partner.bank"].create(
                    {"partner_id": payer.id, "acc_number": name, "active": name == "Bank"}
                )
        links = {link["args"][0]: link["count"] for link in self.step("customers")["links"]}
        self.assertEqual(
            links, {"email": 1, "address": 2, "tax": 1, "card": 1, "bank": 2, "hold": 1}
        )
        for code in links:
            action = self.subject.with_user(self.user).action_view_customers(code)
            found = self.env["res.partner"].search(action["domain"])
            self.assertEqual(len(found), links[code])
        action = self.subject.with_user(self.user).action_view_selected_services()
        services = self.env["billing.service"].with_user(self.user)
        self.assertEqual(services.search_count(action["domain"]), 6)

    def test_a_list_of_what_a_run_counts_names_a_run_one_may_see_and_a_count_it_has(self):
        partners = self.env["res.partner"].with_user(self.user)
        number = self.subject.id
        elsewhere = self.make_company("Elsewhere")
        stranger = self.make_user("elsewhere", "billing_operations.group_billing_user", elsewhere)
        strangers = partners.with_user(stranger).with_context(allowed_company_ids=elsewhere.ids)
        for model, text in (
            (partners, f"{number}:nothing"),
            (partners, "no run"),
            (partners, "999999:email"),
            (strangers, f"{number}:email"),
        ):
            with self.assertRaisesRegex(UserError, "A billing run does not count"):
                model.search([("billing_run_counted", "=", text)])

    def test_payments_stand_beside_those_of_the_previous_run(self):
        self.pay(30.0)
        self.subject.with_user(self.user).action_confirm_step("payments")
        later = self.make_run(self.cycle, date(2026, 2, 1))
        self.pay(12.0)
        [row] = self.step("payments", later)["table"]["rows"]
        self.assertEqual(row[1:], [2, "$\xa042.00", 1, "$\xa030.00"])

    def test_a_confirmation_says_who_and_turns_amber_when_the_numbers_change(self):
        self.subject.with_user(self.user).action_confirm_step("payments")
        step = self.step("payments")
        self.assertEqual((step["state"], step["confirmed"]["by"]), ("done", self.user.name))
        payment = self.pay(5.0)
        step = self.step("payments")
        self.assertEqual((step["state"], step["confirmed"]["changed"]), ("attention", True))
        payment.action_cancel()
        self.assertEqual(self.step("payments")["state"], "done")

    def test_a_bank_that_was_not_fetched_lately_is_named(self):
        journal = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1
        )
        self.env["account.bank.statement.line"].create(
            {"journal_id": journal.id, "date": date(2026, 1, 1), "amount": 1, "payment_ref": "x"}
        )
        step = self.step("payments")
        self.assertIn(journal.name, step["sentence"])
        self.assertEqual(step["state"], "attention")
        self.company.billing_bank_stale_days = 100000
        self.assertNotIn(journal.name, self.step("payments")["sentence"])

    def test_bills_cannot_be_requested_with_open_steps_by_button_or_rpc(self):
        run = self.subject.with_user(self.user)
        with self.assertRaisesRegex(UserError, "Open in Next Steps: Check payments"):
            run.action_request()
        with self.assertRaisesRegex(UserError, "Open in Next Steps"):
            call_kw(run.browse(), "action_request", [run.ids], {"target_stage": "rating"})
        with self.assertRaises(AccessError):
            run.action_request_expert()
        self.assertEqual(self.subject.state, "pending")

    def test_with_every_step_confirmed_the_run_is_ready(self):
        self.confirm_steps(self.subject, self.user)
        self.assertIn("ready", self.step("request")["sentence"])
        self.subject.with_user(self.user).action_request(target_stage="rating")
        self.assertEqual(self.subject.state, "requested")

    def test_an_expert_may_skip_the_checks_and_that_is_on_record(self):
        self.subject.with_user(self.expert).action_request_expert()
        self.assertEqual(self.subject.state, "requested")
        self.assertTrue(self.subject.step_ids.filtered("skipped"))
        self.assertIn("without: Check payments", self.subject.message_ids[0].body)

    def test_a_step_that_waits_cannot_be_confirmed(self):
        self.subject.write({"invoice_date": False})
        with self.assertRaisesRegex(UserError, "cannot be confirmed now"):
            self.subject.with_user(self.user).action_confirm_step("payments")
        with self.assertRaisesRegex(UserError, "cannot be confirmed now"):
            self.subject.with_user(self.user).action_confirm_step("nonsense")

    def test_what_is_in_the_way_is_listed_with_who_can_fix_it(self):
        zloty = self.env.ref("base.PLN")
        zloty.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", zloty.id)]).unlink()
        self.make_service(
            self.customer, self.make_tariff(self.scheme, 1.0, name="P", currency_id=zloty.id)
        )
        old = self.make_product("Old")
        self.make_service(self.customer, self.make_tariff(self.scheme, 1.0, product_id=old.id))
        old.active = False
        gone = self.make_customer("Gone")
        self.make_service(gone, self.tariff)
        gone.active = False
        codes = {problem["code"] for problem in self.subject._readiness_problems()}
        self.assertEqual(codes, {"no_currency_rate", "product_archived", "partner_archived"})
        self.assertEqual(self.step("dates")["state"], "attention")
        self.company.sale_lock_date = date(2026, 1, 31)
        self.assertEqual(self.step("dates")["state"], "problem")
        self.assertEqual(self.step("payments")["state"], "waiting")

    def test_an_invoice_date_before_the_last_number_is_pointed_out(self):
        later = self.make_run(self.cycle, date(2026, 3, 1))
        later._execute("posting")
        codes = [problem["code"] for problem in self.subject._readiness_problems()]
        self.assertEqual(codes, ["date_before_last_number"])

    def test_progress_counts_the_bills_stage_by_stage(self):
        self.subject._execute("posting")
        stages = self.subject._next_steps()["stages"]
        self.assertEqual([(s["name"], s["done"]) for s in stages][:3], [
            ("rating", 1), ("invoicing", 1), ("posting", 1),
        ])  # fmt: skip
        self.assertEqual(stages[3]["done"], 0)

    def test_confirmations_cannot_be_written_by_hand(self):
        self.subject.with_user(self.user).action_confirm_step("payments")
        step = self.subject.step_ids
        for method, args in (("write", [{"skipped": True}]), ("unlink", [])):
            with self.assertRaises(AccessError):
                call_kw(step.with_user(self.user).browse(), method, [step.ids, *args], {})
