from datetime import date

from odoo import api, models
from odoo.exceptions import UserError

from ...services.periods import Period, iter_periods
from .arithmetic import day_row
from .gross import GrossPrices

PREPAID = "prepaid"


class BillingService(models.Model):
    """Prepaid services: rated by the day, at gross prices.

    A run rates them by sets (``prepaid/rating.py``); here is the same for single services, by which
    changes, resumptions and previews go, and what sets leave to it: days of past terms and set-up.
    """

    _inherit = "billing.service"

    def _is_prepaid(self):
        """Return whether the service is debited from a wallet."""
        self.ensure_one()
        return self.term_scheme_id.classification == PREPAID

    def _rate_rows(self, cutoff: date, until: date | None = None, segments: dict | None = None):
        """Also: prepaid services are charged by the day, at gross prices."""
        prepaid = self.filtered(lambda service: service._is_prepaid())
        rated = super(BillingService, self - prepaid)._rate_rows(cutoff, until, segments)
        if not prepaid:
            return rated
        prices = GrossPrices(prepaid.env, prepaid.company_id)
        past = prepaid._past_versions()
        for service in prepaid:
            rated[service] = service._prepaid_rows(cutoff, until, past.get(service.id, ()), prices)
        return {service: rated[service] for service in self}

    def _prepaid_rows(self, cutoff: date, until: date | None, past, prices):
        """Return (charge rows, first unrated day after them) of what is due by ``cutoff``."""
        self.ensure_one()
        rows = [] if until else self._gross_setup_rows(cutoff, prices)
        rated_up_to = self.rated_up_to
        after = date.fromordinal(cutoff.toordinal() + 1)
        for terms, start, stop, *_rest in self._segments(past):
            stop = min(filter(None, (stop, until)), default=None)
            end = min(filter(None, (stop, after)))
            start = max(start, rated_up_to)
            for period in self._prepaid_periods(terms, start, end):
                rows.extend(self._gross_rows(terms, period, prices))
                rated_up_to = start = max(start, period.end)
            if stop is None or start < stop:
                break
        return rows, rated_up_to

    @api.model
    def _prepaid_periods(self, terms, start: date, end: date):
        """Yield the days to charge before ``end``, cut at the boundaries of the periods."""
        if start >= end:
            return
        if terms.proration == "none":
            for period in iter_periods(terms.schedule, start, None, "none"):
                if period.start >= end:
                    return
                yield period
        else:
            yield from iter_periods(terms.schedule, start, end)

    def _gross_rows(self, terms, period: Period, prices):
        changed = f":{self.terms_count}" if self.terms_count else ""
        partner = self.env["res.partner"].browse(terms.partner_id)
        position = prices.position(partner)
        for line in terms.lines:
            product = self.env["product.product"].browse(line.product_id)
            gross = prices.gross(
                product,
                position,
                self.currency_id,
                float(line.price),
                float(line.quantity),
                float(line.discount),
            )
            what = f"addon:{line.addon_line_id}" if line.kind == "addon" else "recurring"
            yield day_row(line, gross, period, terms.rounding) | {
                "service_id": self.id,
                "partner_id": terms.partner_id,
                "source_key": f"service:{self.id}:{what}:{period.start}{changed}",
            }

    def _gross_setup_rows(self, cutoff: date, prices):
        rows = self._setup_rows(cutoff)
        for row in rows:
            gross = prices.gross(
                self.env["product.product"].browse(row["product_id"]),
                prices.position(self.partner_id),
                self.currency_id,
                float(row["price_unit"]),
                float(row["quantity"]),
                0.0,
            )
            row |= {"amount": gross, "price_unit": gross, "full_price": gross}
        return rows

    def _plan_change(self, effective: date, values: dict):
        """Also: days that a wallet paid stay as they are, so other terms of a prepaid service count
        from the first day that is not rated yet; and between invoices and wallets a service changes
        where nothing of either is open."""
        self.ensure_one()
        if self.state in ("active", "suspended"):
            tariff = self.env["billing.tariff"].browse(values.get("tariff_id", self.tariff_id.id))
            if tariff.classification != self.classification:
                self._check_settled(effective)
            elif self._is_prepaid():
                effective = max(effective, self.rated_up_to)
        return super()._plan_change(effective, values)

    def _price_day(self, effective: date, terms):
        """Also: other prices of a prepaid service count from the first day that is not rated yet."""
        if self._is_prepaid():
            return max(effective, self.rated_up_to)
        return super()._price_day(effective, terms)

    def _check_price_undo(self, effective: date):
        """Also: days that a wallet paid stay as they are."""
        for service in self.filtered(lambda service: service._is_prepaid()):
            if service.rated_up_to > effective:
                raise UserError(
                    self.env._(
                        "Service %(service)s was charged up to %(day)s at the new price already, so it"
                        " cannot be taken back any more.",
                        service=service.display_name,
                        day=service.rated_up_to,
                    )
                )
        return super()._check_price_undo(effective)

    def _check_settled(self, effective: date):
        """Check that nothing of the service is open before it is billed another way.

        :raise UserError: saying from which day that is possible
        """
        self.ensure_one()
        charges = [("service_id", "=", self.id), ("state", "=", "rated")]
        if effective == self.rated_up_to and not self.setup_due:
            if not self.env["billing.charge"].search_count(charges, limit=1):
                return
        raise UserError(
            self.env._(
                "Service %(service)s is rated up to %(day)s. Between postpaid and prepaid it can"
                " be changed from that day on, and once everything rated before is billed.",
                service=self.display_name,
                day=self.rated_up_to,
            )
        )

    def _next_billing_date(self, rated_up_to: date, setup_due: bool, segments=None):
        """Also: of a prepaid service every day is due on that day."""
        self.ensure_one()
        if not self._is_prepaid() or self.state not in ("active", "suspended", "terminated"):
            return super()._next_billing_date(rated_up_to, setup_due, segments)
        due = None
        for _terms, start, stop, *_rest in self._segments(self._past_versions().get(self.id, ())):
            start = max(start, rated_up_to)
            if stop is None or start < stop:
                due = start
                break
        if setup_due:
            due = min(due or self.date_start, self.date_start)
        return due or False
