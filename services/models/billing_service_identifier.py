import re
from datetime import date

from odoo import api, fields, models


class BillingServiceIdentifier(models.Model):
    """A telephone number or login by which usage finds its service, with the days it holds.

    The same number or login belongs to one service at a time within a company; the database
    refuses overlaps. Values are stored normalized, so that +44 20 7946 0000 and
    0044-20-79460000 are the same number.
    """

    _name = "billing.service.identifier"
    _description = "Service Identifier"
    _order = "service_id, kind, value, date_from"
    _rec_name = "value"
    _check_company_auto = True

    service_id = fields.Many2one(
        "billing.service", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="service_id.company_id", store=True, precompute=True, required=True, index=True
    )
    partner_id = fields.Many2one(related="service_id.partner_id")
    kind = fields.Selection(
        [("number", "Number"), ("login", "Login")], required=True, default="number"
    )
    value = fields.Char(required=True, index=True)
    date_from = fields.Date(string="From", required=True, default=lambda self: self._default_from())
    date_to = fields.Date(
        string="Until (excluded)",
        help="The first day on which it no longer belongs to the service. Empty: still does.",
    )

    _dates_ordered = models.Constraint(
        "CHECK(date_to >= date_from)", "An identifier cannot end before it starts."
    )
    _value_present = models.Constraint(
        "CHECK(value <> '')", "An identifier needs a number or login."
    )
    _one_service_at_a_time = models.Constraint(
        "EXCLUDE USING gist (company_id WITH =, kind WITH =, value WITH =, "
        "daterange(date_from, date_to) WITH &&)",
        "This number or login already belongs to a service on these days. End it there first.",
    )

    def _default_from(self) -> date:
        return self.env.company._billing_today()

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("value"):
                vals["value"] = self._normalize(vals.get("kind", "number"), vals["value"])
        # An end written in this transaction must be known before the database looks for overlaps.
        self.flush_model(["date_from", "date_to"])
        return super().create(vals_list)

    def write(self, vals):
        if vals.get("value") or vals.get("kind"):
            for identifier in self:
                kind = vals.get("kind", identifier.kind)
                value = self._normalize(kind, vals.get("value", identifier.value))
                super(BillingServiceIdentifier, identifier).write(vals | {"value": value})
            return True
        return super().write(vals)

    @api.model
    def _normalize(self, kind: str, value: str) -> str:
        """Return the one spelling under which a number or login is stored and looked up.

        Numbers keep their digits and a leading +; 00 becomes +. Logins are lower case.
        """
        if kind == "login":
            return value.strip().lower()
        digits = re.sub(r"\D", "", value)
        if value.strip().startswith("+"):
            return f"+{digits}" if digits else ""
        return f"+{digits[2:]}" if digits.startswith("00") else digits

    def _close(self, day: date):
        """End these identifiers on ``day`` where they would hold longer."""
        for identifier in self:
            end = max(day, identifier.date_from)
            if not identifier.date_to or identifier.date_to > end:
                identifier.date_to = end
