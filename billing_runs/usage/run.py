from odoo import models
from odoo.fields import Domain


class BillingRun(models.Model):
    """The usage that a run takes."""

    _inherit = "billing.run"

    def _usage_domain(self):
        """Return the domain of the calls that the run may charge, of any customer."""
        return self._usage_due_domain() & Domain("service_id", "any", self._service_selection())

    def _usage_due_domain(self):
        """Return the domain of the calls that are due by the run's cutoff, of any service."""
        self.ensure_one()
        days = self.env["cdr.open.day"].sudo()._domain(self.company_id, self.cutoff_date)
        return Domain("state", "=", "rated") & days
