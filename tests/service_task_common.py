"""Departments, their staff, and services whose operations they carry out."""

from datetime import date

from odoo.service.model import call_kw

from .common import ServiceCase

STAFF = "billing_operations.group_service_tasks"


class ServiceTaskCase(ServiceCase):
    """Hosting lies below Operations; Telephony stands beside. The default module is Hosting's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        departments = cls.env["hr.department"]
        values = {"company_id": cls.company.id}
        cls.operations = departments.create({"name": "Operations", **values})
        cls.hosting = departments.create(
            {"name": "Hosting", "parent_id": cls.operations.id, **values}
        )
        cls.telephony = departments.create({"name": "Telephony", **values})
        cls.member = cls.make_staff("member", cls.hosting)
        cls.colleague = cls.make_staff("colleague", cls.hosting)
        cls.boss = cls.make_staff("boss", cls.operations)
        cls.stranger = cls.make_staff("stranger", cls.telephony)
        cls.accountant = cls.make_user("accountant", "billing_operations.group_billing_user")
        cls.manager = cls.make_user("task_manager", "billing_operations.group_billing_manager")
        cls.module = cls.company.service_processing_module_id
        cls.module.department_id = cls.hosting
        cls.tariff.parameter_definition = [
            {"name": "domain", "type": "char", "string": "Domain"},
            {"name": "php", "type": "integer", "string": "PHP workers"},
        ]
        cls.customer.write({"email": "customer@example.com", "name": "Ms Customer"})

    @classmethod
    def make_staff(cls, login, department):
        """Return a user without billing rights who is an employee of the department."""
        user = cls.make_user(login, STAFF)
        user.email = f"{login}@example.com"
        cls.env["hr.employee"].create(
            {
                "name": login,
                "user_id": user.id,
                "department_id": department.id,
                "company_id": cls.company.id,
            }
        )
        return user

    @classmethod
    def make_webhook(cls, url="https://example.com/hook", **values):
        """Return a webhook module of Hosting and make the tariff use it."""
        module = cls.env["service.processing.module"].create(
            {
                "name": "Panel",
                "kind": "webhook",
                "url": url,
                "company_id": cls.company.id,
                "department_id": cls.hosting.id,
                **values,
            }
        )
        cls.tariff.processing_module_id = module
        return module

    def ask(self, service, operation_type, values=None, day=date(2026, 1, 1), **kwargs):
        """Ask for an operation as the accountant and return it."""
        service = service.with_user(self.accountant)
        operation = service.request_operation(operation_type, values, effective_date=day, **kwargs)
        return operation.sudo()

    def task_of(self, operation, user=None):
        """Return the service task of an operation, taken by `user` when one is given."""
        task = operation.service_task_id
        if user:
            task = task.with_user(user)
            task.action_assign_to_me()
        return task

    def close(self, operation, user=None):
        """Take and close an operation's task."""
        task = self.task_of(operation, user or self.member)
        task.action_close()
        return task

    def run_due(self):
        """Do what the hourly scheduled action does, without its commits."""
        operations = self.env["service.operation"]
        operations._start_due(operations._due_services())
        operations._hand_over_unanswered()
        operations._hand_over_abandoned()

    def rpc(self, user, record, method, *args, **kwargs):
        """Call a method as a client would."""
        return call_kw(record.with_user(user).browse(), method, [record.ids, *args], kwargs)
