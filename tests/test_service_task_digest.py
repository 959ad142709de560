"""What a department's manager is told of what is overdue: once a day, in his language."""

from datetime import date

from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .service_task_common import ServiceTaskCase

MODEL = "odoo.addons.billing_operations.service_tasks.models.service_task_digest"


@tagged("post_install", "-at_install")
@freeze_time("2026-03-02 23:30:00")
class TestServiceTaskDigest(ServiceTaskCase):
    def setUp(self):
        super().setUp()
        self.company.resource_calendar_id.tz = "UTC"
        self.operations.manager_id = self.boss.employee_ids
        with freeze_time("2026-01-12 12:00:00"):
            self.first = self.ask(self.order(), "setup").service_task_id
            self.second = self.ask(self.active(), "suspend").service_task_id
            self.close(self.ask(self.active(), "suspend"))

    def send(self):
        """Run the scheduled action; return the mails that it queued for this company."""
        before = self.env["mail.mail"].search([])
        with self.enter_registry_test_mode():
            self.env.ref("billing_operations.cron_service_task_digest").method_direct_trigger()
        mails = self.env["mail.mail"].search([]) - before
        return mails.filtered(lambda mail: mail.author_id == self.company.partner_id)

    def test_the_manager_gets_one_mail_of_all_that_is_overdue(self):
        mail = self.send()
        self.assertEqual(mail.recipient_ids, self.boss.partner_id)
        self.assertEqual(mail.subject, "2 overdue service tasks")
        for task in (self.first, self.second):
            self.assertIn(f"/odoo/service-tasks/{task.id}", mail.body_html)
        digest = self.env["service.task.digest"].search([("company_id", "=", self.company.id)])
        self.assertEqual(
            (digest.department_id, digest.user_id, digest.task_count, digest.day),
            (self.hosting, self.boss, 2, date(2026, 3, 2)),
        )

    def test_a_department_is_told_once_a_day_by_the_companys_calendar(self):
        self.assertEqual(len(self.send()), 1)
        self.assertFalse(self.send())
        # Another department's turn comes on the same day all the same.
        self.first.with_user(self.member).action_transfer(self.telephony.id)
        self.telephony.manager_id = self.stranger.employee_ids
        self.first._set_deadline("2026-03-01 12:00:00")
        mail = self.send()
        self.assertEqual(mail.recipient_ids, self.stranger.partner_id)
        self.assertEqual(mail.subject, "One overdue service task")
        # After midnight it is another day here, but not in New York.
        with freeze_time("2026-03-03 00:10:00"):
            self.company.resource_calendar_id.tz = "America/New_York"
            self.assertFalse(self.send())
            self.company.resource_calendar_id.tz = "UTC"
            self.assertEqual(len(self.send()), 2)

    def test_it_speaks_the_managers_language_and_time(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.boss.write({"lang": "fr_FR", "tz": "Asia/Tokyo"})
        self.first._set_deadline("2026-03-02 22:00:00")
        self.second._set_deadline("2026-04-02 22:00:00")
        self.assertIn("03/03/2026 07:00", self.send().body_html)

    @mute_logger(MODEL)
    def test_who_has_no_address_is_passed_over_for_the_one_above(self):
        self.hosting.manager_id = self.member.employee_ids
        self.member.email = False
        self.assertEqual(self.send().recipient_ids, self.boss.partner_id)
        self.env["service.task.digest"].search([]).unlink()
        self.boss.email = False
        with self.assertLogs(MODEL, "WARNING") as logs:
            self.assertFalse(self.send())
        self.assertIn("nobody with an e-mail address manages", "".join(logs.output))
        self.assertFalse(self.env["service.task.digest"].search([("user_id", "=", self.boss.id)]))
        # As soon as somebody can be reached, it is sent on the same day.
        self.boss.email = "boss@example.com"
        self.assertEqual(len(self.send()), 1)

    def test_old_lines_are_removed(self):
        self.send()
        digests = self.env["service.task.digest"].search([("company_id", "=", self.company.id)])
        digests._gc_digests()
        self.assertTrue(digests.exists())
        with freeze_time("2026-07-02 12:00:00"):
            digests._gc_digests()
        self.assertFalse(digests.exists())
