from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...billing_tasks.texts import plural
from ..cycles.dates import shift_due_date


class BillingRun(models.Model):
    """When a run's invoices are due: its own date, else what the terms give, moved a little.

    A run may move the due dates of payment terms and of the cycle's due rule within the range
    that its cycle allows. Every instalment moves alike, but none to before the invoice date.
    """

    _inherit = "billing.run"

    proximity_sign = fields.Selection(
        [("+", "Later"), ("-", "Earlier")],
        "Move Due Dates",
        tracking=True,
        help="Moves the due dates that payment terms and the cycle's due rule give. A due date"
        " set on the run is not moved.",
    )
    proximity_value = fields.Integer("Days to Move Due Dates", tracking=True)
    proximity_min = fields.Integer(related="cycle_id.proximity_min")
    proximity_max = fields.Integer(related="cycle_id.proximity_max")

    _proximity_has_sign = models.Constraint(
        "CHECK (COALESCE(proximity_value, 0) = 0"
        " OR proximity_value > 0 AND proximity_sign IS NOT NULL)",
        "To move due dates, choose later or earlier, and by how many days (1 or more).",
    )

    @api.constrains("proximity_sign", "proximity_value", "cycle_id")
    def _check_proximity(self):
        for run in self:
            shift, cycle = run._due_shift(), run.cycle_id
            if shift and not cycle.proximity_min <= shift <= cycle.proximity_max:
                raise ValidationError(
                    self.env._(
                        "%(run)s: due dates cannot be moved by %(days)s. Billing cycle"
                        " %(cycle)s allows %(min)s to %(max)s.",
                        run=run.number,
                        days=plural(
                            abs(shift),
                            self.env._("%s day", f"{shift:+}"),
                            self.env._("%s days", f"{shift:+}"),
                        ),
                        cycle=cycle.name,
                        min=f"{cycle.proximity_min:+}",
                        max=f"{cycle.proximity_max:+}",
                    )
                )

    @api.onchange("proximity_sign")
    def _onchange_proximity_sign(self):
        if not self.proximity_sign:
            self.proximity_value = 0

    def _due_shift(self):
        """Return by how many days due dates move; negative is earlier."""
        self.ensure_one()
        return -self.proximity_value if self.proximity_sign == "-" else self.proximity_value

    def _due_date_without_terms(self):
        """Return the due date where there are no payment terms."""
        self.ensure_one()
        due_date = self.cycle_id._due_date(self.invoice_date)
        return shift_due_date(due_date, self._due_shift(), self.invoice_date)
