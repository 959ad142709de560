from odoo import api, fields, models
from odoo.fields import Command


class BillingTaskPriority(models.TransientModel):
    """The dialog in which a billing manager gives waiting tasks another priority."""

    _name = "billing.task.priority"
    _description = "Change Priority of Billing Tasks"

    task_ids = fields.Many2many(
        "billing.task", string="Billing Tasks", required=True, readonly=True
    )
    priority = fields.Integer(required=True, help="The lowest number runs first.")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        tasks = self.env["billing.task"].browse(self.env.context.get("active_ids", []))
        return {
            **values,
            "task_ids": [Command.set(tasks.ids)],
            "priority": min(tasks.mapped("priority"), default=0),
        }

    def action_apply(self):
        """Set the priority; the tasks check the right to it."""
        self.ensure_one()
        self.task_ids.action_set_priority(self.priority)
        return {"type": "ir.actions.act_window_close"}
