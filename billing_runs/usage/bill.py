from odoo import models
from odoo.fields import Domain


class BillingBill(models.Model):
    """The usage of the customers of bills."""

    _inherit = "billing.bill"

    def _rate_usage(self):
        """Make charges of the rated calls of the bills' customers; return the new ones."""
        if not self:
            return self.env["billing.charge"]
        run = self.run_id
        run.ensure_one()
        return run._charge_usage(Domain("partner_id", "in", self.partner_id.ids))
