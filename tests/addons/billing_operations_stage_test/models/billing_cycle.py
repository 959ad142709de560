from odoo import fields, models


class BillingCycle(models.Model):
    """A type of runs of which nothing is posted."""

    _inherit = "billing.cycle"

    run_type = fields.Selection(
        selection_add=[("prepaid", "Prepaid")], ondelete={"prepaid": "set default"}
    )
