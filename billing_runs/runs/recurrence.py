from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import date_utils

from ..cycles.dates import move_by_months


class BillingRun(models.Model):
    """Recurring runs: one that has ended creates its successor."""

    _inherit = "billing.run"

    is_recurring = fields.Boolean(
        "Recurring", help="When this run has ended, the next one is created with the same criteria."
    )
    recurrence_number = fields.Integer(
        "Every", compute="_compute_recurrence", store=True, readonly=False, precompute=True
    )
    recurrence_unit = fields.Selection(
        [("day", "Days"), ("week", "Weeks"), ("month", "Months"), ("year", "Years")],
        compute="_compute_recurrence",
        store=True,
        readonly=False,
        precompute=True,
    )
    successor_id = fields.Many2one("billing.run", readonly=True, copy=False, ondelete="set null")

    _recurrence_positive = models.Constraint(
        "CHECK (NOT is_recurring OR recurrence_number > 0)",
        "A recurring run recurs every 1 or more days, weeks or months.",
    )

    @api.depends("cycle_id")
    def _compute_recurrence(self):
        for run in self:
            run.recurrence_number = run.cycle_id.recurrence_number
            run.recurrence_unit = run.cycle_id.recurrence_unit

    def _create_successor(self):
        """Create the run that follows. Where its cycle does not allow one any more, being archived
        for instance, this run ends all the same and says why it has none."""
        try:
            with self.env.cr.savepoint():
                # Whoever may end the run may have it go on; nobody writes the recurrence by hand.
                self.sudo().successor_id = self.sudo().copy(self._prepare_successor())
        except UserError as error:
            self.message_post(body=self.env._("The next run was not created: %s", error))

    def _prepare_successor(self):
        """Return the dates of the run that follows.

        Where the run stands for a recurrence of its cycle, the next one stands for the next, with
        the dates that the cycle gives, so that no other is made. Else each date is moved by the
        run's own recurrence; the last day of a month stays the last day, and the 30th comes back
        after February.
        """
        self.ensure_one()
        cycle = self.cycle_id
        recurrence = self.cycle_date and cycle._next_run_date(self.cycle_date)
        values = {"cycle_date": recurrence and cycle._free_recurrence(recurrence)}
        if recurrence and self._recurs_as_its_cycle():
            values.update(cycle._prepare_run_dates(recurrence))
            if self.due_date:
                values["due_date"] = values["invoice_date"] + (self.due_date - self.invoice_date)
            return values
        step = date_utils.get_timedelta(self.recurrence_number, self.recurrence_unit)
        months = step.years * 12 + step.months
        before = self._predecessors() if months else self.browse()
        for name in ("invoice_date", "cutoff_date", "transaction_date", "due_date"):
            day = self[name]
            if day and months:
                values[name] = move_by_months(day, months, filter(None, before.mapped(name)))
            elif day:
                values[name] = day + step
        return values

    def _predecessors(self):
        """Return the runs that led to this one, the latest first."""
        runs = self.browse()
        run = self
        while run := self.search([("successor_id", "=", run.id)], limit=1):
            runs += run
        return runs

    def _recurs_as_its_cycle(self):
        self.ensure_one()
        return (self.recurrence_number, self.recurrence_unit) == (
            self.cycle_id.recurrence_number,
            self.cycle_id.recurrence_unit,
        )
