from odoo import models


class BillingCharge(models.Model):
    _inherit = "billing.charge"

    # The start page adds up what is unbilled: the index alone answers it.
    _unbilled_idx = models.Index("(company_id, currency_id) INCLUDE (amount) WHERE state = 'rated'")
