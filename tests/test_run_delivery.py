"""How a run's documents reach their customers: e-mail, bounces, print bundles, rights."""

import re
import smtplib
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from ..billing_runs.delivery.smtp_answers import judge_failure
from .common import DeliveryCase

BOUNCE = """\
From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: billing@provider.example
Message-Id: <bounce.1@mx.example>
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="=part="
MIME-Version: 1.0

--=part=
Content-Type: text/plain

The mailbox is full.

--=part=
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.2.2

--=part=
Content-Type: text/rfc822-headers

Message-Id: {reference}
Subject: Invoice

--=part=--
"""


@tagged("post_install", "-at_install")
class TestAnswers(TransactionCase):
    def test_an_answer_is_judged_by_what_the_server_certainly_did(self):
        refused = smtplib.SMTPRecipientsRefused({"a@b.example": (550, b"no such user")})
        wrapped = ValueError("wrapped")
        wrapped.__context__ = refused
        cases = [
            (refused, "refused"),
            (wrapped, "refused"),
            (smtplib.SMTPRecipientsRefused({"a@b.example": (450, b"greylisted")}), "later"),
            (smtplib.SMTPDataError(554, b"spam"), "refused"),
            (smtplib.SMTPDataError(451, b"later"), "later"),
            (smtplib.SMTPSenderRefused(530, b"sign in", "x@y.example"), "refused"),
            (smtplib.SMTPServerDisconnected("closed"), "unknown"),
            (TimeoutError("timed out"), "unknown"),
            (AssertionError("no recipient"), "refused"),
        ]
        for error, verdict in cases:
            self.assertEqual(judge_failure(error)[0], verdict, error)
        self.assertEqual(judge_failure(wrapped)[1], "550 no such user")


@tagged("post_install", "-at_install")
class TestEmail(DeliveryCase):
    def call(self, answers):
        """Patch the handing over: each recipient gets its answer, others are sent."""
        deliveries = self.env.registry["billing.delivery"]
        self.calls = []

        def call(model, task, intent):
            delivery = model.search([("message_reference", "=", intent["reference"])])
            self.calls.append(delivery.recipient)
            return answers.get(delivery.recipient, {"state": "sent"})

        return patch.object(deliveries, "_email_call", call)

    def email(self, run):
        run.action_email_bills()
        self.deliver(run)

    def panel_step(self, run, code):
        return next(step for step in run._next_steps()["steps"] if step["code"] == code)

    def states(self, run):
        return {d.recipient: d.state for d in self.deliveries(run, channel="email")}

    def test_each_document_goes_to_each_address_of_its_customer_once(self):
        run = self.make_documents(
            {"name": "A", "email": "a@x.example, Second <b@x.example>, a@x.example"},
            {"name": "B", "email": "c@x.example", "invoice_sending_method": "email"},
        )
        with self.call({}):
            self.email(run)
            self.assertEqual(sorted(self.calls), ["a@x.example", "b@x.example", "c@x.example"])
            with self.assertRaises(UserError):
                run.action_email_bills()
        self.assertEqual(set(self.states(run).values()), {"sent"})
        notes = self.deliveries(run).move_id.message_ids.filtered(
            lambda message: "Sent by e-mail" in message.body
        )
        self.assertEqual(
            sorted(notes.mapped("message_id")),
            sorted(self.deliveries(run).mapped("message_reference")),
        )

    def test_only_customers_who_want_e_mail_get_it(self):
        run = self.make_documents(
            {"name": "A", "email": "a@x.example"},
            {"name": "M", "email": "m@x.example", "invoice_sending_method": "manual"},
            {"name": "N"},
            {"name": "P", "email": "p@x.example", "invoice_sending_method": "print"},
        )
        step = run._step("email")
        links = {link["label"]: link["count"] for link in step["links"]}
        self.assertEqual(links, {"to e-mail": 1, "without e-mail address": 1})
        action = run.action_view_documents("email", "no_address")
        moves = self.env["account.move"].search(action["domain"])
        self.assertEqual(moves.partner_id.name, "N")
        with self.call({}):
            self.email(run)
        self.assertEqual(self.states(run), {"a@x.example": "sent"})
        # Whoever has no address holds the step up until somebody lets that be.
        step = self.panel_step(run, "email")
        self.assertEqual(step["state"], "attention")
        self.assertIn("1 document has no e-mail address", step["sentence"])
        self.assertIn("without e-mail address", [link["label"] for link in step["links"]])
        self.assertIn("E-mail bills", self.panel_step(run, "complete")["sentence"])
        run.action_confirm_step("email")
        self.assertEqual(self.panel_step(run, "email")["state"], "done")
        self.assertNotIn("E-mail bills", self.panel_step(run, "complete")["sentence"])
        # An address that comes later is taken then.
        moves.partner_id.email = "n@x.example"
        self.assertEqual(run._step("email")["state"], "todo")
        with self.call({}):
            self.email(run)
            self.assertEqual(self.calls, ["n@x.example"])

    def test_the_wishes_are_those_of_the_runs_company(self):
        run = self.make_documents(
            {"name": "P", "email": "p@x.example", "invoice_sending_method": "print"}
        )
        other = self.env["res.company"].create({"name": "Other"})
        elsewhere = run.with_context(allowed_company_ids=[other.id, self.company.id])
        self.assertEqual(elsewhere._step("email")["state"], "done")
        self.assertEqual(elsewhere._step("print")["state"], "todo")

    def test_a_task_takes_as_many_documents_as_the_company_says(self):
        self.company.billing_email_batch_size = 2
        run = self.make_documents(
            *({"name": f"C{n}", "email": f"c{n}@x.example"} for n in range(5))
        )
        run.action_email_bills()
        tasks = self.env["billing.task"].search(
            [("res_id", "=", run.id), ("type_id.code", "=", "email_bills")]
        )
        self.assertEqual(sorted(len(task.parameters["move_ids"]) for task in tasks), [1, 2, 2])
        self.assertEqual(run._step("email")["state"], "todo")
        self.assertFalse(run._step("email").get("buttons"))
        with self.assertRaisesRegex(UserError, "under way"):
            run.action_email_bills()
        with self.call({}):
            self.deliver(run)
        self.assertEqual(len(self.calls), 5)

    def test_a_refusal_is_that_bills_error_alone(self):
        run = self.make_documents(
            {"name": "A", "email": "a@x.example"},
            {"name": "B", "email": "b@x.example"},
            {"name": "C", "email": "c@x.example"},
        )
        with self.call({"b@x.example": {"state": "error", "code": "refused", "message": "550 no"}}):
            self.email(run)
        self.assertEqual(
            self.states(run),
            {"a@x.example": "sent", "b@x.example": "error", "c@x.example": "sent"},
        )
        delivery = self.deliveries(run, state="error")
        self.assertEqual(delivery.error_message, "550 no")
        self.assertIn("b@x.example", delivery.bill_id.delivery_problem)
        self.assertEqual(run._step("email")["state"], "attention")
        delivery.action_mark_sent()
        self.assertEqual(run._step("email")["state"], "done")
        self.assertFalse(delivery.bill_id.delivery_problem)

    def test_a_server_out_of_reach_is_asked_again_later_and_only_once_a_try(self):
        run = self.make_documents(
            {"name": "A", "email": "a@x.example"}, {"name": "B", "email": "b@x.example"}
        )
        down = {"state": "pending", "code": "server", "message": "connection refused"}
        with self.call({"a@x.example": down, "b@x.example": down}):
            self.email(run)
            self.assertEqual(len(self.calls), 1)
        task = self.deliveries(run).task_id
        self.assertEqual((task.state, task.retry_count), ("error", 0))
        self.assertIn("connection refused", run._step("email")["sentence"])
        task.delay_date = "2020-01-01"
        self.deliveries(run).try_date = "2020-01-01"
        with self.call({}):
            self.deliver(run)
        self.assertEqual(set(self.states(run).values()), {"sent"})

    def test_a_recipient_who_is_to_be_tried_later_does_not_hold_up_the_others(self):
        run = self.make_documents(
            {"name": "A", "email": "a@x.example"}, {"name": "B", "email": "b@x.example"}
        )
        later = {"state": "pending", "code": "later", "message": "450 greylisted"}
        with self.call({"a@x.example": later}):
            self.email(run)
            self.assertEqual(self.calls, ["a@x.example", "b@x.example"])
        self.assertEqual(self.states(run), {"a@x.example": "pending", "b@x.example": "sent"})

    def test_an_unknown_outcome_is_never_sent_again_by_itself(self):
        run = self.make_documents({"name": "A", "email": "a@x.example"})
        with self.call({"a@x.example": {"state": "unknown", "code": "broken_off", "message": "?"}}):
            self.email(run)
        with self.call({}), self.assertRaises(UserError):
            run.action_email_bills()
        delivery = self.deliveries(run)
        self.assertEqual(delivery.state, "unknown")
        self.assertEqual(run._step("email")["state"], "attention")
        delivery.action_mark_sent()
        self.assertEqual(run._step("email")["state"], "done")

    def test_delivering_again_needs_a_reason_and_is_a_new_delivery(self):
        run = self.make_documents({"name": "A", "email": "a@x.example"})
        with self.call({}):
            self.email(run)
        first = self.deliveries(run)
        first.partner_id.email = "new@x.example"
        wizard = self.env["billing.delivery.resend"]
        action = first.bill_id.action_deliver_again()
        form = wizard.with_context(**action["context"]).create({"reason": "Lost"})
        with self.call({}):
            form.action_apply()
            self.deliver(run)
            self.assertEqual(self.calls, ["a@x.example"])
        second = first.successor_id
        self.assertEqual((second.attempt, second.reason, second.state), (2, "Lost", "sent"))
        self.assertNotEqual(first.message_reference, second.message_reference)
        with self.assertRaises(UserError):
            first._deliver_again("Twice")
        with self.call({}):
            wizard.create(
                {"delivery_ids": second.ids, "reason": "Moved", "to_current": True}
            ).action_apply()
            self.deliver(run)
            self.assertEqual(self.calls, ["new@x.example"])
        self.assertEqual(run._step("email")["state"], "done")

    def test_the_choice_leaves_out_small_totals_and_single_customers(self):
        run = self.make_documents(
            {"name": "A", "email": "a@x.example"},
            {"name": "B", "email": "b@x.example"},
        )
        [first, second] = run._documents_to_email()
        wizard = self.env["billing.delivery.send"].create(
            {"run_id": run.id, "amount_min": first.amount_total + 1}
        )
        self.assertEqual(wizard.document_count, 0)
        wizard.amount_min = first.amount_total
        wizard.excluded_partner_ids = second.partner_id
        self.assertEqual(wizard.document_count, 1)
        with self.call({}):
            wizard.action_apply()
            self.deliver(run)
            self.assertEqual(self.calls, ["a@x.example"])
        self.assertEqual(run._step("email")["state"], "todo")

    def test_a_document_without_pdf_or_with_a_credit_note_is_not_sent(self):
        run = self.make_documents(
            {"name": "A", "email": "a@x.example"}, {"name": "B", "email": "b@x.example"}
        )
        [first, second] = run._documents_to_email()
        first.invoice_pdf_report_id.unlink()
        second._reverse_moves(cancel=True)
        self.assertFalse(run._documents_to_email())
        step = run._step("email")
        self.assertEqual([link["label"] for link in step["links"]], ["without PDF"])
        self.assertEqual(step["state"], "waiting")
        run.action_close()  # without PDFs: nothing is left to do
        step = run._step("email")
        self.assertEqual((run.state, run.stage, step["state"]), ("completed", "posting", "done"))
        run.stage = "formatting"
        self.assertEqual(run._step("email")["state"], "attention")

    def test_what_was_credited_after_it_was_queued_does_not_leave(self):
        run = self.make_documents(
            {"name": "A", "email": "a@x.example"}, {"name": "B", "email": "b@x.example"}
        )
        moves = run._documents_to_email()
        run.action_email_bills()
        self.env["billing.delivery"]._create_missing(moves[0])
        moves._reverse_moves(cancel=True)
        with self.call({}):
            self.deliver(run)
        self.assertFalse(self.calls)
        self.assertEqual(self.states(run), {"a@x.example": "error"})
        self.assertIn("cancelled by a credit note", self.deliveries(run).error_message)

    def test_the_database_refuses_a_second_first_delivery(self):
        run = self.make_documents({"name": "A", "email": "a@x.example"})
        with self.call({}):
            self.email(run)
        delivery = self.deliveries(run)
        values = delivery._prepare_values(delivery.move_id, delivery.recipient)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.env["billing.delivery"].create(values)
        with self.assertRaises(UserError):
            delivery._set_state("pending")

    def test_the_e_mail_is_in_the_customers_language_with_the_pdf_and_its_author(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        template = self.env["mail.template"].create(
            {
                "name": "Bill",
                "model_id": self.env["ir.model"]._get_id("account.move"),
                "subject": "Bill {{ object.name }}",
                "body_html": "<p>Dear <t t-out='object.partner_id.name'/></p>",
            }
        )
        template.with_context(lang="fr_FR").subject = "Facture {{ object.name }}"
        self.company.billing_mail_template_id = template
        run = self.make_documents({"name": "A", "email": "a@x.example", "lang": "fr_FR"})
        user = self.make_user("mail_author", "billing_operations.group_billing_user")
        user.email = "author@provider.example"
        messages = []
        server = self.env.registry["ir.mail_server"]
        with patch.object(
            server, "send_email", lambda model, message, **options: messages.append(message)
        ):
            run.with_user(user).action_email_bills()
            self.deliver(run)
        delivery = self.deliveries(run)
        [message] = messages
        self.assertEqual(message["Subject"], f"Facture {delivery.move_id.name}")
        self.assertEqual(message["Message-Id"], delivery.message_reference)
        self.assertIn("author@provider.example", message["From"])
        self.assertEqual(message["To"], "a@x.example")
        [attachment] = message.iter_attachments()
        self.assertEqual(attachment.get_content(), delivery.move_id.invoice_pdf_report_id.raw)
        note = delivery.move_id.message_ids.filtered(
            lambda m: m.message_id == delivery.message_reference
        )
        self.assertEqual(note.author_id, user.partner_id)

    def test_an_e_mail_that_cannot_be_built_is_that_bills_error(self):
        run = self.make_documents({"name": "A", "email": "a@x.example"})
        deliveries = self.env.registry["billing.delivery"]
        with (
            patch.object(deliveries, "_build_message", side_effect=ValueError("bad template")),
            self.assertLogs(
                "odoo.addons.billing_operations.billing_runs.delivery.email",
                "ERROR",
            ),
        ):
            self.email(run)
        delivery = self.deliveries(run)
        self.assertEqual((delivery.state, delivery.error_message), ("error", "bad template"))

    def test_a_bounce_is_shown_on_the_bill(self):
        run = self.make_documents({"name": "A", "email": "a@x.example"})
        with self.call({}):
            self.email(run)
        delivery = self.deliveries(run)
        self.env["mail.thread"].message_process(
            False,
            BOUNCE.format(recipient=delivery.recipient, reference=delivery.message_reference),
        )
        self.assertEqual((delivery.state, delivery.error_code), ("bounced", "bounced"))
        self.assertIn("mailbox is full", delivery.error_message)
        self.assertIn("Bounced", delivery.bill_id.delivery_problem)
        self.assertEqual(run._step("email")["state"], "attention")


@tagged("post_install", "-at_install")
class TestPrint(DeliveryCase):
    def test_bundles_are_merged_in_customer_order_and_marked_printed(self):
        self.company.billing_bundle_size = 2
        run = self.make_documents(
            *({"name": name, "invoice_sending_method": "print"} for name in ("C", "A", "B")),
            {"name": "D", "email": "d@x.example"},
        )
        self.assertEqual(run._step("print")["state"], "todo")
        run.action_create_bundles()
        self.deliver(run)
        bundles = self.env["billing.print.bundle"].search([("run_id", "=", run.id)], order="name")
        self.assertEqual(bundles.mapped("name"), [f"{run.number}/P01", f"{run.number}/P02"])
        widths = [
            [int(width) for width in re.findall(rb"/MediaBox \[\s*0 0 (\d+)", content)]
            for content in (
                self.env["ir.attachment"]
                .search(
                    [
                        ("res_model", "=", bundle._name),
                        ("res_id", "=", bundle.id),
                        ("res_field", "=", "document"),
                    ]
                )
                .raw
                for bundle in bundles
            )
        ]
        self.assertEqual(widths, [[100, 101], [102]])
        self.assertEqual(
            self.deliveries(run, channel="print")
            .move_id.sorted("partner_id")
            .partner_id.mapped("name"),
            ["A", "B", "C"],
        )
        self.assertEqual(run._step("print")["state"], "todo")
        bundles.action_mark_printed()
        self.assertEqual(set(self.deliveries(run).mapped("state")), {"printed"})
        self.assertEqual(run._step("print")["state"], "done")
        with self.assertRaises(UserError):
            run.action_create_bundles()

    def test_paper_is_delivered_again_in_a_new_bundle(self):
        run = self.make_documents({"name": "A", "invoice_sending_method": "print"})
        run.action_create_bundles()
        self.deliver(run)
        delivery = self.deliveries(run)
        delivery.bundle_id.action_mark_printed()
        self.env["billing.delivery.resend"].create(
            {"delivery_ids": delivery.ids, "reason": "Lost in the post"}
        ).action_apply()
        self.assertEqual(run._step("print")["state"], "todo")
        run.action_create_bundles()
        self.deliver(run)
        again = delivery.successor_id
        self.assertEqual((again.attempt, again.bundle_id.document_count), (2, 1))
        self.assertNotEqual(again.bundle_id, delivery.bundle_id)

    def test_bills_without_pdf_are_named(self):
        run = self.make_documents(
            *({"name": name, "invoice_sending_method": "print"} for name in ("A", "B"))
        )
        moves = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])
        moves.filtered(lambda move: move.partner_id.name == "B").invoice_pdf_report_id.unlink()
        run.action_create_bundles()
        self.deliver(run)
        self.deliveries(run).bundle_id.action_mark_printed()
        self.assertEqual(run._step("print")["state"], "waiting")
        run.action_close()
        run.stage = "formatting"
        step = run._step("print")
        self.assertEqual(step["state"], "attention")
        action = run.action_view_documents("print", "no_pdf")
        self.assertEqual(self.env["account.move"].search(action["domain"]).partner_id.name, "B")
