from odoo import api, models

from .billing_run import EDITABLE_STATES


class BillingRun(models.Model):
    """Which period of its cycle a run bills: each has one run for everybody, or a person says why
    not."""

    _inherit = "billing.run"

    @api.onchange("cycle_id")
    def _onchange_cycle_dates(self):
        """Give a run that is being entered the dates of its cycle's next run."""
        day = self.cycle_id.next_run_date
        if day and not self._origin:
            self.update(self.cycle_id._prepare_run_dates(day))

    def _take_recurrences(self):
        """Let runs that have the dates of their cycle's next recurrence stand for it, so that no
        other one is made."""
        for run in self.filtered(lambda run: run.mode == "batch" and not run.cycle_date):
            cycle = run.cycle_id
            day = cycle.next_run_date
            dates = day and cycle._prepare_run_dates(day)
            if dates and all(run[name] == dates[name] for name in dates):
                run._own().write({"cycle_date": cycle._free_recurrence(day)})

    def _same_period_run(self):
        """Return the run for everybody that came first in the same period of the same cycle: made
        or requested before. Empty for runs of one customer."""
        self.ensure_one()
        if self.mode != "batch" or not self.cutoff_date:
            return self.browse()
        others = [
            ("id", "!=", self.id),
            ("cycle_id", "=", self.cycle_id.id),
            ("mode", "=", "batch"),
            ("state", "!=", "cancelled"),
            "|",
            ("id", "<", self.id),
            ("state", "not in", EDITABLE_STATES),
        ]
        for operator, order in (("<=", "desc"), (">=", "asc")):
            near = self.search(
                [*others, ("cutoff_date", operator, self.cutoff_date)],
                order=f"cutoff_date {order}, id",
                limit=1,
            )
            if near and self.cycle_id._is_same_period(self.cutoff_date, near.cutoff_date):
                return near
        return self.browse()
