from datetime import date, timedelta

from odoo import fields, models

#: which setting lets customers ask for what
SETTINGS = {
    "order": "billing_portal_order",
    "change": "billing_portal_change",
    "suspend": "billing_portal_suspend",
    "resume": "billing_portal_suspend",
    "end": "billing_portal_end",
}
#: customers ask for a day within so many days after the first possible one
AHEAD = timedelta(days=366)


class ResCompany(models.Model):
    """What customers may ask for in the portal, and how long before."""

    _inherit = "res.company"

    billing_portal_order = fields.Boolean(
        string="Order Services",
        default=True,
        help="Customers order services of the tariffs that are offered in the portal.",
    )
    billing_portal_change = fields.Boolean(
        string="Change Services",
        default=True,
        help="Customers change add-ons, parameters and tariff as far as the tariff offers it.",
    )
    billing_portal_suspend = fields.Boolean(
        string="Suspend and Resume Services",
        help="Customers suspend services, and resume what they had suspended themselves.",
    )
    billing_portal_end = fields.Boolean(
        string="End Services", help="Customers end services that have no agreed end."
    )
    billing_portal_lead_days = fields.Integer(
        string="Days Ahead",
        help="A request counts so many days from today at the earliest.",
    )
    billing_portal_end_days = fields.Integer(
        string="Notice of an End",
        help="The last day of a service is so many days from today at the earliest.",
    )

    _billing_portal_days_range = models.Constraint(
        "CHECK(LEAST(billing_portal_lead_days, billing_portal_end_days) >= 0 "
        "AND GREATEST(billing_portal_lead_days, billing_portal_end_days) <= 366)",
        "The days ahead of customers' requests lie between 0 and 366.",
    )

    def _customers_may(self, kind: str) -> bool:
        """May customers of this company ask for this: order, change, suspend, resume or end?"""
        self.ensure_one()
        return bool(self[SETTINGS[kind]])

    def _request_day(self, kind: str) -> date:
        """Return the first day for which customers may ask; of an end the last day of service."""
        self.ensure_one()
        days = self.billing_portal_end_days if kind == "end" else self.billing_portal_lead_days
        return self._billing_today() + timedelta(days=days)
