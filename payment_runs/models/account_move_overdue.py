from odoo import models
from odoo.fields import Domain


class AccountMove(models.Model):
    """Paying an invoice brings services back that were suspended because of it."""

    _inherit = "account.move"

    def _invoice_paid_hook(self):
        result = super()._invoice_paid_hook()
        if self:
            self._bring_services_back()
        return result

    def _bring_services_back(self):
        """Have it looked at, in the background, whether services can come back."""
        notices = self.env["billing.overdue.notice"].sudo()
        found = notices.search(
            notices._suspending_domain() & Domain("line_ids.move_id", "in", self.ids)
        )
        for company, some in found.grouped("company_id").items():
            notices.with_company(company)._enqueue_resume(company, some.partner_id)
