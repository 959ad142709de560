"""Overdue invoices: services are suspended and brought back, a person ends them, and who may do what."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .overdue_common import OverdueCase


@tagged("post_install", "-at_install")
class TestOverdueServices(OverdueCase):
    def suspended(self, **values):
        """Return an invoice because of which the service is suspended."""
        move = self.make_invoice(**values)
        for day in ("2026-03-08", "2026-03-22", "2026-04-05"):
            self.follow(day)
        return move

    def test_services_are_asked_to_be_suspended_and_come_back_on_payment(self):
        move = self.suspended()
        notice = self.notices()[-1]
        self.assertEqual((notice.kind, notice.state), ("suspend", "sent"))
        [operation] = notice.operation_ids
        self.assertEqual(
            (operation.type, operation.source, operation.state), ("suspend", "billing", "manual")
        )
        self.assertTrue(operation.service_task_id, "a manual module gets a task")
        self.carry_out(self.service)
        self.assertEqual(
            (self.service.state, self.service.suspension_reason), ("suspended", "unpaid")
        )
        self.pay(move, amount=40)
        self.tasks()
        self.assertEqual(len(self.service.operation_ids), 1, "a part is not enough")
        self.pay(move)
        self.tasks()
        self.assertEqual(self.service.operation_ids.sorted("id")[-1].type, "resume")
        self.carry_out(self.service)
        self.assertEqual(self.service.state, "active")
        self.assertTrue(notice.resumed_date)

    def test_a_payment_before_the_task_was_done_is_followed_by_the_resume(self):
        move = self.suspended()
        self.pay(move)
        self.tasks()
        self.carry_out(self.service)
        self.carry_out(self.service)
        self.assertEqual(self.service.state, "active")
        self.assertEqual(
            self.service.operation_ids.sorted("id").mapped("type"), ["suspend", "resume"]
        )

    def test_all_that_services_were_suspended_for_has_to_be_paid(self):
        first = self.suspended()
        second = self.make_invoice(amount=50, due=date(2026, 3, 10))
        for day in ("2026-03-20", "2026-04-03", "2026-04-17"):
            self.follow(day)
        self.assertEqual(self.notices()[-1].line_ids.move_id, second)
        self.carry_out(self.service)
        self.pay(first)
        self.tasks()
        self.assertFalse([o for o in self.service.operation_ids if o.type == "resume"])
        self.pay(second)
        self.tasks()
        self.carry_out(self.service)
        self.assertEqual(self.service.state, "active")

    def test_a_credit_note_or_a_dispute_brings_services_back_the_next_day(self):
        move = self.suspended()
        self.carry_out(self.service)
        move.no_followup = True
        self.follow("2026-04-06")
        self.assertIn("resume", self.service.operation_ids.mapped("type"))

    def test_what_was_suspended_for_another_reason_stays_so(self):
        self.service._suspend(date(2026, 3, 1), "abuse")
        move = self.suspended()
        self.assertFalse(self.service.operation_ids)
        self.pay(move)
        self.tasks()
        self.assertEqual(self.service.suspension_reason, "abuse")
        self.assertFalse(self.service.operation_ids)

    def test_without_the_setting_nothing_is_suspended(self):
        self.company.billing_suspend_unpaid = False
        self.suspended()
        self.assertEqual(self.notices().mapped("kind"), ["remind", "warn"])
        self.assertFalse(self.service.operation_ids)

    def test_the_settings_are_off_by_default(self):
        company = self.make_company("New")
        self.assertFalse(company.billing_follow_overdue or company.billing_suspend_unpaid)
        self.company.billing_follow_overdue = False
        self.make_invoice()
        self.assertFalse(self.follow("2026-03-08"))

    def test_failed_collections_suspend_at_once(self):
        self.steps["suspend"].failures = 1
        payer = self.make_payer("Debited")
        self.make_mandate(payer)
        service = self.make_service(payer, self.tariff)
        with freeze_time("2026-02-02 08:00:00"):
            self.make_invoice(payer, due=date(2026, 2, 10))
            run = self.submit(self.make_payment_run())
        line = run.sudo().line_ids
        fact = {"code": "AM04", "day": date(2026, 2, 23), "text": "", "fee": 0.0}
        line._come_back("returned", {line.id: fact})
        self.follow("2026-02-24")
        self.assertEqual(self.notices(payer).kind, "suspend")
        self.assertEqual(service.operation_ids.type, "suspend")

    def test_prepaid_services_are_left_alone(self):
        prepaid = self.make_scheme("Prepaid", classification="prepaid")
        other = self.make_service(self.customer, self.make_tariff(prepaid))
        self.suspended()
        self.assertFalse(other.operation_ids)
        self.assertTrue(self.service.operation_ids)

    def test_ending_is_only_proposed_and_a_manager_confirms_it_with_figures(self):
        self.suspended()
        self.carry_out(self.service)
        notice = self.follow("2026-05-30")
        self.assertEqual((notice.kind, notice.state), ("end", "proposed"))
        self.assertFalse(self.mails(notice))
        self.assertEqual(len(self.service.operation_ids), 1)
        with self.assertRaises(AccessError):
            notice.with_user(self.user).action_end_services()
        with freeze_time("2026-05-30 09:00:00"):
            question = self.env["billing.question"].browse(
                notice.with_user(self.manager).action_ask_end_services()["res_id"]
            )
            for text in ("1 service", "Alder Ltd", "100.00", "90 days"):
                self.assertIn(text, question.text)
            question.with_user(self.manager).action_confirm()
        self.assertEqual(notice.state, "sent")
        self.assertEqual(len(self.mails(notice)), 1)
        self.carry_out(self.service)
        self.assertEqual(self.service.state, "terminated")

    def test_a_customer_who_is_told_of_the_end_by_letter_is_ended_once(self):
        self.suspended()
        self.carry_out(self.service)
        notice = self.follow("2026-05-30")
        self.customer.email = False
        notice.with_user(self.manager).action_end_services()
        self.assertEqual(notice.state, "no_address")
        self.carry_out(self.service)
        notice.with_user(self.user).action_told()
        self.assertEqual((notice.state, notice.problem), ("told", False))
        self.assertEqual(
            self.service.operation_ids.sorted("id").mapped("type"), ["suspend", "delete"]
        )

    def test_telling_several_otherwise_asks_about_all_of_them(self):
        other = self.make_customer("No Address")
        self.customer.email = other.email = False
        self.make_invoice()
        self.make_invoice(partner=other)
        self.follow("2026-03-08")
        notices = self.notices() + self.notices(other)
        self.assertEqual(set(notices.mapped("state")), {"no_address"})
        action = notices.with_user(self.user).action_ask_told()
        question = self.env["billing.question"].browse(action["res_id"])
        self.assertIn("Were 2 customers told of", question.text)

    def test_whoever_is_told_after_the_setting_is_off_keeps_the_services(self):
        self.make_invoice()
        for day in ("2026-03-08", "2026-03-22"):
            self.follow(day)
        self.customer.email = False
        notice = self.follow("2026-04-05")
        self.assertEqual((notice.kind, notice.state), ("suspend", "no_address"))
        self.company.billing_suspend_unpaid = False
        notice.with_user(self.user).action_told()
        self.assertFalse(self.service.operation_ids)

    def test_what_is_paid_before_the_end_is_confirmed_ends_nobodys_services(self):
        self.suspended()
        notice = self.follow("2026-05-30")
        self.pay(notice.line_ids.move_id)
        notice.with_user(self.manager).action_end_services()
        self.assertEqual(notice.state, "dismissed")
        self.assertNotIn("delete", self.service.operation_ids.mapped("type"))
        self.assertFalse(self.mails(notice))

    def test_telling_otherwise_asks_with_what_happens_to_services(self):
        self.make_invoice()
        for day in ("2026-03-08", "2026-03-22"):
            self.follow(day)
        self.customer.email = False
        notice = self.follow("2026-04-05")
        questions = self.env["billing.question"]
        question = questions.browse(notice.with_user(self.user).action_ask_told()["res_id"])
        for text in ("Was 1 customer told of", "100.00", "1 service is then suspended"):
            self.assertIn(text, question.text)
        self.assertFalse(self.service.operation_ids)
        question.with_user(self.user).action_confirm()
        self.assertEqual(notice.state, "told")
        self.assertEqual(self.service.operation_ids.type, "suspend")
        question = questions.browse(notice.with_user(self.user).action_ask_send()["res_id"])
        self.assertIn("Write to 1 customer", question.text)

    def test_a_proposal_can_be_dismissed_and_does_not_come_again(self):
        self.suspended()
        notice = self.follow("2026-05-30")
        notice.with_user(self.user).action_dismiss()
        self.assertFalse(self.follow("2026-06-30"))
        self.assertEqual(notice.state, "dismissed")

    def test_what_a_service_does_not_take_is_left_on_the_notice(self):
        self.service.with_user(self.manager).request_operation(
            "delete", effective_date=date(2026, 3, 10)
        )
        self.suspended()
        notice = self.notices()[-1]
        self.assertEqual(notice.state, "sent")
        self.assertIn("Suspend is not possible", notice.problem)

    def test_each_company_has_its_own_steps_and_its_own_notices(self):
        self.make_invoice()
        ours = self.company
        other = self.make_company("Second", "EUR")
        self.assertFalse(self.env["billing.overdue.step"]._steps_of(other))
        env = self.env(context={**self.env.context, "allowed_company_ids": (ours + other).ids})
        step = (
            env["billing.overdue.step"]
            .with_company(other)
            .create({"name": "Theirs", "kind": "remind", "days": 7, "company_id": other.id})
        )
        move = (
            env["account.move"]
            .with_company(other)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.customer.id,
                    "company_id": other.id,
                    "invoice_date": date(2026, 2, 1),
                    "invoice_date_due": date(2026, 3, 1),
                    "invoice_payment_term_id": False,
                    "invoice_line_ids": [
                        Command.create({"name": "x", "price_unit": 9, "tax_ids": []})
                    ],
                }
            )
        )
        move.action_post()
        self.follow("2026-03-08")
        self.assertEqual(self.notices().filtered(lambda n: n.company_id == other).ids, [])
        other.billing_follow_overdue = True
        self.follow("2026-03-08")
        theirs = env["billing.overdue.notice"].search([("company_id", "=", other.id)])
        self.assertEqual((theirs.step_id, theirs.line_ids.move_id), (step, move))
        mine = self.env["billing.overdue.notice"].with_user(self.user).search([])
        self.assertEqual(mine.company_id, ours)


@tagged("post_install", "-at_install")
class TestOverdueScreens(OverdueCase):
    def test_the_preview_shows_whom_the_steps_reach_in_which_words_and_does_nothing(self):
        self.make_invoice()
        other = self.make_payer("Held", billing_payment_preference="transfer")
        other.billing_collection_hold = True
        self.make_invoice(other)
        with freeze_time("2026-03-08 08:00:00"):
            steps = self.env["billing.overdue.step"].with_user(self.user)
            action = steps.action_preview()
            preview = self.env[action["res_model"]].with_user(self.user).browse(action["res_id"])
            by_partner = {line.partner_id.id: line for line in preview.line_ids}
            line = by_partner[self.customer.id]
            self.assertEqual((line.step_id, line.amount), (self.steps["remind"], 100.0))
            self.assertIn("100.00", line.subject)
            self.assertIn("Alder Ltd", line.body)
            self.assertEqual(by_partner[other.id].reason, "hold")
            self.assertFalse(self.notices())
            self.assertIn("1 customer", preview._follow_text())
            question = self.env["billing.question"].browse(preview.action_ask_follow()["res_id"])
            question.with_user(self.user).action_confirm()
            self.tasks()
        self.assertEqual(self.notices().kind, "remind")

    def test_the_usual_steps_are_made_once(self):
        company = self.make_company("Third")
        steps = self.env["billing.overdue.step"].with_company(company)
        steps.action_usual_steps()
        steps.action_usual_steps()
        found = steps.search([("company_id", "=", company.id)])
        self.assertEqual(found.mapped("kind"), ["remind", "warn", "suspend", "end"])
        with self.assertRaises(AccessError):
            steps.with_user(self.user).action_usual_steps()

    def test_a_step_that_was_taken_stays_what_it_was(self):
        self.make_invoice()
        self.follow("2026-03-08")
        step = self.steps["remind"]
        with self.assertRaisesRegex(UserError, "taken already"):
            step.kind = "warn"
        with self.assertRaisesRegex(UserError, "only be archived"):
            step.unlink()
        step.active = False
        self.assertEqual(self.follow("2026-03-22").kind, "warn")

    def test_nobody_writes_notices_but_the_steps(self):
        self.make_invoice()
        notice = self.follow("2026-03-08")
        for user in (self.user, self.manager):
            for change in (
                lambda n: n.write({"state": "told"}),
                lambda n: n.unlink(),
                lambda n: n.copy(),
                lambda n: n.line_ids.write({"amount": 1}),
            ):
                with self.assertRaises(Exception) as refused:
                    change(notice.with_user(user))
                self.assertIsInstance(refused.exception, AccessError | UserError)

    def test_what_was_sent_stands_with_its_customer_and_invoice(self):
        move = self.make_invoice()
        notice = self.follow("2026-03-08")
        self.assertEqual(self.customer.billing_overdue_notice_count, 1)
        action = self.customer.with_user(self.user).action_open_overdue_notices()
        self.assertEqual(self.env["billing.overdue.notice"].search(action["domain"]), notice)
        [line] = notice.line_ids
        self.assertEqual(
            (line.partner_id, line.move_id, line.kind), (self.customer, move, "remind")
        )
        self.assertEqual(line.action_open_invoice()["res_id"], move.id)

    def test_the_start_page_counts_what_waits_for_a_person_and_what_is_overdue(self):
        self.customer.email = False
        self.make_invoice(amount=100, due=date(2026, 3, 1))
        self.follow("2026-03-08")
        with freeze_time("2026-04-15 08:00:00"):
            entries = {
                entry["code"]: entry
                for entry in self.env["billing.start"]
                .with_user(self.user)
                .get_start_page()["entries"]
            }
        waiting = entries["overdue_notices"]["rows"]
        self.assertEqual([row[1]["text"] for row in waiting], ["1"])
        [row] = entries["overdue_invoices"]["rows"]
        self.assertEqual(row[1], "")
        self.assertIn("100.00", row[2]["text"])
