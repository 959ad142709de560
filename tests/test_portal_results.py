"""Customers are told by e-mail how what they asked for in the portal ended: once, in their language."""

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .portal_common import RequestCase

MAIL_LOGGER = "odoo.addons.mail.models.mail_mail"


@tagged("post_install", "-at_install")
class TestResults(RequestCase):
    def setUp(self):
        super().setUp()
        self.company.email = "billing@provider.example"

    def mails(self, *partners):
        """Return the e-mails that are queued to the customer, or to others, oldest first."""
        ids = [partner.id for partner in partners or (self.customer,)]
        return self.env["mail.mail"].sudo().search([("recipient_ids", "in", ids)], order="id")

    def add_disks(self, count=4):
        """Ask in the portal for so many disks."""
        self.ask_for(self.path("change"), day=self.day(), **{f"addon_{self.addon.id}": str(count)})
        return self.asked()

    def suspend(self):
        self.ask_for(self.path("suspend"), day=self.day())
        return self.asked()

    def test_a_change_that_is_done_is_told_once_with_what_was_asked_for(self):
        operation = self.add_disks()
        self.assertFalse(self.mails())
        self.close(operation)
        mail = self.mails()
        self.assertEqual(len(mail), 1)
        self.assertEqual(mail.subject, "Your request for own.example is done")
        self.assertEqual(mail.recipient_ids, self.customer)
        self.assertIn("billing@provider.example", mail.email_from)
        for text in ("Ms Customer", "own.example", "Change", "Disk: none → 4", self.path()):
            self.assertIn(text, mail.body_html)
        self.assertNotIn("token", mail.body_html)
        self.assertEqual(operation.result_mail_state, "queued")
        self.assertIn("queued to", self.service.message_ids[0].body)
        operation._tell_customer()
        operation._set_state("done")
        self.assertEqual(self.mails(), mail)

    def test_suspension_resumption_and_end_are_told_each_with_its_day(self):
        for path, words in (("suspend", "Suspension"), ("resume", "Resumption"), ("end", "End")):
            with self.subTest(path=path):
                before = self.mails()
                self.ask_for(self.path(path), day=self.day())
                operation = self.asked()
                if operation.state == "pending":  # an end comes on the day after the last one
                    operation._own().effective_date = self.today
                    self.service._start_next_operation()
                self.close(operation)
                mail = self.mails() - before
                self.assertEqual(len(mail), 1)
                self.assertIn("is done", mail.subject)
                self.assertIn(words, mail.body_html)
                self.assertIn("last day" if path == "end" else "from", mail.body_html)
        self.assertEqual(self.service.state, "terminated")

    def test_the_day_is_that_on_which_it_was_done(self):
        operation = self.suspend()
        task = self.task_of(operation, self.member)
        task.activation_date = self.service.date_start
        task.action_close()
        self.assertIn(f"from {self.service.date_start:%m/%d/%Y}", self.mails().body_html)
        self.assertIn(f"from {self.service.date_start:%m/%d/%Y}", self.get(self.path()).text)

    def test_a_refused_request_is_told_without_what_staff_wrote(self):
        operation = self.add_disks()
        self.task_of(operation, self.member).action_cancel("They never pay")
        mail = self.mails()
        self.assertEqual(mail.subject, "Your request for own.example was not carried out")
        self.assertIn("nothing has changed", mail.body_html)
        self.assertIn("Disk: none → 4", mail.body_html)
        self.assertNotIn("never pay", mail.body_html)

    def test_a_request_that_the_office_cancels_or_supersedes_is_told(self):
        operation = self.suspend()
        operation.with_user(self.accountant).action_cancel()
        self.assertEqual(len(self.mails()), 1)
        self.ask_for(self.path("suspend"), day=self.day(5))
        self.ask(self.service, "delete", day=self.today)
        self.assertEqual(len(self.mails()), 2)
        self.assertIn("was not carried out", self.mails()[1].subject)

    def test_an_order_that_comes_to_nothing_is_told_and_one_that_is_done_has_its_opening_mail(self):
        path = f"/my/services/order/{self.bigger.id}"
        for cancel in (True, False):
            self.ask_for(path, day=self.day(), name="new.example", parameter_domain="new.example")
            service = self.bought()
            before = self.mails()
            if cancel:
                service.with_user(self.accountant).action_cancel()
            else:
                self.close(self.asked(service))
            mail = self.mails() - before
            self.assertEqual(len(mail), 1)
            self.assertIn("was not carried out" if cancel else "is ready", mail.subject)

    def test_what_the_customer_takes_back_is_not_told(self):
        operation = self.suspend()
        self.post(self.path(f"requests/{operation.id}/withdraw"))
        self.assertEqual(operation.state, "cancelled")
        self.assertFalse(self.mails())
        self.assertFalse(operation.result_mail_state)

    def test_what_the_office_and_billing_ask_for_is_not_told(self):
        self.close(self.ask(self.service, "suspend", day=self.today))
        self.close(self.ask(self.service, "resume", day=self.today, source="billing"))
        # The word "client" alone does not make a request of staff the customer's.
        self.close(self.ask(self.service, "suspend", day=self.today, source="client"))
        self.assertFalse(self.mails())

    def test_software_that_does_it_has_the_customer_told_once(self):
        self.make_webhook()
        operation = self.suspend()
        said = {"state": "done", "message": "panel says ok"}
        self.assertTrue(operation._take_callback(said))
        self.assertFalse(operation._take_callback(said))
        self.assertEqual(len(self.mails()), 1)
        self.assertNotIn("panel says ok", self.mails().body_html)

    def test_what_could_not_be_applied_is_not_told_as_done(self):
        self.make_webhook()
        operation = self.suspend()
        self.service._terminate(self.today)
        operation._take_callback({"state": "done"})
        self.assertEqual(operation.state, "failed")
        self.assertFalse(self.mails())

    def test_it_is_told_in_the_language_of_who_asked(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"].search(
            [("name", "=", "billing_operations")]
        )._update_translations(["de_DE"])
        self.customer.lang = "de_DE"
        operation = self.suspend()
        self.close(operation)
        mail = self.mails()
        self.assertEqual(mail.subject, "Ihr Auftrag zu own.example ist erledigt")
        self.assertIn(f"ab {self.today:%d.%m.%Y}", mail.body_html)
        self.assertNotIn("Suspension", mail.body_html)

    def test_the_colleague_who_asked_is_told_and_after_leaving_the_customer(self):
        self.colleague.email = "colleague@example.com"
        user = self.portal_user("colleague_login", self.colleague)
        self.login("colleague_login")
        self.close(self.suspend())
        self.assertEqual(self.mails(self.colleague).recipient_ids, self.colleague)
        self.ask_for(self.path("resume"), day=self.day())
        user.active = False
        self.close(self.asked())
        self.assertEqual(self.mails().recipient_ids, self.customer)

    def test_an_earlier_customer_is_not_told_of_the_service_of_another_one(self):
        operation = self.suspend()
        self.service.partner_id = self.other
        self.env.flush_all()
        self.close(operation)
        self.assertFalse(self.mails(self.customer, self.other))

    def test_without_an_e_mail_address_the_history_says_so_and_it_can_be_sent_later(self):
        operation = self.suspend()
        self.customer.email = False
        self.close(operation)
        self.assertFalse(self.mails())
        self.assertEqual(operation.result_mail_state, "not_sent")
        self.assertIn("no e-mail address", operation.result_mail_problem)
        self.assertIn("no e-mail address", self.service.message_ids[0].body)
        self.customer.email = "customer@example.com"
        operation.with_user(self.accountant).action_send_result_mail_again()
        self.assertEqual(len(self.mails()), 1)
        self.assertFalse(operation.result_mail_problem)
        with self.assertRaisesRegex(UserError, "did not leave"):
            operation.with_user(self.accountant).action_send_result_mail_again()

    def test_a_template_that_is_gone_or_does_not_fit_stops_nothing(self):
        template = self.env.ref("billing_operations.mail_template_service_request_done")
        operation = self.suspend()
        # It is tried when it is saved, with a request that is not done yet.
        template.subject = "{{ object.service_id.name.nope if object.state == 'done' else 'ok' }}"
        with mute_logger(
            "odoo.addons.mail.models.mail_render_mixin",
            "odoo.addons.billing_operations.service_tasks.models.service_operation_mail",
        ):
            self.close(operation)
        self.assertEqual(self.service.state, "suspended")
        self.assertIn("Have it corrected", operation.result_mail_problem)
        template.unlink()
        operation.action_send_result_mail_again()
        self.assertIn("was deleted", operation.result_mail_problem)
        self.assertFalse(self.mails())

    def test_a_mail_that_did_not_leave_is_said_so_and_sent_again(self):
        operation = self.suspend()
        self.close(operation)
        mail = operation.result_mail_id
        mail.auto_delete = False
        mail._postprocess_sent_message([], [])
        self.assertEqual(operation.result_mail_state, "sent")
        mail.write({"state": "exception", "failure_reason": "550 no such user"})
        with mute_logger(MAIL_LOGGER):
            mail._postprocess_sent_message([], [], failure_type="mail_email_invalid")
        self.assertEqual(operation.result_mail_state, "failed")
        self.assertIn("550 no such user", operation.result_mail_problem)
        self.assertIn("was not told", self.service.message_ids[0].body)
        operation.with_user(self.accountant).action_send_result_mail_again()
        self.assertEqual(operation.result_mail_state, "queued")
        self.assertEqual(len(self.mails().filtered(lambda mail: mail.state == "outgoing")), 1)
