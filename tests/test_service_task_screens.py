"""What the screens of service tasks begin with, offer and say."""

from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .service_task_common import ServiceTaskCase


@tagged("post_install", "-at_install")
class TestServiceTaskList(ServiceTaskCase):
    def test_the_list_begins_with_ones_departments_tasks(self):
        action = self.env.ref("billing_operations.service_task_list_action")
        for user in (self.member, self.boss):
            shown = action.with_user(user).run()
            self.assertIn("search_default_department", shown["context"])
            self.assertNotIn("search_default_open", shown["context"])

    def test_a_manager_whose_departments_have_nothing_to_do_begins_with_all_open_tasks(self):
        action = self.env.ref("billing_operations.service_task_list_action")
        self.ask(self.order(), "setup")
        shown = action.with_user(self.manager).run()
        self.assertEqual(shown["context"], {"search_default_open": 1})
        self.assertEqual(shown["res_model"], "service.task")
        employee = self.env["hr.employee"].create(
            {
                "name": "Manager",
                "user_id": self.manager.id,
                "department_id": self.telephony.id,
                "company_id": self.company.id,
            }
        )
        shown = action.with_user(self.manager).run()
        self.assertEqual(shown["context"], {"search_default_open": 1})
        employee.department_id = self.operations
        shown = action.with_user(self.manager).run()
        self.assertIn("search_default_department", shown["context"])

    def test_the_menu_opens_that_list(self):
        menu = self.env.ref("billing_operations.menu_service_task")
        self.assertEqual(menu.action, self.env.ref("billing_operations.service_task_list_action"))


@tagged("post_install", "-at_install")
class TestPassingOn(ServiceTaskCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accounts = cls.hosting.create({"name": "Accounts", "company_id": cls.company.id})
        cls.unable = cls.make_staff("unable", cls.accounts)
        cls.unable.group_ids -= cls.env.ref("billing_operations.group_service_tasks")
        cls.administrator = cls.make_user(
            "task_admin", "billing_operations.group_billing_administrator,base.group_erp_manager"
        )
        cls.right = "billing_operations.group_service_tasks"

    def dialog(self, user):
        task = self.ask(self.order(), "setup").service_task_id
        dialog = self.env["service.task.dialog"].with_user(user)
        return dialog.create({"task_id": task.id, "mode": "transfer"})

    def test_only_departments_where_somebody_can_open_the_task_are_offered(self):
        for user in (self.member, self.manager):
            offered = self.dialog(user).offered_department_ids
            self.assertLessEqual(self.operations | self.hosting | self.telephony, offered)
            self.assertNotIn(self.accounts, offered)

    def test_who_gives_rights_gives_this_one_with_one_click(self):
        dialog = self.dialog(self.administrator)
        self.assertIn(self.accounts, dialog.offered_department_ids)
        with Form(dialog) as form:
            form.department_id = self.accounts
        self.assertEqual(dialog.lacking_user_ids, self.unable)
        dialog.action_grant()
        self.assertTrue(self.unable.has_group(self.right))
        task = dialog.task_id.sudo()
        self.assertEqual(task.department_id, self.accounts)
        self.close(task.operation_id, self.unable)

    def test_nobody_else_gives_it(self):
        dialog = self.dialog(self.manager)
        dialog.department_id = self.accounts
        self.assertFalse(dialog.lacking_user_ids)
        with self.assertRaisesRegex(Exception, "Nobody in Accounts may open service tasks"):
            dialog.action_grant()
        self.assertFalse(self.unable.has_group(self.right))
        with self.assertRaises(AccessError):
            self.unable.with_user(self.manager).write({"name": "x"})

    def test_a_module_says_that_nobody_would_see_its_tasks(self):
        self.assertFalse(self.module.department_problem)
        self.module.department_id = self.accounts
        self.assertIn("Nobody in Accounts", self.module.department_problem)
        self.unable.group_ids += self.env.ref(self.right)
        self.module.invalidate_recordset()
        self.assertFalse(self.module.department_problem)
