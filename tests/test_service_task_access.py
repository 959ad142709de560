"""Who sees service tasks and the passwords behind them, also after people move."""

from datetime import date

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .service_task_common import ServiceTaskCase


@tagged("post_install", "-at_install")
class TestServiceTaskAccess(ServiceTaskCase):
    def setUp(self):
        super().setUp()
        self.service = self.order()
        self.operation = self.ask(self.service, "setup")
        self.task = self.operation.service_task_id
        self.secret = self.env["billing.service.secret"].create(
            {"service_id": self.service.id, "name": "root", "value": "hunter2"}
        )

    def sees(self, user, record=None):
        record = self.task if record is None else record
        return bool(record.with_user(user).search([("id", "=", record.id)]))

    def test_members_those_above_and_managers_see_a_task_and_nobody_else(self):
        for user, expected in (
            (self.member, True),
            (self.boss, True),
            (self.manager, True),
            (self.stranger, False),
            (self.accountant, False),
        ):
            if user == self.accountant:
                with self.assertRaises(AccessError):
                    self.sees(user)
            else:
                self.assertEqual(self.sees(user), expected, user.login)

    def test_a_department_below_does_not_see_the_one_above(self):
        self.task.with_user(self.boss).action_transfer(self.operations.id)
        self.assertFalse(self.sees(self.member))
        self.assertTrue(self.sees(self.boss))

    def test_an_employee_who_changes_department_sees_right_at_once(self):
        self.assertTrue(self.sees(self.member))
        self.assertFalse(self.sees(self.stranger))
        self.member.employee_ids.department_id = self.telephony
        self.stranger.employee_ids.department_id = self.hosting
        self.assertFalse(self.sees(self.member))
        self.assertTrue(self.sees(self.stranger))
        self.stranger.employee_ids.active = False
        self.assertFalse(self.sees(self.stranger))

    def test_an_assignee_keeps_sight_of_his_task(self):
        self.task.with_user(self.member).action_assign_to_me()
        self.member.employee_ids.department_id = self.telephony
        self.assertTrue(self.sees(self.member))
        self.task.with_user(self.member).action_close()

    def test_the_filter_and_the_flag_agree(self):
        tasks = self.env["service.task"].with_user(self.boss)
        found = tasks.search([("in_my_departments", "=", True)])
        self.assertIn(self.task, found.sudo())
        self.assertEqual(set(found.mapped("in_my_departments")), {True})
        self.assertNotIn(self.task, tasks.search([("in_my_departments", "!=", True)]).sudo())

    def test_staff_read_the_whole_form_without_any_billing_rights(self):
        task = self.task.with_user(self.member)
        task.action_assign_to_me()
        names = [name for name, field in task._fields.items() if not field.groups]
        row = task.web_read({name: {} for name in names})[0]
        self.assertIn("30.00", row["money_effect"])
        for model in ("billing.service", "billing.tariff", "billing.charge", "service.operation"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.member).search([])

    def test_passwords_are_for_the_assignee_while_he_works_and_for_managers(self):
        secrets = self.env["billing.service.secret"]
        for user in (self.member, self.boss, self.stranger):
            self.assertFalse(self.sees(user, self.secret))
            with self.assertRaises(AccessError):
                self.secret.with_user(user).read(["value"])
        with self.assertRaises(AccessError):
            self.secret.with_user(self.accountant).read(["value"])
        task = self.task.with_user(self.member)
        task.action_assign_to_me()
        self.assertEqual(task.secret_ids.value, "hunter2")
        self.assertFalse(self.task.with_user(self.colleague).secret_ids)
        self.assertFalse(self.sees(self.colleague, self.secret))
        self.assertEqual(self.secret.with_user(self.manager).value, "hunter2")
        action = task.action_open_secrets()
        added = secrets.with_user(self.member).with_context(**action["context"])
        added.create({"name": "mysql", "value": "s3cret"})
        self.assertEqual(len(secrets.with_user(self.member).search(action["domain"])), 2)
        other = self.active()
        with self.assertRaises(AccessError):
            secrets.with_user(self.member).create({"service_id": other.id, "name": "mine"})
        with self.assertRaises(UserError):
            self.secret.with_user(self.member).service_id = other
        task.action_close()
        self.assertFalse(self.sees(self.member, self.secret))

    def test_passwords_are_not_found_out_by_searching_exporting_or_logging(self):
        for user, model, path in (
            (self.member, "service.task", "service_id.secret_ids.value"),
            (self.accountant, "billing.service", "secret_ids.value"),
            (self.accountant, "service.operation", "service_id.secret_ids.value"),
            (self.manager, "billing.service", "portal_link_token"),
            (self.manager, "service.processing.module", "secret_key"),
        ):
            records = self.env[model].with_user(user)
            with self.assertRaises(AccessError, msg=path):
                records.search([(path, "=like", "h%")])
        with self.assertRaises(ValueError):
            self.task.with_user(self.member).search([("secret_ids.value", "=like", "h%")])
        self.assertFalse(self.secret._fields["value"].exportable)
        self.assertNotIn("hunter2", str(self.service.with_user(self.manager).copy_data()))
        with (
            self.assertLogs("odoo.sql_db", "ERROR") as logs,
            self.assertRaises(IntegrityError),
            self.cr.savepoint(),
        ):
            values = {"service_id": self.service.id, "name": "root", "value": "s3cret"}
            self.secret.create([{**values, "name": "other"}, values])
        self.assertNotIn("s3cret", str(logs.output))
        self.secret.write({"name": "admin", "value": "new"})
        self.env.invalidate_all()
        self.assertEqual((self.secret.name, self.secret.value), ("admin", "new"))

    def test_a_dialog_tells_nothing_of_a_task_out_of_sight(self):
        values = {"task_id": self.task.id, "mode": "hand_over"}
        dialogs = self.env["service.task.dialog"]
        self.assertTrue(dialogs.with_user(self.member).create(values).candidate_ids)
        self.assertFalse(dialogs.with_user(self.stranger).create(values).candidate_ids)

    def test_settings_of_a_tariff_are_not_redefined_from_a_task(self):
        task = self.task.with_user(self.member)
        task.action_assign_to_me()
        rows = task.read(["parameters"])[0]["parameters"]
        rows[0]["definition_changed"] = True
        with self.assertRaises(AccessError):
            self.rpc(self.member, self.task, "write", {"parameters": rows})

    def test_tasks_of_another_company_are_out_of_sight_even_for_managers(self):
        sister = self.make_company("Sister")
        manager = self.make_user("sister", "billing_operations.group_billing_manager", sister)
        task = self.task.with_user(manager).with_context(allowed_company_ids=sister.ids)
        self.assertFalse(task.search([("id", "=", task.id)]))

    def test_buttons_answer_over_xml_rpc_which_knows_no_none(self):
        calls = (
            (self.task, "action_assign_to_me", ()),
            (self.task, "action_reset_mail", ()),
            (self.task, "action_hand_over", (self.colleague.id,)),
        )
        for record, method, arguments in calls:
            self.assertIs(self.rpc(self.member, record, method, *arguments), True, method)
        operation = self.task.sudo().operation_id
        self.assertIs(self.rpc(self.accountant, operation, "action_cancel"), True)
        service = self.task.sudo().service_id
        self.assertIs(self.rpc(self.accountant, service, "action_activate"), True)

    def test_a_task_cannot_be_forged_over_rpc(self):
        for method, arguments in (
            ("write", [{"state": "done"}]),
            ("write", [{"department_id": self.telephony.id}]),
            ("unlink", []),
            ("copy", []),
            ("_close", []),
            ("_set_state", ["done"]),
        ):
            for user in (self.member, self.stranger):
                with self.subTest(method=method), self.assertRaises(UserError):
                    self.rpc(user, self.task, method, *arguments)
        for method in ("action_assign_to_me", "action_close"):
            with self.assertRaises(AccessError):
                self.rpc(self.stranger, self.task, method)
        with self.assertRaises(AccessError):
            self.env["service.task"].with_user(self.manager).create({"number": "1"})
        self.assertEqual(self.task.state, "new")

    def test_department_staff_see_the_start_page_their_tasks_and_nothing_else_of_billing(self):
        menus = self.env["ir.ui.menu"].with_user(self.member)
        visible = menus.browse(menus._visible_menu_ids())
        root = self.env.ref("billing_operations.menu_billing_root")
        names = {
            menu.get_external_id()[menu.id]
            for menu in visible.sudo()
            if menu.parent_path.startswith(root.parent_path)
        }
        self.assertEqual(
            names,
            {
                f"billing_operations.{name}"
                for name in (
                    "menu_billing_root",
                    "menu_billing_start",
                    "menu_tasks",
                    "menu_service_task",
                )
            },
        )

    def test_customers_and_services_count_what_one_may_see(self):
        self.assertEqual(self.customer.with_user(self.member).service_task_count, 1)
        self.assertEqual(self.customer.with_user(self.stranger).service_task_count, 0)
        self.assertEqual(self.service.with_user(self.manager).service_task_count, 1)
        self.assertEqual(self.service.with_user(self.accountant).operation_count, 1)
        action = self.customer.with_user(self.member).action_open_service_tasks()
        self.assertEqual(self.task.search(action["domain"]), self.task)
        for record in (self.service, self.customer):
            action = record.with_user(self.manager).action_open_service_tasks()
            self.assertEqual(action["res_model"], "service.task")
        self.assertEqual(date(2026, 1, 1), self.operation.effective_date)
