from odoo import api, fields, models


class BillingTariff(models.Model):
    """What calls of the tariff's services cost: a rate plan for each direction."""

    _name = "billing.tariff"
    _inherit = ["billing.tariff", "cdr.rate.plan.user.mixin"]
    _description = "Tariff Plan"

    rate_plan_id = fields.Many2one(
        help="What calls of the services cost. Empty: their calls cannot be rated.",
    )

    @api.constrains("rate_plan_id", "incoming_rate_plan_id", "currency_id")
    def _check_rate_plan(self):
        self._check_rate_plans()
