from collections.abc import Iterator
from datetime import date

from odoo import fields, models

from ..periods import boundary_on_or_after
from ..price_rules import PriceStep, repriced
from .billing_service_change import ChangePlan


class BillingService(models.Model):
    """Prices of the future: what price changes have scheduled, and what their day does.

    ``_reprice`` is the change of one service's prices in Python: the plain reference of what
    ``billing.price.change`` does by sets, and the way of services that were billed beyond the day.
    """

    _inherit = "billing.service"

    price_line_ids = fields.One2many(
        "billing.price.change.line",
        "service_id",
        string="Price Changes",
        readonly=True,
        domain=[("state", "in", ("scheduled", "applied", "undone"))],
    )
    coming_price_ids = fields.One2many(
        "billing.price.change.line",
        "service_id",
        string="Scheduled Prices",
        readonly=True,
        domain=[("state", "=", "scheduled")],
    )

    def action_change_prices(self):
        """Open a new price change for these services."""
        self.check_access("read")
        return self.env["billing.price.change"]._open_new({"default_scope": "service"}, self)

    # === WHICH PRICES COUNT ON WHICH DAY === #

    def _coming_prices(self) -> list[tuple[date, dict[int, PriceStep]]]:
        """Return [(day, prices from then on)] of what price changes have scheduled, in order."""
        self.ensure_one()
        lines = self.coming_price_ids.filtered(
            lambda line: (
                line.tariff_id == self.tariff_id
                and (not self.terms_count or line.date >= self.terms_from)
            )
        )
        return sorted((day, some._steps()) for day, some in lines.grouped("date").items())

    def _coming_terms(self, terms, since: date) -> Iterator[tuple]:
        """Yield (terms, first day, end or None) of the days from ``since`` on: as they are, and then at
        each of the prices that are scheduled."""
        for day, prices in self._coming_prices():
            lines = repriced(terms.lines, prices)
            if lines == terms.lines:
                continue
            if terms.proration == "none" and day > since:
                day = boundary_on_or_after(terms.schedule, day)
            if day > since:
                yield terms, since, day
                since = day
            terms = terms._replace(lines=lines)
        yield terms, since, None

    # === NEW PRICES === #

    def _price_day(self, effective: date, terms) -> date:
        """Return from which day on other prices count for this service. A floor above, whose charges of
        the past stay as they are, extends it."""
        self.ensure_one()
        if terms.proration == "none":
            return self._whole_periods_from(terms.schedule, effective)
        return effective

    def _plan_prices(self, effective: date, prices: dict[int, PriceStep]) -> ChangePlan:
        """Return what other prices from a day on come to; without prices, what it takes to settle what
        was billed from that day on with the present ones."""
        self.ensure_one()
        old = self._get_terms()
        day = self._price_day(max(effective, self.date_start), old)
        new = old._replace(lines=repriced(old.lines, prices))
        adjustments, cut, rated_up_to = self._adjust_rated_days(
            day, self.rated_up_to, new, self.date_end or None, old.timing
        )
        values = {"rated_up_to": rated_up_to, "change_count": self.change_count + 1}
        version = None
        if prices:
            values |= {
                "terms_from": max(day, self.terms_from),
                "terms_count": self.terms_count + 1,
            }
            version = self._past_version(old, day)
        elif not adjustments and not cut:
            values = {}
        return ChangePlan([], adjustments, values, version, cut)

    def _reprice(self, effective: date, prices: dict[int, PriceStep]):
        """Keep the present terms as past ones and settle what was billed from the day on at the new
        prices. The prices themselves are written by the price change.

        :return: the adjustments
        """
        self.ensure_one()
        plan = self._plan_prices(effective, prices)
        charges = self.env["billing.charge"]._insert_rows(plan.adjustments)
        charges._cut(plan.cut)
        if plan.version:
            # Nobody has the right to write the past.
            self.env["billing.service.version"].sudo().create(plan.version)
        if plan.values:
            self._own().write(plan.values)
        return charges

    def _settle_prices(self, effective: date):
        """Settle what was billed from a day on at prices that do not come after all, and look anew
        when services are due."""
        for service in self:
            day = max(effective, service.terms_from)
            if service.rated_up_to > day:
                service._reprice(day, {})
        self.env.add_to_compute(self._fields["next_billing_date"], self)

    def _check_price_undo(self, effective: date):
        """Check that prices which were scheduled can be taken back. A floor above, whose charges of
        the past stay as they are, extends it.

        :raise UserError: naming a service of which that is not so
        """
