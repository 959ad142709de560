from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import float_compare

from ...services.addon_limits import is_within


class ServiceTaskAddon(models.Model):
    """One add-on of a service task: what the service is to have, within the tariff's limits.

    A copy of what the tariff says, so that department staff need no rights on tariffs. Edited by
    the assignee, and only while a change task is open.
    """

    _name = "service.task.addon"
    _description = "Service Task Add-on"
    _order = "task_id, id"
    _check_company_auto = True

    task_id = fields.Many2one(
        "service.task", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="task_id.company_id", store=True, precompute=True, required=True, index=True
    )
    addon_id = fields.Many2one(
        "billing.tariff.addon", required=True, readonly=True, ondelete="cascade"
    )
    name = fields.Char(string="Add-on", required=True, readonly=True)
    allowed = fields.Char(compute="_compute_allowed", help="How many the tariff takes.")
    present = fields.Float(
        string="Now", digits="Product Unit", readonly=True, help="What the service has now."
    )
    quantity = fields.Float(
        string="To Be", digits="Product Unit", help="What the service has after the task."
    )
    included = fields.Float(digits="Product Unit", readonly=True)
    minimum = fields.Float(digits="Product Unit", readonly=True)
    maximum = fields.Float(digits="Product Unit", readonly=True, help="0 means no limit.")

    _addon_once = models.UniqueIndex(
        "(task_id, addon_id)", "The task already has a line for this add-on."
    )

    @api.depends("minimum", "maximum")
    def _compute_allowed(self):
        for line in self:
            if line.maximum:
                line.allowed = self.env._(
                    "%(minimum)g to %(maximum)g", minimum=line.minimum, maximum=line.maximum
                )
            elif line.minimum:
                line.allowed = self.env._("%g or more", line.minimum)
            else:
                line.allowed = self.env._("any number")

    @api.constrains("quantity")
    def _check_quantity(self):
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        for line in self:
            if not float_compare(line.quantity, line.present, precision_digits=digits):
                # What the service has already stays, whatever the tariff says meanwhile.
                continue
            # 0 takes the add-on off.
            minimum = line.minimum if line.quantity > 0 else 0.0
            if not is_within(line.quantity, minimum, line.maximum, digits):
                raise ValidationError(
                    self.env._(
                        "%(addon)s: the tariff allows %(allowed)s, not %(quantity)g.",
                        addon=line.name,
                        allowed=line.allowed,
                        quantity=line.quantity,
                    )
                )

    def write(self, vals):
        self.check_access("write")
        self.task_id._check_editable()
        if set(vals) - {"quantity"}:
            raise UserError(self.env._("Only the amount of an add-on can be changed."))
        if wrong := self.task_id.filtered(lambda task: task.type != "change"):
            raise UserError(
                self.env._(
                    "Add-ons are changed on change tasks only; %s is not one.",
                    wrong[0].display_name,
                )
            )
        return super().write(vals)
