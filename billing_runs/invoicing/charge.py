from odoo import fields, models


class BillingCharge(models.Model):
    """What charges come to on their documents."""

    _inherit = "billing.charge"

    document_amount = fields.Monetary(
        "On the Invoice",
        readonly=True,
        copy=False,
        help="What the invoice line must come to where the customer's fiscal position replaced a"
        " tax that the price includes. Empty: the charge's amount.",
    )
