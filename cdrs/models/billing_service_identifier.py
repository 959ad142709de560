from odoo import api, fields, models

from ..numbers import normalised


class BillingServiceIdentifier(models.Model):
    """The spelling by which usage finds a number or login."""

    _inherit = "billing.service.identifier"

    usage_key = fields.Char(
        compute="_compute_usage_key",
        store=True,
        precompute=True,
        index=True,
        help="As call records name it: international digits without +, or the login.",
    )

    _one_service_in_usage = models.Constraint(
        "EXCLUDE USING gist (company_id WITH =, usage_key WITH =, "
        "daterange(date_from, date_to) WITH &&)",
        "Usage of this number or login already goes to a service on these days. End it there first.",
    )

    @api.depends("kind", "value", "company_id.country_id")
    def _compute_usage_key(self):
        for identifier in self:
            identifier.usage_key = identifier._get_usage_key()

    def _get_usage_key(self):
        """Return the digits or the login by which call records name this identifier."""
        self.ensure_one()
        if self.kind == "login":
            return self.value
        country = self.company_id.country_id
        key, _withheld = normalised(
            self.value or "", country.code or "", str(country.phone_code or "")
        )
        return key or False
