from odoo import api, fields, models
from odoo.tools import format_date

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
        # A prepaid run that recurs makes the next one itself.
        cycles = self.search([("state", "=", "active"), ("run_type", "!=", "prepaid")])
        for cycle in cycles:
            day = cycle._latest_due_recurrence(cycle.company_id._billing_today())
            if day:
                cycle.with_company(cycle.company_id)._create_batch_run(day)

    def _create_batch_run(self, day):
        """Create one run of the cycle for everybody.

        Where ``day`` is one of the cycle's recurrences, the run is that recurrence's: no other
        one comes for it by itself.
        """
        run = self._create_run(day)
        if not run.cycle_date:
            run._own().write({"cycle_date": self._free_recurrence(day)})
        return run

    def _is_same_period(self, cutoff, other):
        """Return whether no recurrence lies between two days as of which runs bill."""
        self.ensure_one()
        first, last = sorted((cutoff, other))
        # Day rules move the day by two months at most.
        day = self._next_run_date(fields.Date.subtract(first, months=3))
        while day and day <= fields.Date.add(last, months=3):
            if first < self._prepare_run_dates(day)["cutoff_date"] <= last:
                return False
            day = self._next_run_date(day)
        return True

    # === QUESTIONS === #

    def _questions(self):
        return super()._questions() | {
            "action_create_another_run": (
                self.env._("New Billing Run"),
                lambda cycles: "\n".join(cycle._another_run_question() for cycle in cycles),
            )
        }

    def _open_batch_runs(self):
        """Return the cycle's runs for everybody that have not ended."""
        return self.env["billing.run"].search(
            [
                ("cycle_id", "=", self.id),
                ("mode", "=", "batch"),
                ("state", "in", ("pending", "ready", "approved", "requested", "running")),
            ]
        )

    def _another_run_question(self):
        runs = self._open_batch_runs()
        names = [f"{run.number} ({format_date(self.env, run.cutoff_date)})" for run in runs]
        return self.env._(
            "Create a run for %(day)s? Not ended yet: %(runs)s. What is due by then would be billed by"
            " whichever of them comes first.",
            day=format_date(self.env, self.next_run_date or fields.Date.context_today(self)),
            runs=", ".join(names),
        )

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
        # A recurrence whose run somebody cancelled comes back by hand only.
        due, day = None, self._next_run_date(self._last_recurrences([]).get(self))
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
