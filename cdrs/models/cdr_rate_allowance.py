from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command


class CdrRateAllowance(models.Model):
    """Minutes that a plan includes each calendar month, for some of its rate classes.

    Calls use them up in the order of time when they are charged. One call can be partly included:
    then the same part of its amount is owed. A shared allowance is one pool for all services
    of a customer with this plan, whatever their number; else each service has its own. Each
    rate class draws on one allowance of a plan at most.
    """

    _name = "cdr.rate.allowance"
    _description = "Included Minutes"
    _order = "plan_id, id"
    _check_company_auto = True

    plan_id = fields.Many2one(
        "cdr.rate.plan", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="plan_id.company_id", store=True, precompute=True, required=True, index=True
    )
    name = fields.Char(required=True)
    minutes = fields.Integer(required=True)
    class_ids = fields.Many2many(
        "cdr.rate.class",
        "cdr_rate_allowance_class_rel",
        "allowance_id",
        "class_id",
        string="Rate Classes",
        check_company=True,
        # None left would mean all: a class that is named stays.
        ondelete="restrict",
        context={"active_test": False},
        help="Empty: every class that no other allowance of the plan names.",
    )
    shared = fields.Boolean(
        string="Shared by the Customer's Services",
        help="One pool for all services of a customer with this plan.",
    )

    _minutes_positive = models.Constraint(
        "CHECK(minutes > 0)", "An allowance includes at least one minute."
    )

    @api.constrains("class_ids", "plan_id")
    def _check_classes_once(self):
        for plan in self.plan_id:
            taken = self.env["cdr.rate.class"]
            rest = plan.allowance_ids.filtered(lambda allowance: not allowance.class_ids)
            for allowance in plan.allowance_ids:
                if twice := taken & allowance.class_ids:
                    raise ValidationError(
                        self.env._(
                            "Rate plan %(plan)s includes minutes of class %(name)s twice. Name a "
                            "class in one allowance.",
                            plan=plan.display_name,
                            name=twice[0].display_name,
                        )
                    )
                taken |= allowance.class_ids
            if len(rest) > 1:
                raise ValidationError(
                    self.env._(
                        "Rate plan %s has two allowances without rate classes. Name the classes "
                        "of one.",
                        plan.display_name,
                    )
                )

    def copy_data(self, default=None):
        return [
            vals | {"class_ids": [Command.set(allowance.class_ids.ids)]}
            for allowance, vals in zip(self, super().copy_data(default), strict=True)
        ]
