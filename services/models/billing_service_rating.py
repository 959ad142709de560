from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ..periods import Period, Schedule, due_periods
from ..proration import PriceLine, charge_row, to_decimal

ONE_DAY = timedelta(days=1)


class Terms(NamedTuple):
    """What a service costs: its schedule, its priced lines, its currency's smallest coin."""

    schedule: Schedule
    timing: str
    proration: str
    lines: list[PriceLine]
    rounding: Decimal


class BillingService(models.Model):
    """Rating: turn what services cost into charges, in batches.

    Everything is read once, priced by the pure functions of `periods` and `proration`, and
    inserted in one statement. The preview walks the same path without writing.
    """

    _inherit = "billing.service"

    @api.private
    def _rate(self, cutoff_date: date):
        """Create every charge that is due up to `cutoff_date`, the last included day.

        Works on services of one company and any billing terms. Creates recurring, add-on and
        set-up charges, one a period, and moves `rated_up_to`. Repeating it, also after a crash
        or from two workers at once, creates nothing twice.

        :return: the new charges (state rated)
        :raise UserError: naming the first services that cannot be rated (see `_check_ratable`)
        """
        services = self._billed()
        services._lock_rows()
        problems = services._check_ratable()
        if problems:
            messages = [message for _code, message in list(problems.values())[:5]]
            raise UserError("\n".join(messages))
        return services._store_rating(services._rate_rows(cutoff_date))

    @api.private
    def _preview_charges(self, cutoff_date: date) -> list[dict]:
        """The charges that `_rate` would create, as value dicts with Decimal money. No writes."""
        services = self._billed()
        rated = services._rate_rows(cutoff_date)
        return self.env["billing.charge"]._complete_rows(
            [row for rows, _rated_up_to in rated.values() for row in rows]
        )

    @api.private
    def _check_ratable(self) -> dict:
        """{service: (code, message)} of the services that cannot be rated as they are.

        Codes: product_archived, partner_archived, currency_archived.
        """
        problems = {}
        products = self.product_id | self.addon_line_ids.product_id
        used = (products, self.partner_id, self.currency_id)
        if all(all(records.mapped("active")) for records in used):
            return problems
        for service in self:
            products = service.product_id | service.addon_line_ids.product_id
            archived = products.filtered(lambda product: not product.active)
            if archived:
                code, what = "product_archived", archived[0]
                message = self.env._(
                    "Product %(what)s of service %(service)s is archived. Unarchive it or change "
                    "the service to another tariff.",
                    what=what.display_name,
                    service=service.display_name,
                )
            elif not service.partner_id.active:
                code = "partner_archived"
                message = self.env._(
                    "Customer %(what)s of service %(service)s is archived. Unarchive the "
                    "customer or end the service.",
                    what=service.partner_id.display_name,
                    service=service.display_name,
                )
            elif not service.currency_id.active:
                code = "currency_archived"
                message = self.env._(
                    "Currency %(what)s of service %(service)s is not active. Activate it in "
                    "Accounting.",
                    what=service.currency_id.name,
                    service=service.display_name,
                )
            else:
                continue
            problems[service] = (code, message)
        return problems

    def _billed(self):
        """The services among these that can owe anything, all of one company."""
        if len(self.company_id) > 1:
            raise UserError(self.env._("Services are rated one company at a time."))
        return self.filtered(lambda service: service.state in ("active", "suspended", "terminated"))

    def _lock_rows(self):
        """Wait for other transactions that rate or change these services, then keep them out.

        Rows are locked in the order of their ids, so two batches cannot block each other for
        good. Charges that refer to the services can still be inserted meanwhile.
        """
        if self.ids:
            self.flush_recordset()
            self.env.cr.execute(
                SQL(
                    "SELECT id FROM billing_service WHERE id = ANY(%s) ORDER BY id "
                    "FOR NO KEY UPDATE",
                    sorted(self.ids),
                )
            )

    def _rate_served_until(self, day: date):
        """Rate what was served before `day` at the present terms, part periods included."""
        self._store_rating(self._rate_rows(day - ONE_DAY, until=day))

    def _rate_rows(self, cutoff: date, until: date | None = None) -> dict:
        """{service: (charge rows, first unrated day after them)} of what is due by `cutoff`."""
        result = {}
        for service in self:
            terms = service._get_terms()
            rows = [] if until else service._setup_rows(cutoff, terms)
            limit = min(filter(None, (service._billing_limit(), until)), default=None)
            rated_up_to = service.rated_up_to
            for period in due_periods(
                terms.schedule, rated_up_to, limit, cutoff, terms.timing, terms.proration
            ):
                rows.extend(service._period_rows(terms, period))
                rated_up_to = period.end
            result[service] = (rows, rated_up_to)
        return result

    def _get_terms(self) -> Terms:
        """The present terms of this service. Lines without a price are left out."""
        self.ensure_one()
        scheme = self.term_scheme_id
        return Terms(
            scheme._get_schedule(self.anchor_date),
            scheme.timing,
            scheme.proration,
            list(self._price_lines()),
            to_decimal(self.currency_id.rounding),
        )

    def _price_lines(self) -> Iterator[PriceLine]:
        price = self.price or self.tariff_id.price
        if price:
            yield PriceLine(
                "recurring",
                self.product_id.id,
                None,
                to_decimal(price),
                to_decimal(self.quantity),
                to_decimal(self.discount),
            )
        for line in self.addon_line_ids:
            addon = line.addon_id
            quantity = to_decimal(line.quantity) - to_decimal(addon.included)
            if addon.price and quantity > 0:
                yield PriceLine(
                    "addon",
                    addon.product_id.id,
                    line.id,
                    to_decimal(addon.price),
                    quantity,
                    Decimal(0),
                )

    def _period_rows(self, terms: Terms, period: Period) -> Iterator[dict]:
        for line in terms.lines:
            what = f"addon:{line.addon_line_id}" if line.kind == "addon" else "recurring"
            yield charge_row(line, period, terms.rounding) | {
                "service_id": self.id,
                "source_key": f"service:{self.id}:{what}:{period.start}",
            }

    def _setup_rows(self, cutoff: date, terms: Terms) -> list[dict]:
        """The charge for setting the service up, due once from its first day."""
        if not self.setup_due or self.date_start > cutoff:
            return []
        line = PriceLine(
            "setup",
            self.product_id.id,
            None,
            to_decimal(self.tariff_id.setup_price),
            Decimal(1),
            Decimal(0),
        )
        day = self.date_start
        period = Period(day, day + ONE_DAY, day, day + ONE_DAY)
        return [
            charge_row(line, period, terms.rounding)
            | {"service_id": self.id, "source_key": f"service:{self.id}:setup"}
        ]

    def _store_rating(self, rated: dict):
        """Insert the rows of `_rate_rows` and move their services on. Returns new charges."""
        rows = [row for rows, _rated_up_to in rated.values() for row in rows]
        crash_point("rating.before_insert")
        charges = self.env["billing.charge"]._insert_rows(rows)
        moved = []
        for service, (service_rows, rated_up_to) in rated.items():
            setup_due = service.setup_due and not any(r["kind"] == "setup" for r in service_rows)
            if rated_up_to != service.rated_up_to or setup_due != service.setup_due:
                due = service._next_billing_date(rated_up_to, setup_due)
                moved.append((service.id, rated_up_to, setup_due, due or None))
        if moved:
            self._move_rated_up_to(moved)
        return charges

    def _move_rated_up_to(self, moved: list[tuple]):
        """Write (id, rated_up_to, setup_due, next_billing_date) of many services at once."""
        self.flush_recordset()
        ids, rated_up_to, setup_due, due = map(list, zip(*moved, strict=True))
        self.env.cr.execute(
            SQL(
                """
                UPDATE billing_service AS service
                   SET rated_up_to = moved.rated_up_to,
                       setup_due = moved.setup_due,
                       next_billing_date = moved.due,
                       write_uid = %s,
                       write_date = %s
                  FROM unnest(%s::int[], %s::date[], %s::bool[], %s::date[])
                       AS moved (id, rated_up_to, setup_due, due)
                 WHERE service.id = moved.id
                """,
                self.env.uid,
                self.env.cr.now(),
                ids,
                rated_up_to,
                setup_due,
                due,
            )
        )
        self.invalidate_recordset()
