from odoo import api, fields, models
from odoo.exceptions import UserError


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
    department_id = fields.Many2one(
        "hr.department", domain="[('company_id', 'in', (False, company_id))]"
    )
    reason = fields.Char()

    @api.depends("task_id")
    def _compute_candidate_ids(self):
        for dialog in self:
            # Who works in a department is told to those who may see its tasks.
            task = dialog.task_id._filtered_access("read")
            dialog.candidate_ids = task._candidates() if task else False

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
