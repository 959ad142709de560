"""What the screens of service tasks begin with, offer and say."""

from odoo.tests import tagged

from .service_task_common import ServiceTaskCase


@tagged("post_install", "-at_install")
class TestServiceTaskList(ServiceTaskCase):
    def test_the_list_begins_with_ones_departments_tasks(self):
        action = self.env.ref("billing_operations.service_task_list_action")
        for user in (self.member, self.boss):
            shown = action.with_user(user).run()
            self.assertIn("search_default_department", shown["context"])
            self.assertNotIn("search_default_open", shown["context"])

    def test_a_manager_of_no_department_begins_with_all_open_tasks(self):
        action = self.env.ref("billing_operations.service_task_list_action")
        shown = action.with_user(self.manager).run()
        self.assertEqual(shown["context"], {"search_default_open": 1})
        self.assertEqual(shown["res_model"], "service.task")
        self.env["hr.employee"].create(
            {
                "name": "Manager",
                "user_id": self.manager.id,
                "department_id": self.operations.id,
                "company_id": self.company.id,
            }
        )
        shown = action.with_user(self.manager).run()
        self.assertIn("search_default_department", shown["context"])

    def test_the_menu_opens_that_list(self):
        menu = self.env.ref("billing_operations.menu_service_task")
        self.assertEqual(menu.action, self.env.ref("billing_operations.service_task_list_action"))
