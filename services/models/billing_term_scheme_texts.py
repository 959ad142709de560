from odoo import models

from ...billing_tasks.texts import plural


class BillingTermScheme(models.Model):
    """Billing terms in customers' words."""

    _inherit = "billing.term.scheme"

    def _interval_text(self) -> str:
        """Return how often a service is billed, to stand behind its price."""
        self.ensure_one()
        number = self.interval_number
        texts = {
            "day": (self.env._("a day"), self.env._("every %s days", number)),
            "week": (self.env._("a week"), self.env._("every %s weeks", number)),
            "month": (self.env._("a month"), self.env._("every %s months", number)),
            "year": (self.env._("a year"), self.env._("every %s years", number)),
        }
        return plural(number, *texts[self.interval_unit])
