from odoo import api, fields, models

from ..proration import PriceLine, to_decimal


class BillingServiceVersion(models.Model):
    """What a service was before a change: its terms, price and customer on past days.

    Written by changes alone and never edited. The service itself holds what counts now; a day
    that no version covers is the service's own. Billing users read it.
    """

    _name = "billing.service.version"
    _description = "Past Terms of a Service"
    _order = "service_id, date_from"
    _check_company_auto = True

    service_id = fields.Many2one(
        "billing.service", required=True, readonly=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="service_id.company_id", store=True, precompute=True, required=True, index=True
    )
    currency_id = fields.Many2one(related="service_id.currency_id")
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(string="Until (excluded)", required=True, readonly=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    tariff_id = fields.Many2one(
        "billing.tariff", required=True, readonly=True, check_company=True, ondelete="restrict"
    )
    term_scheme_id = fields.Many2one(
        "billing.term.scheme",
        string="Billing Terms",
        required=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    quantity = fields.Float(digits="Product Unit", readonly=True)
    price = fields.Float(
        digits="Product Price",
        readonly=True,
        help="Of one unit for one period, on these days.",
        aggregator=None,
    )
    discount = fields.Float(
        string="Discount (%)", digits="Discount", readonly=True, aggregator=None
    )
    anchor_date = fields.Date(string="Billing Anchor", required=True, readonly=True)
    lines = fields.Json(
        readonly=True,
        help="What was billed for a period: kind, product, add-on line, price, quantity, discount.",
    )

    _dates_ordered = models.Constraint(
        "CHECK(date_to > date_from)", "Past terms of a service cover at least one day."
    )
    _one_at_a_time = models.Constraint(
        "EXCLUDE USING gist (service_id WITH =, daterange(date_from, date_to) WITH &&)",
        "A service has one set of terms on each day.",
    )

    @api.depends("service_id", "date_from")
    def _compute_display_name(self):
        for version in self:
            version.display_name = f"{version.service_id.display_name}, {version.date_from}"

    @api.model
    def _lines_to_json(self, lines: list[PriceLine]) -> list[list]:
        return [
            [line.kind, line.product_id, line.addon_line_id]
            + [str(value) for value in (line.price, line.quantity, line.discount)]
            for line in lines
        ]

    def _price_lines(self) -> list[PriceLine]:
        """Return what these terms bill for a period, as ``billing.service._price_lines`` gives it."""
        self.ensure_one()
        return [
            PriceLine(kind, product, addon_line, *map(to_decimal, numbers))
            for kind, product, addon_line, *numbers in self.lines or ()
        ]
