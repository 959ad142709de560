from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..periods import Schedule

SCHEDULE_FIELDS = (
    "interval_number",
    "interval_unit",
    "timing",
    "alignment",
    "anchor_day",
    "proration",
)
# So many services are named where terms in use are refused a change.
NAMED_SERVICES = 3
# What decides whether and how a service is billed, days that are not rated yet among them.
FIXED_FIELDS = (*SCHEDULE_FIELDS, "bill_suspended", "classification")


class BillingTermScheme(models.Model):
    """Billing terms: how often a service is billed, from when, in advance or in arrears.

    Managers keep them. The fields that lay out the periods, and those that decide whether and how
    services are billed, cannot be changed once a service was activated with them: what was billed
    would no longer fit what comes next, and days of the past would be billed by other terms than
    they were served. Terms that are archived go on billing the services that have them.
    """

    _name = "billing.term.scheme"
    _inherit = ["billing.used.mixin"]
    _description = "Billing Terms"
    _order = "sequence, name, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    classification = fields.Selection(
        [("postpaid", "Postpaid"), ("prepaid", "Prepaid")],
        required=True,
        default="postpaid",
        help="Postpaid services are invoiced; prepaid services are debited from a wallet.",
    )
    interval_number = fields.Integer(string="Every", required=True, default=1)
    interval_unit = fields.Selection(
        [("day", "Days"), ("week", "Weeks"), ("month", "Months"), ("year", "Years")],
        string="Interval",
        required=True,
        default="month",
    )
    timing = fields.Selection(
        [("advance", "In advance"), ("arrears", "In arrears")],
        required=True,
        default="advance",
        help="In advance: a period is billed from its first day. In arrears: when it has ended.",
    )
    alignment = fields.Selection(
        [("anniversary", "From the day of activation"), ("calendar", "By the calendar")],
        required=True,
        default="anniversary",
        help="From the day of activation: a service started on the 31st is billed on the last "
        "day of shorter months and on the 31st again. By the calendar: all services are billed "
        "from the same day, and the first and last period can be a part.",
    )
    anchor_day = fields.Integer(
        string="Calendar Day",
        required=True,
        default=1,
        help="Day of the month on which calendar periods start; 31 is the last day of the "
        "month. Years start on that day of January. For weeks 1 is Monday and 7 is Sunday.",
    )
    proration = fields.Selection(
        [("daily", "By the day"), ("none", "Whole periods only")],
        string="Part Periods",
        required=True,
        default="daily",
        help="By the day: a part of a period costs the days used. Whole periods only: a period "
        "that has started is billed whole, and changes take effect with the next one.",
    )
    bill_suspended = fields.Boolean(
        string="Bill Suspended Services",
        help="Keep billing a service while it is suspended.",
    )
    payment_term_id = fields.Many2one(
        "account.payment.term",
        string="Payment Terms",
        check_company=True,
        help="Used on invoices of customers that have no payment terms of their own.",
    )

    _interval_positive = models.Constraint(
        "CHECK(interval_number > 0)", "The billing interval must be at least 1."
    )
    _anchor_day_range = models.Constraint(
        "CHECK(anchor_day BETWEEN 1 AND 31)", "The calendar day must lie between 1 and 31."
    )
    _anchor_weekday_range = models.Constraint(
        "CHECK(interval_unit <> 'week' OR alignment <> 'calendar' OR anchor_day <= 7)",
        "For weeks by the calendar the calendar day is a weekday: 1 (Monday) to 7 (Sunday).",
    )

    @api.constrains("company_id")
    def _check_company_unchanged(self):
        for scheme in self:
            if (
                self.env["billing.tariff"]
                .sudo()
                .with_context(active_test=False)
                .search_count(
                    [
                        ("term_scheme_id", "=", scheme.id),
                        ("company_id", "!=", scheme.company_id.id),
                    ],
                    limit=1,
                )
            ):
                raise ValidationError(
                    self.env._(
                        "Billing terms %s are used by tariffs of another company.", scheme.name
                    )
                )

    def write(self, vals):
        for name in FIXED_FIELDS:
            if name in vals:
                changed = self.filtered(lambda scheme, name=name: vals[name] != scheme[name])
                changed._check_unused(name)
        return super().write(vals)

    def _check_unused(self, name: str):
        """Refuse to change a field once services were activated with these terms."""
        services = (
            self.env["billing.service"]
            .sudo()
            .search(
                [
                    ("term_scheme_id", "in", self.ids),
                    ("state", "not in", ("ordered", "cancelled")),
                ],
                limit=NAMED_SERVICES,
            )
        )
        if services:
            terms = services[0].term_scheme_id
            services = services.filtered(lambda service: service.term_scheme_id == terms)
            raise UserError(
                self.env._(
                    "Billing terms %(terms)s already bill services (for example %(services)s), so "
                    '"%(field)s" can no longer be changed. Create new terms and a tariff that uses '
                    "them, then change the services to that tariff.",
                    terms=terms.display_name,
                    services=", ".join(services.mapped("display_name")),
                    field=self._fields[name]._description_string(self.env),
                )
            )

    def _get_schedule(self, anchor: date) -> Schedule:
        """Return the schedule of a service whose first period starts at ``anchor``."""
        self.ensure_one()
        return Schedule(
            self.interval_number, self.interval_unit, self.alignment, anchor, self.anchor_day
        )
