"""Overdue invoices: whom the steps reach, when, and in which words."""

from datetime import date

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .overdue_common import OverdueCase


@tagged("post_install", "-at_install")
class TestOverdueNotices(OverdueCase):
    def test_a_customer_is_reminded_once_with_one_mail_for_all_invoices(self):
        first, second = self.make_invoice(amount=100.0), self.make_invoice(amount=20.0)
        self.assertFalse(self.follow("2026-03-07"))
        notice = self.follow("2026-03-08")
        self.assertEqual((notice.kind, notice.state), ("remind", "sent"))
        self.assertEqual(notice.line_ids.move_id, first + second)
        self.assertEqual(notice.company_amount, 120.0)
        mail = self.mails(notice)
        self.assertEqual(len(mail), 1)
        self.assertEqual(mail.recipient_ids, self.customer)
        for text in (first.name, second.name, "120.00", "03/01/2026"):
            self.assertIn(text, mail.body_html)
        self.assertFalse(self.follow("2026-03-08"), "not twice on one day")
        self.assertFalse(self.follow("2026-03-09"))
        self.assertEqual(len(self.notices()), 1)

    def test_steps_follow_each_other_with_their_days_between(self):
        self.make_invoice()
        kinds = {day: self.follow(day).kind for day in ("2026-03-08", "2026-03-21", "2026-03-22")}
        self.assertEqual(kinds, {"2026-03-08": "remind", "2026-03-21": False, "2026-03-22": "warn"})
        warned = self.notices()[-1]
        self.assertIn("04/05/2026", self.mails(warned).body_html, "when services are suspended")

    def test_the_database_holds_that_a_step_is_taken_once_for_an_invoice(self):
        move = self.make_invoice()
        notice = self.follow("2026-03-08")
        values = {
            "notice_id": notice.id,
            "move_id": move.id,
            "due_date": date(2026, 3, 1),
            "currency_id": self.eur.id,
        }
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.UniqueViolation):
            self.env["billing.overdue.line"].create(values)

    def test_each_instalment_is_followed_up_by_itself(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two",
                "company_id": False,
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": 0}),
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": 60}),
                ],
            }
        )
        move = self.make_invoice(due=False, invoice_payment_term_id=term.id)
        first = self.follow("2026-02-08")
        self.assertEqual((first.line_ids.due_date, first.company_amount), (date(2026, 2, 1), 50.0))
        self.follow("2026-04-08")
        self.assertNotIn(date(2026, 4, 2), self.notices().line_ids.mapped("due_date"))
        second = self.follow("2026-04-09")
        self.assertEqual((second.kind, second.line_ids.due_date), ("remind", date(2026, 4, 2)))
        self.assertEqual(second.line_ids.move_id, move)

    def test_a_customer_without_an_address_is_shown_and_not_lost(self):
        self.customer.email = False
        self.company.billing_overdue_user_id = self.manager
        self.make_invoice()
        notice = self.follow("2026-03-08")
        self.assertEqual(notice.state, "no_address")
        self.assertEqual(notice.activity_ids.user_id, self.manager)
        self.assertFalse(self.mails(notice))
        for day in ("2026-03-22", "2026-04-05", "2026-06-01"):
            self.assertFalse(self.follow(day), "nothing follows what nobody was told")
        self.assertEqual(self.service.state, "active")
        self.assertFalse(self.service.operation_ids)
        as_user = notice.with_user(self.user)
        with self.assertRaisesRegex(UserError, "Still without an e-mail address"):
            as_user.action_send()
        self.customer.email = "now@x.example"
        as_user.action_send()
        self.assertEqual((notice.state, len(self.mails(notice))), ("sent", 1))
        self.assertFalse(notice.activity_ids)

    def test_a_person_may_say_that_the_customer_was_told_otherwise(self):
        self.customer.email = False
        self.make_invoice()
        notice = self.follow("2026-03-08")
        notice.with_user(self.user).action_told()
        self.assertEqual(notice.state, "told")
        self.assertEqual(self.follow("2026-03-22").kind, "warn")

    def test_what_is_cancelled_or_credited_in_odoo_waits_for_nobody(self):
        self.customer.email = False
        first, second = self.make_invoice(), self.make_invoice(due=date(2026, 3, 2))
        one, other = self.follow("2026-03-08"), self.follow("2026-03-09")
        self.assertEqual((one + other).mapped("state"), ["no_address", "no_address"])
        first.button_draft()
        first.button_cancel()
        reversal = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=second.ids
        )
        reversal.create({"journal_id": second.journal_id.id}).refund_moves()
        second.reversal_move_ids.action_post()
        self.follow("2026-03-10")
        self.assertEqual((one + other).mapped("state"), ["dismissed", "dismissed"])

    def test_what_is_paid_meanwhile_waits_for_nobody(self):
        self.customer.email = False
        first, second = self.make_invoice(), self.make_invoice(due=date(2026, 3, 2))
        one = self.follow("2026-03-08")
        other = self.follow("2026-03-09")
        self.pay(first)
        one.with_user(self.user).action_told()
        self.assertEqual((one.state, other.state), ("dismissed", "no_address"))
        self.pay(second)
        self.follow("2026-03-10")
        self.assertEqual(other.state, "dismissed")

    def test_the_contact_for_invoices_is_written_to(self):
        contact = self.make_customer(
            "Accounts", parent_id=self.customer.id, type="invoice", email="accounts@x.example"
        )
        self.make_invoice()
        self.assertEqual(self.mails(self.follow("2026-03-08")).recipient_ids, contact)

    def test_a_step_writes_with_its_own_mail(self):
        template = self.env.ref("billing_operations.mail_template_overdue_remind").copy(
            {"subject": "Ahem, {{ object.partner_id.name }}"}
        )
        self.steps["remind"].template_id = template
        self.make_invoice()
        self.assertEqual(self.mails(self.follow("2026-03-08")).subject, "Ahem, Alder Ltd")

    def test_the_mail_is_in_the_customers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        template = self.env.ref("billing_operations.mail_template_overdue_remind")
        template.with_context(lang="fr_FR").subject = "Rappel"
        self.customer.lang = "fr_FR"
        self.make_invoice()
        self.assertEqual(self.mails(self.follow("2026-03-08")).subject, "Rappel")


@tagged("post_install", "-at_install")
class TestOverdueLeftAlone(OverdueCase):
    def test_what_is_disputed_credited_covered_held_or_collected_is_left_alone(self):
        disputed, credited = self.make_invoice(amount=1), self.make_invoice(amount=2)
        disputed.no_followup = True
        credited._reverse_moves([{}])
        held = self.make_payer("Held", billing_payment_preference="transfer")
        held.billing_collection_hold = True
        on_hold = self.make_invoice(held, 3)
        covered_one = self.make_payer("Covered", billing_payment_preference="transfer")
        covered = self.make_invoice(covered_one, 4)
        credit = self.env["account.move"].create(
            {
                "move_type": "out_refund",
                "partner_id": covered_one.id,
                "invoice_date": date(2026, 2, 1),
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": self.product.id,
                            "price_unit": 4,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        )
        credit.action_post()
        payer = self.make_payer("Debited")
        self.make_mandate(payer)
        collected = self.make_invoice(payer, 5)
        paid = self.make_invoice(amount=6)
        self.pay(paid)
        due = self.make_invoice(amount=7)
        self.assertEqual(
            self.plan("2026-03-20"),
            {
                disputed.id: "disputed",
                credited.id: "credited",
                on_hold.id: "hold",
                covered.id: "covered",
                collected.id: "collecting",
                due.id: "remind",
            },
        )

    def test_a_hold_ends_on_its_day(self):
        move = self.make_invoice()
        self.customer.write(
            {"billing_collection_hold": True, "billing_collection_hold_until": "2026-03-20"}
        )
        self.assertEqual(self.plan("2026-03-20"), {move.id: "hold"})
        self.assertEqual(self.plan("2026-03-21"), {move.id: "remind"})

    def test_a_debit_that_came_back_is_the_customers_to_pay(self):
        payer = self.make_payer("Debited")
        self.make_mandate(payer)
        with freeze_time("2026-02-02 08:00:00"):
            move = self.make_invoice(payer, due=date(2026, 2, 10))
            run = self.submit(self.make_payment_run())
        line = run.sudo().line_ids
        fact = {"code": "AM04", "day": date(2026, 2, 25), "text": "", "fee": 0.0}
        line._come_back("returned", {line.id: fact})
        self.assertEqual(self.plan("2026-03-20"), {move.id: "remind"})

    def test_a_customer_without_a_mandate_pays_by_hand(self):
        move = self.make_invoice(self.make_payer("No mandate"))
        self.assertEqual(self.plan("2026-03-20"), {move.id: "remind"})

    def test_small_amounts_wait_until_they_are_large_enough(self):
        self.steps["remind"].minimum_amount = 150
        first = self.make_invoice(amount=100)
        self.assertEqual(self.plan("2026-03-20"), {})
        second = self.make_invoice(amount=60)
        self.assertEqual(self.plan("2026-03-20"), {first.id: "remind", second.id: "remind"})
        self.pay(second, "2026-03-19", 20)
        self.assertEqual(self.plan("2026-03-20"), {})

    def test_customers_with_a_tag_follow_its_steps_alone(self):
        tag = self.env["res.partner.category"].create({"name": "Wholesale"})
        late = self.env["billing.overdue.step"].create(
            {
                "name": "Late",
                "kind": "warn",
                "days": 60,
                "partner_category_ids": [Command.set(tag.ids)],
            }
        )
        self.customer.category_id = tag
        move = self.make_invoice()
        self.assertEqual(self.plan("2026-03-20"), {})
        self.assertEqual(self.plan("2026-05-01"), {move.id: "warn"})
        other = self.make_invoice(self.make_payer("O", billing_payment_preference="transfer"))
        self.assertEqual(self.plan("2026-03-20"), {other.id: "remind"})
        tag.unlink()
        self.assertTrue(late.lost_limits)
        self.assertEqual(
            self.plan("2026-05-01"),
            {move.id: "remind", other.id: "remind"},
            "a step whose tag is gone is for nobody",
        )
