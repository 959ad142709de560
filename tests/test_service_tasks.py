"""Service tasks: their texts, their forms, taking, passing on, closing."""

from datetime import date, datetime

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .service_task_common import ServiceTaskCase

MAIL_LOGGER = "odoo.addons.billing_operations.service_tasks.models.service_operation_mail"


@tagged("post_install", "-at_install")
@freeze_time("2026-01-12 12:00:00")
class TestServiceTasks(ServiceTaskCase):
    def test_the_texts_say_what_to_do_and_what_closing_does(self):
        service = self.active(disk=3, name="alder.example")
        service.parameters = {"domain": "alder.example"}
        asked = {
            "quantity": 2,
            "parameters": {"php": 4},
            "addon_quantities": {self.addon.id: 5},
            "date_end": date(2026, 12, 31),
        }
        operation = self.ask(service, "change", asked, date(2026, 1, 12))
        task = operation.service_task_id
        for text in (
            "alder.example",
            "Ms Customer",
            "Quantity: 1 → 2",
            "Disk: 3 → 5",
            "PHP workers: none → 4",
            "End Date: none → 12/31/2026",
        ):
            self.assertIn(text, task.description)
        self.assertIn("Domain: alder.example", task.service_description)
        self.assertIn("credited and charged by the day", task.close_actions)

    def test_the_texts_are_written_in_the_departments_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.hosting.service_task_lang = "fr_FR"
        seen = []
        origin = self.registry["service.task"]._describe_work

        def spy(task):
            seen.append(task.env.lang)
            return origin(task)

        self.patch(self.registry["service.task"], "_describe_work", spy)
        task = self.ask(self.order(), "setup").service_task_id
        self.assertEqual(seen, ["fr_FR"])
        task.with_user(self.member).action_transfer(self.telephony.id)
        self.assertEqual(seen, ["fr_FR", "en_US"])

    def test_a_language_that_is_not_installed_any_more_stops_nobody(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.hosting.service_task_lang = "fr_FR"
        self.env["res.lang"].search([("code", "=", "fr_FR")]).active = False
        task = self.ask(self.order(), "setup").service_task_id
        self.assertIn("Set up the service", task.description)

    def test_each_type_has_its_own_wording(self):
        service = self.active()
        texts = set()
        for operation_type in ("suspend", "resume", "delete"):
            operation = self.ask(service, operation_type, None, date(2026, 1, 12))
            texts.add(operation.service_task_id.description)
            texts.add(operation.service_task_id.close_actions)
            self.close(operation)
        self.assertEqual(len(texts), 6)

    def test_closing_a_set_up_keeps_settings_and_starts_billing_on_the_chosen_day(self):
        service = self.order()
        operation = self.ask(service, "setup")
        task = self.task_of(operation, self.member)
        task.write({"activation_date": "2026-01-17", "parameters": {"domain": "a.example"}})
        expected = operation._preview_rows(date(2026, 1, 17))
        self.assertIn("30.00", task.money_effect)
        task.action_close()
        self.assertEqual((service.state, service.date_start), ("active", date(2026, 1, 17)))
        self.assertEqual(service._parameter_values(), {"domain": "a.example", "php": None})
        charges = service._rate(date(2026, 1, 17))
        self.assertEqual([float(row["amount"]) for row in expected], charges.mapped("amount"))

    def test_the_money_effect_is_what_closing_then_brings(self):
        for values, timing in (({}, "advance"), ({"setup_price": 9.9}, "arrears")):
            scheme = self.make_scheme(timing=timing, alignment="calendar", name=timing)
            tariff = self.make_tariff(scheme, price=31.0, **values)
            service = self.order(tariff)
            operation = self.ask(service, "setup", None, date(2026, 1, 22))
            with freeze_time("2026-01-22 12:00:00"):
                self.run_due()
                preview = operation._preview_rows(date(2026, 1, 22))
                self.close(operation)
            charges = service._rate(service.next_billing_date).sorted("id")
            late = service._rate(service.next_billing_date) if timing == "arrears" else charges[:0]
            amounts = sorted((charges | late).mapped("amount"))
            self.assertEqual(sorted(float(row["amount"]) for row in preview), amounts)
            self.assertIn(10.0, amounts)

        service = self.active(disk=2)
        service._rate(date(2026, 1, 1))
        operation = self.ask(service, "delete", None, date(2026, 1, 12))
        preview = sum(row["amount"] for row in operation._preview_rows(date(2026, 1, 12)))
        before = self.total(service)
        task = self.close(operation)
        self.assertFalse(task.money_effect)
        self.assertEqual(round(self.total(service) - before, 2), float(preview))
        self.assertLess(preview, 0)

    def test_a_change_is_previewed_with_the_amounts_on_the_task(self):
        service = self.active(disk=2)
        service._rate(date(2026, 1, 1))
        operation = self.ask(
            service, "change", {"addon_quantities": {self.addon.id: 4}}, date(2026, 1, 12)
        )
        task = self.task_of(operation, self.member)
        self.assertEqual(task.addon_line_ids.quantity, 4)
        task.addon_line_ids.quantity = 6
        preview = sum(
            row["amount"]
            for row in operation._preview_rows(date(2026, 1, 12), task._changed_quantities())
        )
        before = self.total(service)
        task.action_close()
        self.assertEqual(service.addon_line_ids.quantity, 6)
        self.assertEqual(round(self.total(service) - before, 2), float(preview))

    def test_add_ons_are_edited_on_change_tasks_only_and_within_the_tariffs_limits(self):
        service = self.order(disk=2)
        task = self.task_of(self.ask(service, "setup"), self.member)
        with self.assertRaisesRegex(UserError, "change tasks only"):
            task.addon_line_ids.quantity = 3
        change = self.ask(self.active(disk=2), "change", {"quantity": 2}, date(2026, 1, 12))
        task = self.task_of(change, self.member)
        with self.assertRaisesRegex(ValidationError, "allows 1 to 10, not 11"):
            task.addon_line_ids.quantity = 11
        with self.assertRaisesRegex(UserError, "Only the amount"):
            task.addon_line_ids.maximum = 99

    def test_required_settings_keep_a_task_from_being_closed(self):
        self.tariff.required_parameters = "domain, PHP workers"
        operation = self.ask(self.order(), "setup")
        task = self.task_of(operation, self.member)
        self.assertEqual(task.required_parameters, "Domain, PHP workers")
        with self.assertRaisesRegex(UserError, "Main Settings first: Domain, PHP workers"):
            task.action_close()
        task.parameters = {"domain": "a.example", "php": 0}
        task.action_close()
        self.assertEqual(operation.state, "done")
        with self.assertRaisesRegex(ValidationError, "no parameter named: Moon"):
            self.tariff.required_parameters = "Domain, Moon"

    def test_a_service_is_not_turned_off_by_a_day_that_lies_ahead(self):
        service = self.active()
        task = self.task_of(self.ask(service, "suspend"), self.member)
        task.activation_date = date(2026, 1, 13)
        with self.assertRaisesRegex(UserError, "Close it on that day"):
            task.action_close()
        task.activation_date = date(2026, 1, 12)
        task.action_close()
        self.assertEqual((service.state, service.date_suspended), ("suspended", date(2026, 1, 12)))

    def test_closing_needs_the_assignee(self):
        task = self.ask(self.order(), "setup").service_task_id
        with self.assertRaisesRegex(UserError, "has no assignee"):
            task.with_user(self.member).action_close()
        task.with_user(self.member).action_assign_to_me()
        with self.assertRaisesRegex(UserError, "who alone can close it"):
            task.with_user(self.colleague).action_close()
        with self.assertRaisesRegex(UserError, "handed over"):
            task.with_user(self.colleague).action_assign_to_me()
        task.with_user(self.member).action_assign_to_me()
        task.with_user(self.member).action_close()
        with self.assertRaisesRegex(UserError, "done already: member .* ended it"):
            task.with_user(self.member).action_close()

    def test_only_the_assignee_fills_a_task_in_and_only_what_is_his(self):
        task = self.ask(self.order(), "setup").service_task_id
        with self.assertRaisesRegex(UserError, "Assign it to yourself first"):
            task.with_user(self.member).parameters = {"domain": "x"}
        task.with_user(self.member).action_assign_to_me()
        for values in (
            {"state": "done"},
            {"department_id": self.telephony.id},
            {"user_id": self.colleague.id},
            {"description": "x"},
        ):
            with self.assertRaisesRegex(UserError, "changes with its buttons"):
                task.with_user(self.member).write(values)
        task.with_user(self.member).action_close()
        with self.assertRaisesRegex(UserError, "closed and cannot be edited"):
            task.with_user(self.member).activation_date = date(2026, 1, 1)

    def test_a_task_is_handed_over_to_those_who_may_see_it(self):
        task = self.task_of(self.ask(self.order(), "setup"), self.member)
        with self.assertRaisesRegex(UserError, "for members of Hosting"):
            task.action_hand_over(self.stranger.id)
        dialog = self.env["service.task.dialog"].with_user(self.member)
        dialog = dialog.create({"task_id": task.id, "mode": "hand_over"})
        candidates = dialog.candidate_ids
        self.assertLessEqual(self.member | self.colleague | self.boss | self.manager, candidates)
        self.assertFalse(candidates & (self.stranger | self.accountant))
        dialog.user_id = self.colleague
        dialog.action_apply()
        self.assertEqual(task.user_id, self.colleague)
        task.with_user(self.colleague).action_close()

    def test_passing_on_tells_the_new_department_and_hides_it_from_the_old(self):
        task = self.task_of(self.ask(self.order(), "setup"), self.member)
        task.message_subscribe((self.member | self.colleague).partner_id.ids)
        self.assertIn(self.member.partner_id, task.message_partner_ids)
        dialog = self.env["service.task.dialog"].with_user(self.member)
        dialog = dialog.create(
            {"task_id": task.id, "mode": "transfer", "department_id": self.telephony.id}
        )
        self.assertEqual(dialog.action_apply()["res_model"], "service.task")
        task = task.sudo()
        self.assertEqual((task.department_id, task.state), (self.telephony, "new"))
        self.assertFalse(task.user_id)
        self.assertFalse(task.message_partner_ids & (self.member | self.colleague).partner_id)
        notified = (
            self.env["mail.message"]
            .search([("model", "=", "service.task"), ("res_id", "=", task.id)])
            .notified_partner_ids
        )
        self.assertIn(self.stranger.partner_id, notified)
        tasks = self.env["service.task"]
        for user in (self.member, self.boss):
            self.assertFalse(tasks.with_user(user).search([("id", "=", task.id)]))
            with self.assertRaises(AccessError):
                task.with_user(user).read(["number"])
        self.close(task.operation_id, self.stranger)

    def test_a_task_is_not_passed_on_to_where_nobody_may_open_it(self):
        empty = self.telephony.create({"name": "Nobody", "company_id": self.company.id})
        task = self.ask(self.order(), "setup").service_task_id
        with self.assertRaisesRegex(UserError, "Nobody in Nobody may open service tasks"):
            task.with_user(self.member).action_transfer(empty.id)
        self.assertEqual(task.department_id, self.hosting)
        empty.parent_id = self.telephony  # whose people see what lies below them
        task.with_user(self.member).action_transfer(empty.id)
        self.close(task.operation_id, self.stranger)

    def test_cancelling_needs_a_reason_and_withdraws_the_operation(self):
        service = self.order()
        operation = self.ask(service, "setup")
        task = operation.service_task_id.with_user(self.member)
        with self.assertRaisesRegex(UserError, "Say why"):
            task.action_cancel("  ")
        task.action_cancel("The customer went away")
        self.assertEqual((task.state, operation.state), ("cancelled", "cancelled"))
        self.assertEqual(task.cancel_reason, "The customer went away")
        self.assertIn("went away", service.message_ids[0].body)
        self.assertEqual(service.state, "ordered")
        self.assertEqual(self.ask(service, "setup").state, "manual")

    def test_both_histories_tell_of_the_end(self):
        operation = self.ask(self.order(), "setup")
        task = self.task_of(operation, self.member).with_context(tracking_disable=False)
        self.env.flush_all()
        # Nothing is tracked on a record in the transaction that created it.
        self.env.cr.precommit.clear()
        task.action_close()
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.invalidate_all()
        texts = " ".join(operation.service_id.message_ids.mapped("body"))
        self.assertIn(f"{task.number} closed by member", texts)
        states = task.sudo().message_ids.tracking_value_ids.mapped("new_value_char")
        self.assertIn("Done", states)

    def test_a_message_in_the_history_is_not_addressed_to_the_customer(self):
        task = self.task_of(self.ask(self.order(), "setup"), self.member)
        proposed = [row["partner_id"] for row in task._message_get_suggested_recipients()]
        self.assertEqual(proposed, self.member.partner_id.ids)
        message = task.message_post(body="Ask him?", subtype_xmlid="mail.mt_comment")
        self.assertNotIn(self.customer, message.sudo().notified_partner_ids)
        self.assertNotIn(self.customer, task.sudo().message_partner_ids)

    def test_the_deadline_counts_the_departments_working_hours(self):
        calendar = self.env["resource.calendar"].create(
            {
                "name": "Mornings",
                "tz": "UTC",
                "company_id": self.company.id,
                "attendance_ids": [
                    (0, 0, {"name": "Day", "dayofweek": str(day), "hour_from": 8, "hour_to": 12})
                    for day in range(5)
                ],
            }
        )
        self.hosting.resource_calendar_id = calendar
        self.company.service_task_hours = 6
        # Monday noon: four hours on Tuesday, two on Wednesday.
        task = self.ask(self.order(), "setup").service_task_id
        self.assertEqual(task.deadline, datetime(2026, 1, 14, 10, 0))
        self.company.service_task_hours_suspend = 1
        task = self.ask(self.active(), "suspend").service_task_id
        self.assertEqual(task.deadline, datetime(2026, 1, 13, 9, 0))
        overdue = [("is_overdue", "=", True), ("company_id", "=", self.company.id)]
        with freeze_time("2026-01-13 10:00:00"):
            task.invalidate_recordset(["is_overdue"])
            self.assertTrue(task.is_overdue)
            self.assertEqual(task.search(overdue), task)

    def test_the_analysis_agrees_with_plain_arithmetic(self):
        waiting = self.order(disk=4, quantity=2, discount=10)
        self.ask(waiting, "setup")
        done = self.ask(self.active(), "suspend")
        with freeze_time("2026-01-12 15:30:00"):
            self.close(done)
            self.cr.execute("UPDATE service_task SET create_date = '2026-01-12 12:00:00'")
        rows = self.env["service.task.report"].search(
            [("company_id", "=", self.company.id)], order="id"
        )
        setup, suspended = rows
        self.assertEqual((setup.open_count, setup.department_id), (1, self.hosting))
        self.assertEqual(setup.revenue_waiting, 30 * 2 * 0.9 + (4 - 1) * 2)
        self.assertEqual((suspended.open_count, suspended.revenue_waiting), (0, 0))
        self.assertEqual(setup.overdue_count, int(setup.task_id.deadline < datetime.now()))


@tagged("post_install", "-at_install")
@freeze_time("2026-01-12 12:00:00")
class TestOpeningMail(ServiceTaskCase):
    def setUp(self):
        super().setUp()
        self.service = self.order(name="alder.example")
        self.env["billing.service.secret"].create(
            {"service_id": self.service.id, "name": "root", "value": "hunter2"}
        )
        self.operation = self.ask(self.service, "setup")
        self.task = self.task_of(self.operation, self.member)
        self.task.parameters = {"domain": "alder.example"}

    def sent(self):
        return self.env["mail.mail"].search(
            [("recipient_ids", "in", self.customer.ids)], order="id desc", limit=1
        )

    def test_it_is_previewed_edited_and_queued_with_the_closing(self):
        self.assertIn("Domain", self.task.mail_body)
        self.assertEqual(self.task.mail_subject, "alder.example is ready")
        self.task.mail_subject = "Welcome"
        self.assertFalse(self.sent())
        triggers = [("cron_id", "=", self.env.ref("mail.ir_cron_mail_scheduler_action").id)]
        before = self.env["ir.cron.trigger"].search_count(triggers)
        self.task.action_close()
        self.assertGreater(self.env["ir.cron.trigger"].search_count(triggers), before)
        mail = self.sent()
        self.assertEqual((mail.subject, mail.state), ("Welcome", "outgoing"))
        self.assertIn("alder.example", mail.body_html)

    def test_no_password_and_no_token_stands_in_preview_texts_or_histories(self):
        preview = self.task.mail_body
        self.task.action_close()
        mail = self.sent()
        token = self.service.portal_link_token
        self.assertTrue(token)
        self.assertIn(token, mail.body_html)
        self.assertFalse(mail.mail_message_id.res_id)
        histories = self.task.sudo().message_ids | self.service.message_ids
        texts = [preview, *histories.mapped("body"), self.task.description]
        texts += [self.task.service_description, mail.body_html]
        for text in texts:
            self.assertNotIn("hunter2", text)
        for text in texts[:-1]:
            self.assertNotIn(token, text)
        with self.assertRaises(AccessError):
            self.service.with_user(self.manager).read(["portal_link_token"])

    def test_it_can_be_left_out(self):
        self.task.send_opening_mail = False
        self.task.action_close()
        self.assertFalse(self.sent())

    def test_without_an_address_the_service_is_set_up_and_both_histories_say_so(self):
        self.assertEqual(self.task.mail_recipient, '"Ms Customer" <customer@example.com>')
        self.customer.email = False
        self.assertFalse(self.task.mail_recipient)
        self.task.action_close()
        self.assertEqual((self.service.state, self.sent()), ("active", self.sent().browse()))
        for history in (self.service, self.task.sudo()):
            self.assertIn("has no e-mail address", history.message_ids[0].body)

    def test_without_a_template_nothing_empty_is_sent(self):
        self.env.ref("billing_operations.mail_template_service_opening").unlink()
        self.task.action_close()
        self.assertEqual((self.service.state, self.sent()), ("active", self.sent().browse()))
        self.assertIn("template is empty or was deleted", self.service.message_ids[0].body)

    @mute_logger(MAIL_LOGGER)
    def test_a_template_that_does_not_fit_the_service_stops_nobody(self):
        template = self.env.ref("billing_operations.mail_template_service_opening")
        # The check on saving tries the newest operation only.
        self.ask(self.order(name="birch.example"), "setup")
        bad = "{{ object.service_id.name.nope if 'alder' in object.service_id.name else 'ok' }}"
        for name in ("subject", "lang"):
            template.write({"subject": "Ready", "lang": False, name: bad})
            self.task.invalidate_recordset()
            self.assertIn("cannot be filled in for", self.task.mail_problem)
            with self.assertRaisesRegex(UserError, "on the tab Opening Mail, or untick it"):
                self.task.action_close()
        operation = self.operation.sudo()
        operation._send_opening_mail()
        self.assertIn("no opening mail was sent", self.service.message_ids[0].body)
        self.task.write({"mail_subject": "Mine", "mail_body": "<p>Mine</p>"})
        self.assertFalse(self.task.mail_problem)
        self.task.action_close()
        self.assertEqual((self.service.state, self.sent().subject), ("active", "Mine"))

    def test_it_speaks_the_customers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        template = self.env.ref("billing_operations.mail_template_service_opening")
        template.with_context(lang="fr_FR").subject = "{{ object.service_id.name }} est prêt"
        self.customer.lang = "fr_FR"
        self.task.action_close()
        self.assertEqual(self.sent().subject, "alder.example est prêt")

    def test_what_was_edited_can_be_forgotten(self):
        self.task.write({"mail_subject": "Mine", "mail_body": "<p>Mine</p>"})
        self.assertEqual(self.task.mail_body, "<p>Mine</p>")
        self.task.action_reset_mail()
        self.assertEqual(self.task.mail_subject, "alder.example is ready")
