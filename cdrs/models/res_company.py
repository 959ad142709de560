from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.fields import Domain

ONE_DAY = timedelta(days=1)
#: usage is compared with that of the months before: so many must be there
FEWEST_MONTHS = 6


class ResCompany(models.Model):
    """The clock and the public holidays by which calls are rated, and how long they are kept."""

    _inherit = "res.company"

    cdr_keep_months = fields.Integer(
        string="Keep Call Records (months)",
        help="Older ones that are billed or ignored are archived. 0: all are kept.",
    )
    cdr_keep_unbilled_months = fields.Integer(
        string="Give Up Unbilled Calls After (months)",
        help="Calls that were never billed are archived, too, when they are older. 0: they stay.",
    )
    cdr_agreed_months = fields.Integer(
        readonly=True, help="For which an administrator has seen what is archived, and agreed."
    )
    cdr_agreed_unbilled_months = fields.Integer(readonly=True)

    _cdr_months_in_range = models.Constraint(
        "CHECK((coalesce(cdr_keep_months, 0) = 0 OR cdr_keep_months BETWEEN 6 AND 600)"
        " AND (coalesce(cdr_keep_unbilled_months, 0) = 0"
        " OR cdr_keep_unbilled_months BETWEEN 6 AND 600))",
        "Call records are kept for 6 months at least, or for ever (0).",
    )

    def _cdr_first_kept(self) -> date | None:
        """Return the first day of the oldest month whose calls are kept; None where all are, or nobody
        has agreed to the figures for so few months."""
        self.ensure_one()
        return self._cdr_kept(self.cdr_keep_months, self.cdr_agreed_months)

    def _cdr_first_unbilled_kept(self) -> date:
        """Return the same of calls that were never billed; a day before all calls where all are
        kept."""
        self.ensure_one()
        kept = self._cdr_kept(self.cdr_keep_unbilled_months, self.cdr_agreed_unbilled_months)
        return kept or date.min

    def _cdr_kept(self, months, agreed):
        if not months or not agreed or months < agreed:
            return None
        return self._billing_today().replace(day=1) - relativedelta(months=months)

    def _billing_zone(self) -> str:
        """Return the name of the company's time zone: its working schedule's, else UTC."""
        self.ensure_one()
        return self.sudo().resource_calendar_id.tz or "UTC"

    def _billing_holidays(self) -> list[date]:
        """Return the public holidays of the company, as days of its zone.

        They are the time off without a resource of its working schedule, or of none: every day
        that such an entry touches.
        """
        self.ensure_one()
        calendars = [False, *self.sudo().resource_calendar_id.ids]
        entries = self.env["resource.calendar.leaves"].sudo()
        entries = entries.search(
            Domain("resource_id", "=", False)
            & Domain("calendar_id", "in", calendars)
            & Domain("company_id", "in", [False, self.id])
            & Domain("time_type", "=", "leave")
        )
        days = set()
        for entry in entries:
            day = self._billing_date(entry.date_from)
            # An entry that ends at midnight does not touch the next day.
            last = self._billing_date(entry.date_to - timedelta(microseconds=1))
            while day <= last:
                days.add(day)
                day += ONE_DAY
        return sorted(days)
