from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    service_task_count = fields.Integer(
        string="Open Service Tasks",
        compute="_compute_service_task_count",
        groups="billing_operations.group_service_tasks",
    )

    @api.depends_context("uid")
    def _compute_service_task_count(self):
        counts = dict(
            self.env["service.task"]._read_group(
                [("partner_id", "in", self.ids), ("state", "in", ("new", "in_progress"))],
                ["partner_id"],
                ["__count"],
            )
        )
        for partner in self:
            partner.service_task_count = counts.get(partner._origin, 0)

    def action_open_service_tasks(self):
        """Open the customer's open service tasks."""
        self.check_access("read")
        self.env["service.task"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.service_task_action"
        )
        return action | {
            "domain": [("partner_id", "in", self.ids)],
            "context": {"search_default_open": 1},
        }
