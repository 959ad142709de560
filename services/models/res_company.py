from datetime import date, datetime

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    def _billing_today(self) -> date:
        """Today's date in the company's zone: its working calendar's, else UTC."""
        self.ensure_one()
        return self._billing_date(fields.Datetime.now())

    def _billing_date(self, moment: datetime) -> date:
        """Return the day of a naive UTC ``moment`` in the company's zone."""
        self.ensure_one()
        zone = self.sudo().resource_calendar_id.tz or "UTC"
        return fields.Datetime.context_timestamp(self.with_context(tz=zone), moment).date()
