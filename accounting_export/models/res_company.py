from odoo import fields, models


class ResCompany(models.Model):
    """What the company wants to be told about its accounting software."""

    _inherit = "res.company"

    billing_accounting_stale_days = fields.Integer(
        string="Days without Payments from Accounting",
        default=3,
        help="Next Steps warns when payments were not fetched from the accounting software for longer.",
    )

    _accounting_stale_days_in_range = models.Constraint(
        "CHECK(billing_accounting_stale_days BETWEEN 1 AND 365)",
        "Days without payments from accounting are 1 to 365.",
    )
