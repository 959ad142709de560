from odoo import api, fields, models

from .dates import next_occurrence


class BillingCycle(models.Model):
    """When a cycle's runs come into being."""

    _inherit = "billing.cycle"

    @api.model
    def _cron_create_due_runs(self):
        """Create the runs of active cycles that are due, each recurrence once.

        Where recurrences were missed, only the latest one gets a run: it bills
        everything that is due by then.
        """
        for cycle in self.search([("state", "=", "active")]):
            day = cycle._latest_due_recurrence(cycle.company_id._billing_today())
            if day:
                cycle.with_company(cycle.company_id)._create_batch_run(day)

    def _create_batch_run(self, day):
        """Create one run of the cycle for everybody.

        Where ``day`` is one of the cycle's recurrences, the run is that recurrence's: no other
        one comes for it by itself.
        """
        run = self._create_run(day)
        run._own().write({"cycle_date": self._free_recurrence(day)})
        return run

    def _free_recurrence(self, day):
        """Return ``day`` where it is a recurrence without a run, else None."""
        self.ensure_one()
        if self._next_run_date(fields.Date.subtract(day, days=1)) != day:
            return None
        taken = self.env["billing.run"].search_count(
            [("cycle_id", "=", self.id), ("cycle_date", "=", day), ("state", "!=", "cancelled")]
        )
        return None if taken else day

    def _latest_due_recurrence(self, today):
        """Return the latest recurrence up to ``today`` that no run was made for, or None."""
        self.ensure_one()
        due, day = None, self.next_run_date
        while day and day <= today:
            due, day = day, self._next_run_date(day)
        return due

    def _next_run_date(self, last):
        """Return the first recurrence after ``last``, the one the newest run was made for.

        None where the cycle was limited to months of which none is left.
        """
        self.ensure_one()
        months = self._limit_records("month_ids")
        if months is not None and not months:
            return None
        return next_occurrence(
            self.start_date,
            self.recurrence_number,
            self.recurrence_unit,
            {int(month.code) for month in months or ()},
            last or fields.Date.subtract(self.start_date, days=1),
        )
