from odoo import fields, models


class ResCompany(models.Model):
    """Whether customers have their wallets topped up by card without asking anybody."""

    _inherit = "res.company"

    billing_top_up_portal = fields.Boolean(
        string="Top-Up by Card in the Portal",
        help="Customers switch it on and off for their own wallets, and choose the amounts.",
    )
    billing_top_up_most = fields.Monetary(
        string="At Most a Month",
        default=200.0,
        help="The largest monthly ceiling that customers can choose, in the company's currency.",
    )

    _top_up_most_positive = models.Constraint(
        "CHECK(billing_top_up_portal IS NOT TRUE OR COALESCE(billing_top_up_most, 0) > 0)",
        "Say how much a month customers can have topped up by card at most.",
    )
