from odoo import models


class BillingService(models.Model):
    _name = "billing.service"
    _inherit = ["billing.service", "billing.run.counted.mixin"]
