from odoo import fields, models
from odoo.exceptions import ValidationError


class CdrRatePlanUserMixin(models.AbstractModel):
    """What has rate plans for calls: a tariff, and a service that has its own."""

    _name = "cdr.rate.plan.user.mixin"
    _description = "Has rate plans"

    rate_plan_id = fields.Many2one(
        "cdr.rate.plan",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        domain="[('direction', 'in', ('out', 'both')), ('currency_id', '=', currency_id)]",
    )
    incoming_rate_plan_id = fields.Many2one(
        "cdr.rate.plan",
        string="Plan for Incoming Calls",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        domain="[('direction', 'in', ('in', 'both')), ('currency_id', '=', currency_id)]",
        help="Empty: the rate plan, where it is for both directions.",
    )

    def _check_rate_plans(self):
        """Refuse a plan in another currency, or of the wrong direction."""
        for record in self:
            plans = record.rate_plan_id | record.incoming_rate_plan_id
            for plan in plans.filtered(lambda p, r=record: p.currency_id != r.currency_id):
                raise ValidationError(
                    self.env._(
                        "%(record)s is billed in %(currency)s, but the rates of plan %(plan)s are "
                        "in %(plan_currency)s. Choose a plan in %(currency)s.",
                        record=record.display_name,
                        currency=record.currency_id.name,
                        plan=plan.display_name,
                        plan_currency=plan.currency_id.name,
                    )
                )
            if record.rate_plan_id.direction == "in":
                raise ValidationError(
                    self.env._(
                        "Plan %(plan)s is for incoming calls. Choose it as the plan for incoming "
                        "calls of %(record)s.",
                        plan=record.rate_plan_id.display_name,
                        record=record.display_name,
                    )
                )
            if record.incoming_rate_plan_id.direction == "out":
                raise ValidationError(
                    self.env._(
                        "Plan %(plan)s is for outgoing calls and cannot be the plan for incoming "
                        "calls of %(record)s.",
                        plan=record.incoming_rate_plan_id.display_name,
                        record=record.display_name,
                    )
                )
