from odoo import api, fields, models


class BillingService(models.Model):
    """A rate plan agreed with this customer, in the place of the tariff's."""

    _name = "billing.service"
    _inherit = ["billing.service", "cdr.rate.plan.user.mixin"]
    _description = "Service"

    rate_plan_id = fields.Many2one(
        string="Own Rate Plan",
        tracking=True,
        help="What the calls of this service cost. Empty: what the tariff says. It counts for all "
        "calls that are rated from now on.",
    )
    incoming_rate_plan_id = fields.Many2one(string="Own Plan for Incoming Calls", tracking=True)

    @api.constrains("rate_plan_id", "incoming_rate_plan_id", "currency_id")
    def _check_rate_plan(self):
        self._check_rate_plans()
