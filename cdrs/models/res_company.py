from datetime import date, timedelta

from odoo import models
from odoo.fields import Domain

ONE_DAY = timedelta(days=1)


class ResCompany(models.Model):
    """The clock and the public holidays by which calls are rated."""

    _inherit = "res.company"

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
