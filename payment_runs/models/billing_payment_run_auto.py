import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..target import after_open_days

#: the companies' settings that have runs of a method made each day
AUTOMATIC = {
    "direct_debit": "billing_collect_automatically",
    "card": "billing_collect_cards_automatically",
}
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
        for method, setting in AUTOMATIC.items():
            for company in self.env["res.company"].search([(setting, "=", True)]):
                runs = self.with_company(company).with_context(allowed_company_ids=company.ids)
                for currency in runs._currencies_due(company, method):
                    runs._collect_due(company, method, currency)
                runs._submit_due(company, method)

    def _currencies_due(self, company, method):
        """Return the currencies that a company has to collect in by a method."""
        if method == "direct_debit":
            return self._default_currency()
        groups = (
            self.env["account.move"]
            .sudo()
            ._read_group(
                [
                    ("company_id", "=", company.id),
                    ("state", "=", "posted"),
                    ("move_type", "=", "out_invoice"),
                    ("payment_state", "in", ("not_paid", "partial")),
                    ("commercial_partner_id.billing_payment_preference", "=", method),
                ],
                ["currency_id"],
            )
        )
        return [currency for [currency] in groups]

    def _collect_due(self, company, method, currency):
        """Confirm a run for what is due by the first day that can be collected on."""
        mine = [("company_id", "=", company.id), ("is_automatic", "=", True)]
        mine += [("method", "=", method), ("currency_id", "=", currency.id)]
        run = self.search([*mine, ("state", "=", "draft")], limit=1)
        if run.preparing_count:
            return
        day = self._earliest_date(company, method)
        if run:
            # One of an earlier day that could not be confirmed.
            run.write({"wanted_date": day})
        else:
            run = self.create(
                {
                    "company_id": company.id,
                    "method": method,
                    "currency_id": currency.id,
                    "wanted_date": day,
                }
            )
            run._own().write({"is_automatic": True})
        if run._is_large("select"):
            run._prepare("select", confirm=True)
            return
        run._select()
        run._confirm_selected()

    def _confirm_selected(self):
        """Confirm a run by itself that was selected; one without anything to collect goes."""
        self.ensure_one()
        if self._drafts(limit=1):
            self._try(lambda: self._prepare("confirm"))
        else:
            self.unlink()

    def _submit_due(self, company, method):
        """Submit the runs by themselves for which it is time: files a day before it is the last one,
        cards on their day."""
        last = company._billing_today()
        if method == "direct_debit":
            last = after_open_days(last, company.billing_debit_lead_days + 1)
        for run in self.search(
            [
                ("company_id", "=", company.id),
                ("is_automatic", "=", True),
                ("method", "=", method),
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
