from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ..periods import Period, Schedule, due_periods, iter_periods, next_due_day
from ..proration import PriceLine, charge_row, recurring_line, setup_row, smallest_coin
from .billing_service import BILLED_STATES


class Terms(NamedTuple):
    """What a service costs: its schedule, its priced lines, its currency's smallest coin, who
    pays, and whether a suspension pauses it."""

    schedule: Schedule
    timing: str
    proration: str
    lines: list[PriceLine]
    rounding: Decimal
    partner_id: int
    pauses: bool


class Segment(NamedTuple):
    """Days ``[start, stop)`` of the same terms that are served; without end where stop is None.
    ``until`` is the end of the terms themselves, which a suspension may cut. ``joins`` says that only
    prices change on its first day: what is left of a period in advance is due with the period."""

    terms: Terms
    start: date
    stop: date | None
    until: date | None
    joins: bool = False

    def cutoff(self, day: date, cutoff: date) -> date:
        """Return up to when periods from ``day`` on are due, where a run's cutoff is another one."""
        if self.joins and day == self.start and self.terms.timing == "advance" and cutoff < day:
            period = next(iter_periods(self.terms.schedule, day, None, self.terms.proration))
            if period.full_start <= cutoff:
                return day
        return cutoff


class BillingService(models.Model):
    """Rating: turn what services cost into charges, in batches.

    Everything is read once, priced by the pure functions of ``periods`` and ``proration``, and
    inserted in one statement. The preview walks the same path without writing.
    """

    _inherit = "billing.service"

    @api.private
    def _rate(self, cutoff_date: date):
        """Create every charge that is due up to ``cutoff_date``, the last included day.

        Works on services of one company and any billing terms. Creates recurring, add-on and
        set-up charges, one a period, and moves ``rated_up_to``. Repeating it, also after a crash
        or from two workers at once, creates nothing twice.

        :return: the new charges (state rated)
        :raise UserError: naming the first services that cannot be rated (see ``_check_ratable``)
        """
        services = self._billed()
        services._lock_rows()
        problems = services._check_ratable()
        if problems:
            messages = [message for _code, message in list(problems.values())[:5]]
            raise UserError("\n".join(messages))
        segments = {}
        rated = services._rate_rows(cutoff_date, segments=segments)
        return services._store_rating(rated, segments)

    @api.private
    def _preview_charges(self, cutoff_date: date) -> list[dict]:
        """Return the charges that ``_rate`` would create, as value dicts with Decimal money. No writes."""
        services = self._billed()
        rated = services._rate_rows(cutoff_date)
        return self.env["billing.charge"]._complete_rows(
            [row for rows, _rated_up_to in rated.values() for row in rows]
        )

    @api.private
    def _check_ratable(self) -> dict:
        """Return {service: (code, message)} of the services that cannot be rated as they are.

        Codes: product_archived, partner_archived, currency_archived.
        """
        problems = {}
        # By tariffs and add-ons, of which there are few.
        products = self.tariff_id.product_id | self.addon_line_ids.addon_id.product_id
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
        """Return the services among these that can owe anything, all of one company."""
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

    def _rate_rows(self, cutoff: date, until: date | None = None, segments: dict | None = None):
        """Return {service: (charge rows, first unrated day after them)} of what is due by ``cutoff``.

        :param until: bill the days before this one only, part periods included, and no set-up
        :param segments: gets ``{service: its unrated segments}``, for who goes on with them
        """
        result = {}
        past = self._past_versions()
        for service in self:
            rows = [] if until else service._setup_rows(cutoff)
            rated_up_to = service.rated_up_to
            found = list(service._segments(past.get(service.id, ())))
            if segments is not None:
                segments[service] = found
            for segment in found:
                terms = segment.terms
                stop = min(filter(None, (segment.stop, until)), default=None)
                start = max(segment.start, rated_up_to)
                reach = segment.cutoff(start, cutoff)
                for period in due_periods(
                    terms.schedule, start, stop, reach, terms.timing, terms.proration
                ):
                    rows.extend(service._period_rows(terms, period))
                    rated_up_to = start = period.end
                if stop is None or start < stop:
                    break  # what is due later comes first
            result[service] = (rows, rated_up_to)
        return result

    # === WHICH TERMS COUNT ON WHICH DAY === #

    def _past_versions(self) -> dict[int, list]:
        """Return {service id: past terms of days that are not rated yet, in order}. Few have any."""
        behind = self.filtered(lambda s: s.rated_up_to and s.rated_up_to < s.terms_from)
        if not behind:
            return {}
        versions = self.env["billing.service.version"].search(
            [("service_id", "in", behind.ids)], order="service_id, date_from"
        )
        open_ones = versions.filtered(lambda v: v.date_to > v.service_id.rated_up_to)
        return {service.id: list(rows) for service, rows in open_ones.grouped("service_id").items()}

    def _segments(self, past) -> Iterator[Segment]:
        """Yield the unrated days of this service in order, cut where its terms changed, or its prices
        will.

        :param past: its ``billing.service.version`` with unrated days
        """
        self.ensure_one()
        since = self.rated_up_to
        for version in past:
            terms = self._terms(version, version.anchor_date, version._price_lines())
            yield self._segment(terms, version.date_from, version.date_to)
            since = version.date_to
        for number, days in enumerate(self._coming_terms(self._get_terms(), since)):
            yield self._segment(*days, joins=number > 0)

    def _segment(
        self, terms: Terms, start: date, until: date | None, joins: bool = False
    ) -> Segment:
        days = [until, self.date_end]
        if terms.pauses:
            days.append(self.date_suspended)
        return Segment(terms, start, min(filter(None, days), default=None), until, joins)

    def _get_terms(self) -> Terms:
        """Return the present terms of this service. Lines without a price are left out."""
        self.ensure_one()
        return self._terms(self, self.anchor_date, list(self._price_lines()))

    def _terms(self, holder, anchor: date, lines: list[PriceLine]) -> Terms:
        """Return the terms of a record that has billing terms and a customer: this service as it is, or a
        past version of it."""
        scheme = holder.term_scheme_id
        return Terms(
            scheme._get_schedule(anchor),
            scheme.timing,
            scheme.proration,
            lines,
            smallest_coin(self.currency_id),
            holder.partner_id.id,
            not scheme.bill_suspended,
        )

    def _paused_until(self, day: date) -> date | None:
        """Return the end of the unrated days before ``day`` on which this suspended service was paused."""
        self.ensure_one()
        ends = []
        for terms, start, _stop, until, _joins in self._segments(
            self._past_versions().get(self.id, ())
        ):
            start = max(start, self.rated_up_to, self.date_suspended)
            end = min(filter(None, (until, day)))
            if terms.pauses and start < end:
                ends.append(end)
        return max(ends, default=None)

    def _price_lines(self) -> Iterator[PriceLine]:
        price = self.price or self.tariff_id.price
        if price:
            product = self.tariff_id.product_id
            yield recurring_line(product.id, price, self.quantity, self.discount)
        for line in self.addon_line_ids:
            if priced := line.addon_id._price_line(line.id, line.quantity, line.own_price):
                yield priced

    def _period_rows(self, terms: Terms, period: Period) -> Iterator[dict]:
        # A period can begin on the same day again once a change took it back.
        changed = f":{self.terms_count}" if self.terms_count else ""
        for line in terms.lines:
            what = f"addon:{line.addon_line_id}" if line.kind == "addon" else "recurring"
            yield charge_row(line, period, terms.rounding) | {
                "service_id": self.id,
                "partner_id": terms.partner_id,
                "source_key": f"service:{self.id}:{what}:{period.start}{changed}",
            }

    def _setup_rows(self, cutoff: date) -> list[dict]:
        """Return the charge for setting the service up, due once from its first day, at the price of
        its activation."""
        if not self.setup_due or self.date_start > cutoff:
            return []
        coin = smallest_coin(self.currency_id)
        return [
            setup_row(self.setup_product_id.id, self.setup_price, self.date_start, coin)
            | {
                "service_id": self.id,
                "partner_id": self.partner_id.id,
                "source_key": f"service:{self.id}:setup",
            }
        ]

    def _store_rating(self, rated: dict, segments: dict | None = None):
        """Insert the rows of ``_rate_rows`` and move their services on. Returns new charges.

        :param segments: from ``_rate_rows``, where they are known
        """
        segments = segments or {}
        rows = [row for rows, _rated_up_to in rated.values() for row in rows]
        crash_point("rating.before_insert")
        charges = self.env["billing.charge"]._insert_rows(rows)
        moved = []
        for service, (service_rows, rated_up_to) in rated.items():
            setup_due = service.setup_due and not any(r["kind"] == "setup" for r in service_rows)
            if rated_up_to != service.rated_up_to or setup_due != service.setup_due:
                due = service._next_billing_date(rated_up_to, setup_due, segments.get(service))
                moved.append((service.id, rated_up_to, setup_due, due or None))
        if moved:
            self._move_rated_up_to(moved)
        return charges

    def _next_billing_date(
        self, rated_up_to: date, setup_due: bool, segments: list[Segment] | None = None
    ) -> date | bool:
        """Return the earliest cutoff that takes something when rating has come to ``rated_up_to``.

        :param segments: the unrated days, where they are known
        """
        self.ensure_one()
        if self.state not in BILLED_STATES:
            return False
        due = None
        if segments is None:
            segments = self._segments(self._past_versions().get(self.id, ()))
        for terms, start, stop, *_rest in segments:
            start = max(start, rated_up_to)
            due = next_due_day(terms.schedule, start, stop, terms.timing, terms.proration)
            if due:
                break
        if setup_due:
            due = min(due or self.date_start, self.date_start)
        return due or False

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
