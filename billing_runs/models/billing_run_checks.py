from odoo import models
from odoo.fields import Domain


class BillingRun(models.Model):
    """What a run selects, and what stops it where Odoo would go on in silence."""

    _inherit = "billing.run"

    def _live_service_domain(self):
        """Return the domain of services of which something may still be due."""
        return (
            Domain("state", "in", ("active", "suspended"))
            | Domain("state", "=", "terminated")
            & self.env["billing.service"]._due_domain(self.cutoff_date)
        ) & Domain("date_start", "<=", self.cutoff_date)

    def _open_charge_domain(self):
        """Return the domain of the rated charges that the run may take.

        Charges of a service or job follow its selection; those of the customer
        alone (adjustments) come with any run that looks at the customer and is
        not limited to services or jobs.
        """
        self.ensure_one()
        services = Domain("service_id", "any", self._service_domain())
        jobs = Domain("job_id", "any", self._job_selection())
        domain = services | jobs
        if not self.service_ids and not self.job_ids:
            loose = Domain("service_id", "=", False) & Domain("job_id", "=", False)
            partners = self._partner_domain()
            if not partners.is_true():
                loose &= Domain("partner_id", "any", partners)
            domain |= loose
        return (
            self.env["billing.charge"]._domain_open()
            & Domain("company_id", "=", self.company_id.id)
            & domain
        )

    def _document_problem(self):
        """Return ``(code, message)`` of what keeps the whole run from invoicing, or None."""
        self.ensure_one()
        journal = self.cycle_id.journal_id
        if not journal.active:
            return "journal_archived", self.env._(
                "Journal %(journal)s is archived. Unarchive it, or choose another one on the"
                " billing cycle.",
                journal=journal.name,
            )
        locks = self.company_id._get_violated_lock_dates(self.transaction_date, True, journal)
        if locks:
            return "locked_period", self.env._(
                "%(date)s lies in a locked period (up to %(lock)s). Change the lock date, or run"
                " with a later transaction date.",
                date=self.transaction_date,
                lock=max(lock[0] for lock in locks),
            )
        return None

    def _currencies_without_rate(self, currencies):
        """Return those foreign currencies that have no rate on the invoice date yet.

        Odoo would convert them one to one.
        """
        self.ensure_one()
        foreign = currencies - self.company_id.currency_id
        rates = self.env["res.currency.rate"]._read_group(
            [
                ("currency_id", "in", foreign.ids),
                ("company_id", "in", (False, self.company_id.root_id.id)),
                ("name", "<=", self.invoice_date),
            ],
            ["currency_id"],
        )
        return foreign.filtered(lambda currency: (currency,) not in rates)
