from odoo import api, fields, models
from odoo.exceptions import UserError


class HrDepartment(models.Model):
    _name = "hr.department"
    _inherit = ["hr.department", "billing.used.mixin"]

    resource_calendar_id = fields.Many2one(
        "resource.calendar",
        string="Working Hours",
        check_company=True,
        help="Deadlines of service tasks are counted in these hours. Empty: the company's.",
    )
    service_task_lang = fields.Selection(
        "_get_installed_languages",
        string="Language of Service Tasks",
        help="Descriptions are written in it. Empty: the manager's language, else the company's.",
    )

    def write(self, vals):
        if "active" in vals and not vals["active"]:
            self.filtered("active")._check_not_responsible()
        return super().write(vals)

    def _check_not_responsible(self):
        """Refuse to archive departments to which processing modules send their service tasks."""
        modules = (
            self.env["service.processing.module"].sudo().search([("department_id", "in", self.ids)])
        )
        if modules:
            raise UserError(
                self.env._(
                    "%(departments)s cannot be archived: the service tasks of these processing "
                    "modules go there: %(modules)s. Choose another responsible department for "
                    "them first.",
                    departments=", ".join(modules.department_id.mapped("display_name")),
                    modules=", ".join(modules.mapped("display_name")),
                )
            )

    @api.model
    def _get_installed_languages(self):
        return self.env["res.lang"].get_installed()

    def _service_task_lang(self, company) -> str:
        """Return the language in which tasks of this department (or of none) are described."""
        department = self.sudo()
        installed = dict(self._get_installed_languages())
        wished = (
            department.service_task_lang,
            department._responsible_user().lang,
            company.sudo().partner_id.lang,
        )
        return next((lang for lang in wished if lang in installed), "en_US")

    def _responsible_user(self, condition=lambda user: True):
        """Return the user of the manager of this department, else of the one above, and so on.

        :param condition: what the user must fulfil to count.
        """
        department = self.sudo()
        while department:
            user = department.manager_id.user_id
            if user.active and department.manager_id.active and condition(user):
                return user
            department = department.parent_id
        return self.env["res.users"]

    def _member_users(self):
        """Return the active users who are members of these departments."""
        employees = self.env["hr.employee"].sudo().search([("department_id", "in", self.ids)])
        return employees.user_id.filtered("active")

    @api.model
    def _served_departments(self, company):
        """Return the departments of a company whose service tasks somebody can open: members with
        the right to, of the department or of one above it."""
        staff = self.env.ref("billing_operations.group_service_tasks").sudo().all_user_ids
        staff = staff.filtered(lambda user: user.active and company in user.company_ids)
        employees = self.env["hr.employee"].sudo().search([("user_id", "in", staff.ids)])
        return self.sudo().search(
            [
                ("id", "child_of", employees.department_id.ids),
                ("company_id", "in", (False, company.id)),
            ]
        )

    def _unserved_text(self):
        """Return that nobody can open the service tasks of this department, and what to do."""
        self.ensure_one()
        return self.env._(
            "Nobody in %s may open service tasks. Give its members the right Service Tasks in"
            " Settings → Users, or choose another department.",
            self.sudo().display_name,
        )
