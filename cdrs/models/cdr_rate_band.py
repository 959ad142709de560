from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..rating_bands import Band, cut_bands

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTES = 24 * 60


class CdrRateBand(models.Model):
    """Hours of the week that have rates of their own: Evening, Weekend.

    A call belongs, as a whole, to the band in which it begins by the company's clock; where
    several bands hold that moment, to the first in the list. Public holidays are the time off
    without a resource in the working schedule of the company (or in none): every day that
    such an entry touches.
    """

    _name = "cdr.rate.band"
    _inherit = ["billing.used.mixin"]
    _description = "Time Band"
    _order = "plan_id, sequence, id"
    _check_company_auto = True

    plan_id = fields.Many2one(
        "cdr.rate.plan", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="plan_id.company_id", store=True, precompute=True, required=True, index=True
    )
    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    monday = fields.Boolean(default=True)
    tuesday = fields.Boolean(default=True)
    wednesday = fields.Boolean(default=True)
    thursday = fields.Boolean(default=True)
    friday = fields.Boolean(default=True)
    saturday = fields.Boolean()
    sunday = fields.Boolean()
    hour_from = fields.Float(
        string="From", default=0.0, help="A band that ends before it begins goes over midnight."
    )
    hour_to = fields.Float(string="Until (excluded)", default=24.0)
    holidays = fields.Selection(
        [
            ("weekday", "As their weekday"),
            ("all", "All public holidays too"),
            ("none", "Not on public holidays"),
        ],
        string="Public Holidays",
        required=True,
        default="weekday",
    )

    _hours_range = models.Constraint(
        "CHECK(hour_from >= 0 AND hour_from < 24 AND hour_to > 0 AND hour_to <= 24 "
        "AND hour_from <> hour_to)",
        "The hours of a time band lie between 0:00 and 24:00, and it lasts some time.",
    )

    @api.constrains(*WEEKDAYS, "holidays")
    def _check_some_day(self):
        for band in self:
            if not any(band[day] for day in WEEKDAYS) and band.holidays != "all":
                raise ValidationError(
                    self.env._("Time band %s has no day. Choose its weekdays.", band.display_name)
                )

    def write(self, vals):
        # What a rated call was rated by must stay readable.
        if "plan_id" in vals and any(band.plan_id.id != vals["plan_id"] for band in self):
            raise ValidationError(self.env._("A time band stays with its rate plan."))
        return super().write(vals)

    def _cut(self):
        """Return the ``Segment`` rows of the week for these bands of one plan, in their order."""
        return cut_bands(
            [
                Band(
                    band.id,
                    frozenset(number for number, day in enumerate(WEEKDAYS) if band[day]),
                    round(band.hour_from * 60),
                    round(band.hour_to * 60),
                    band.holidays,
                )
                for band in self.sorted(lambda band: (band.sequence, band.id))
            ]
        )
