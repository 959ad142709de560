from odoo import fields, models
from odoo.fields import Domain


class BillingTaskMixin(models.AbstractModel):
    """A smart button to the billing tasks of a record, for the models of all floors.

    In the form: ``<field name="billing_task_count"/>`` inside a button that calls
    ``action_open_billing_tasks``, for members of *Billing Tasks*; others count none.
    """

    _name = "billing.task.mixin"
    _description = "Has billing tasks"

    billing_task_count = fields.Integer(
        string="Billing Tasks", compute="_compute_billing_task_count", compute_sudo=False
    )

    def _billing_task_domain(self):
        """Return the domain of the tasks of these records: by default those that are for them."""
        return Domain("res_model", "=", self._name) & Domain("res_id", "in", self.ids)

    def _compute_billing_task_count(self):
        tasks = self.env["billing.task"]
        allowed = tasks.has_access("read")
        for record in self:
            record.billing_task_count = (
                tasks.search_count(record._billing_task_domain()) if allowed and record.ids else 0
            )

    def action_open_billing_tasks(self):
        """Open the tasks of this record."""
        self.env["billing.task"].check_access("read")
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_task"
        )
        return {
            **action,
            "domain": list(self._billing_task_domain()),
            "context": {},
            "display_name": self.env._("Billing Tasks: %s", self.display_name),
        }
