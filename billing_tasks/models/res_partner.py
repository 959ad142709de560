from odoo import models
from odoo.fields import Domain


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "billing.task.mixin"]

    def _billing_task_domain(self):
        return Domain("partner_id", "in", self.ids)
