from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class ServiceTaskDialog(models.TransientModel):
    """Asks for the colleague, the department or the reason, and does it with the task's own
    methods, which check everything again."""

    _name = "service.task.dialog"
    _description = "Hand Over, Pass On or Cancel a Service Task"

    task_id = fields.Many2one("service.task", required=True, readonly=True)
    mode = fields.Selection(
        [("hand_over", "Hand Over"), ("transfer", "Pass On"), ("cancel", "Cancel")], required=True
    )
    candidate_ids = fields.Many2many("res.users", compute="_compute_candidate_ids")
    user_id = fields.Many2one(
        "res.users", string="Colleague", domain="[('id', 'in', candidate_ids)]"
    )
    company_id = fields.Many2one(related="task_id.company_id")
    offered_department_ids = fields.Many2many(
        "hr.department", compute="_compute_offered_department_ids"
    )
    department_id = fields.Many2one(
        "hr.department", domain="[('id', 'in', offered_department_ids)]"
    )
    lacking_user_ids = fields.Many2many(
        "res.users",
        string="Without the Right",
        compute="_compute_lacking_user_ids",
        help="The members of the department, none of whom may open service tasks.",
    )
    reason = fields.Char()

    @api.depends("task_id")
    def _compute_candidate_ids(self):
        for dialog in self:
            # Who works in a department is told to those who may see its tasks.
            task = dialog.task_id._filtered_access("read")
            dialog.candidate_ids = task._candidates() if task else False

    @api.depends("task_id")
    @api.depends_context("uid")
    def _compute_offered_department_ids(self):
        """Departments where somebody can open the task; all, for who may give the right."""
        departments = self.env["hr.department"]
        for dialog in self:
            company = dialog.task_id._filtered_access("read").company_id
            served = departments._served_departments(company)
            if self._may_grant():
                served |= departments.search([("company_id", "in", (False, company.id))])
            dialog.offered_department_ids = served.with_env(self.env)

    @api.depends("task_id", "department_id")
    @api.depends_context("uid")
    def _compute_lacking_user_ids(self):
        may_grant = self._may_grant()
        for dialog in self:
            department = dialog.department_id
            company = dialog.task_id._filtered_access("read").company_id
            lacks = department and department not in department._served_departments(company)
            users = department._member_users() if may_grant and lacks else self.env["res.users"]
            dialog.lacking_user_ids = users.filtered(lambda u, c=company: c in u.company_ids)

    @api.model
    def _may_grant(self):
        """Return whether the user may give others rights, in Settings too."""
        return self.env.user.has_group("base.group_erp_manager")

    def action_grant(self):
        """Give the members of the department the right to open service tasks, and pass the task
        on. With the user's own rights: who may not give rights is refused."""
        self.ensure_one()
        group = self.env.ref("billing_operations.group_service_tasks")
        self.lacking_user_ids.write({"group_ids": [Command.link(group.id)]})
        return self.action_apply()

    def action_apply(self):
        """Do what the dialog is for."""
        self.ensure_one()
        task = self.task_id
        if self.mode == "hand_over":
            if not self.user_id:
                raise UserError(self.env._("Choose a colleague."))
            task.action_hand_over(self.user_id.id)
        elif self.mode == "transfer":
            if not self.department_id:
                raise UserError(self.env._("Choose a department."))
            return task.action_transfer(self.department_id.id)
        else:
            task.action_cancel(self.reason)
        return {"type": "ir.actions.act_window_close"}
