import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..target import after_open_days

_logger = logging.getLogger(__name__)


class BillingPaymentRun(models.Model):
    """Collecting by itself: each day a run for what is due by the first day that is possible, and
    the submission of such runs in time for the bank."""

    _inherit = "billing.payment.run"

    is_automatic = fields.Boolean(string="By Itself", readonly=True, copy=False)

    @api.model
    def _cron_collect(self):
        """Prepare and submit the runs of the companies that collect by themselves. What one
        company lacks is said on its run, and stops no other."""
        companies = self.env["res.company"].search([("billing_collect_automatically", "=", True)])
        for company in companies:
            runs = self.with_company(company).with_context(allowed_company_ids=company.ids)
            runs._collect_due(company)
            runs._submit_due(company)

    def _collect_due(self, company):
        """Confirm a run for what is due by the first day that can be collected on."""
        mine = [("company_id", "=", company.id), ("is_automatic", "=", True)]
        run = self.search([*mine, ("state", "=", "draft")], limit=1)
        day = self._earliest_date(company)
        if run:
            # One of an earlier day that could not be confirmed.
            run.write({"wanted_date": day})
        else:
            run = self.create({"company_id": company.id, "wanted_date": day})
            run._own().write({"is_automatic": True})
        run._select()
        if not run.to_collect_count:
            run.unlink()
            return
        run._try(run._confirm)

    def _submit_due(self, company):
        """Submit the runs by themselves for which it is time: a day before it is the last one."""
        lead = company.billing_debit_lead_days + 1
        last = after_open_days(company._billing_today(), lead)
        for run in self.search(
            [
                ("company_id", "=", company.id),
                ("is_automatic", "=", True),
                ("state", "=", "confirmed"),
                ("collection_date", "<=", last),
            ]
        ):
            run._try(run.action_submit)

    def _try(self, step):
        """Do a step of a run; what keeps it from being done is left on the run."""
        try:
            with self.env.cr.savepoint():
                step()
        except UserError as error:
            _logger.warning("Payment run %s by itself: %s", self.number, error)
            self._own().write({"problem": str(error)})
