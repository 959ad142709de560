from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from ..periods import ONE_DAY, boundary_on_or_after, days_left, due_day, iter_periods
from ..proration import charge_row, part_row, recurring_line
from .billing_charge import LIVE_STATES
from .billing_service import ORDERED_FIELDS

CHANGEABLE = (
    "partner_id",
    "tariff_id",
    "price",
    "quantity",
    "discount",
    "date_end",
    "parameters",
    "name",
)
# A change of these alone is settled from the end of the service, not from the day of the change.
WITHOUT_TERMS = {"date_end", "name", "parameters"}
# What makes a credit and a charge the same thing: on days of both they are both left out.
SAME_THING = (
    "partner_id",
    "product_id",
    "full_start",
    "full_end",
    "full_price",
    "discount",
)


class ChangePlan(NamedTuple):
    """What a change comes to: closing charges at the old terms, adjustments, new values, the past
    terms to keep, and from which day on charges no longer count (``{charge id: day}``)."""

    closing: list[dict]
    adjustments: list[dict]
    values: dict
    version: dict | None
    cut: dict[int, date]


class BillingService(models.Model):
    """Changes of running services, settled to the day.

    What is not rated yet is first rated at the old terms up to the effective date. What is
    rated beyond it was billed ahead: the ledger's charges of those days are credited with the
    very prices they carry, to whom they were charged, and the new terms are charged for the same
    days as far as they are due by then; later runs take the rest. What is not owed any more
    (waived, credited by hand) is not paid out either.
    """

    _inherit = "billing.service"

    @api.private
    def _change(self, effective_date: date, values: dict):
        """Apply new terms from ``effective_date`` on and settle what was or was not billed.

        :param values: any of partner_id, tariff_id, price, quantity, discount, date_end,
            parameters, name and ``addon_quantities`` ({tariff add-on id: quantity}). A new tariff without a new
            price drops the service's own price, and takes over add-ons with the same product.
            ``date_end`` alone settles from the earlier of the old and the new end, whatever the
            effective date.
        :return: the new charges: closing parts and adjustments
        :raise UserError: for days outside the service or before its last change
        """
        self._lock_rows()
        charges = self.env["billing.charge"]
        effective = fields.Date.to_date(effective_date)
        for service in self:
            plan = service._plan_change(effective, values)
            charges |= charges._insert_rows(plan.closing + plan.adjustments)
            charges._cut(plan.cut)
            if plan.version:
                # Nobody has the right to write the past.
                self.env["billing.service.version"].sudo().create(plan.version)
            service._own().write(plan.values)
        return charges

    @api.private
    def _preview_change(self, effective_date: date, values: dict) -> list[dict]:
        """Return the charges that ``_change`` would create, as value dicts with Decimal money."""
        self.ensure_one()
        plan = self._plan_change(fields.Date.to_date(effective_date), values)
        return self.env["billing.charge"]._complete_rows(plan.closing + plan.adjustments)

    def _plan_change(self, effective: date, values: dict) -> ChangePlan:
        self.ensure_one()
        values = self._changed_values(values)
        if self.state == "ordered":
            return ChangePlan([], [], values, None, {})
        if self.state not in ("active", "suspended"):
            raise UserError(
                self.env._(
                    "Service %s has ended and cannot be changed. Order a new one.",
                    self.display_name,
                )
            )
        if not (ORDERED_FIELDS | {"addon_line_ids", "partner_id"}).intersection(values):
            return ChangePlan([], [], values, None, {})
        self._check_change_currency(values)
        self._check_change_dates(effective, values)
        old = self._get_terms()
        only_end = set(values) <= WITHOUT_TERMS
        if only_end:
            effective = min(filter(None, (self.date_end, values["date_end"])), default=effective)
        if old.proration == "none":
            effective = self._whole_periods_from(old.schedule, effective)
        closing, rated_up_to = [], self.rated_up_to
        if not only_end and rated_up_to < effective:
            rated = self._rate_rows(effective - ONE_DAY, until=effective)
            closing, rated_up_to = rated[self]
        if "partner_id" in values:
            # Who had it on the first day pays for the set-up.
            closing = self._setup_rows(effective - ONE_DAY) + closing
        new = self._get_changed_terms(effective, values)
        end = values.get("date_end", self.date_end) or None
        adjustments, cut, rated_up_to = self._adjust_rated_days(
            effective, rated_up_to, new, end, old.timing
        )
        values = values | {
            "rated_up_to": rated_up_to,
            "change_count": self.change_count + 1,
        }
        if any(row["kind"] == "setup" for row in closing):
            values["setup_due"] = False
        version = None
        if not only_end:
            values |= {
                "terms_from": effective,
                "anchor_date": new.schedule.anchor,
                "terms_count": self.terms_count + 1,
            }
            version = self._past_version(old, effective)
        return ChangePlan(closing, adjustments, values, version, cut)

    def _past_version(self, old, effective: date) -> dict | None:
        """Values of the past terms that a change on ``effective`` leaves behind, if any days do."""
        start = max(self.version_ids.mapped("date_to"), default=self.date_start)
        if start >= effective:
            return None
        return {
            "service_id": self.id,
            "date_from": start,
            "date_to": effective,
            "partner_id": self.partner_id.id,
            "tariff_id": self.tariff_id.id,
            "term_scheme_id": self.term_scheme_id.id,
            "quantity": self.quantity,
            "price": self.price or self.tariff_id.price,
            "discount": self.discount,
            "anchor_date": self.anchor_date,
            "lines": self.env["billing.service.version"]._lines_to_json(old.lines),
        }

    def _whole_periods_from(self, schedule, day: date) -> date:
        """Return the first day from ``day`` on, on which a period of terms that bill whole periods begins:
        also the first day of one that began off the schedule."""
        if day == self.rated_up_to:
            return day
        begins = self.env["billing.charge"].search_count(
            [
                *self.env["billing.charge"]._creditable_domain(self.ids),
                ("period_start", "=", day),
            ],
            limit=1,
        )
        return day if begins else boundary_on_or_after(schedule, day)

    def _changed_values(self, values: dict) -> dict:
        """Field values of the change that differ from the present ones."""
        unknown = set(values) - {*CHANGEABLE, "addon_quantities"}
        if unknown:
            raise UserError(
                self.env._(
                    "A change of a service can set %(allowed)s, not %(unknown)s.",
                    allowed=", ".join((*CHANGEABLE, "addon_quantities")),
                    unknown=", ".join(sorted(unknown)),
                )
            )
        changed = {}
        for name in CHANGEABLE:
            if name not in values:
                continue
            field = self._fields[name]
            if name == "parameters":
                changed[name] = values[name]
                continue
            if name == "partner_id" and not values[name]:
                raise UserError(self.env._("Service %s needs a customer.", self.display_name))
            value = field.convert_to_cache(values[name], self, validate=False)
            if value != field.convert_to_cache(self[name], self, validate=False):
                changed[name] = value
        if "tariff_id" in changed and "price" not in values:
            changed["price"] = 0.0
        commands = self._addon_commands(
            self.env["billing.tariff"].browse(changed.get("tariff_id", self.tariff_id.id)),
            {int(key): qty for key, qty in (values.get("addon_quantities") or {}).items()},
        )
        if commands:
            changed["addon_line_ids"] = commands
        return changed

    def _addon_commands(self, tariff, quantities: dict[int, float]) -> list:
        """Commands that give the service ``quantities`` of the tariff's add-ons.

        Add-ons not named keep their quantity; on a new tariff those with the same product do.
        Quantity 0 takes an add-on off.
        """
        offered = {addon.product_id: addon for addon in tariff.addon_ids}
        unknown = set(quantities) - set(self._offered_addons(tariff).ids)
        if unknown:
            raise UserError(
                self.env._("Tariff %s does not offer one of the add-ons.", tariff.display_name)
            )
        commands, kept = [], {}
        for line in self.addon_line_ids:
            addon = offered.get(line.product_id)
            if line.addon_id.tariff_id == tariff:
                # Also one that the tariff offers no more: the service keeps it.
                kept[line.addon_id.id] = line
                quantity = quantities.get(line.addon_id.id, line.quantity)
                if not quantity:
                    commands.append(Command.update(line.id, {"active": False}))
                elif quantity != line.quantity:
                    commands.append(Command.update(line.id, {"quantity": quantity}))
                continue
            # Charges refer to the line: it stays for them, out of use.
            commands.append(Command.update(line.id, {"active": False}))
            if addon:
                quantities = {addon.id: line.quantity} | quantities
        commands += [
            Command.create({"addon_id": addon_id, "quantity": quantity})
            for addon_id, quantity in quantities.items()
            if quantity and addon_id not in kept
        ]
        return commands

    def _offered_addons(self, tariff):
        """Return the add-ons of a tariff that this service can have: also those that it has and that the
        tariff offers to others no more."""
        present = self.addon_line_ids.addon_id.filtered(lambda addon: addon.tariff_id == tariff)
        return tariff.addon_ids | present

    def _check_change_currency(self, values: dict):
        tariff = self.env["billing.tariff"].browse(values.get("tariff_id", self.tariff_id.id))
        if tariff.currency_id != self.currency_id:
            raise ValidationError(
                self.env._(
                    "Service %(service)s is billed in %(currency)s, but the prices of tariff "
                    "%(tariff)s are in %(tariff_currency)s. Choose a tariff in %(currency)s, or "
                    "end the service and order a new one.",
                    service=self.display_name,
                    currency=self.currency_id.name,
                    tariff=tariff.display_name,
                    tariff_currency=tariff.currency_id.name,
                )
            )

    def _check_change_dates(self, effective: date, values: dict):
        end = values.get("date_end") or None
        if end and end < self.date_start:
            raise UserError(
                self.env._(
                    "Service %(service)s cannot end on %(day)s: it starts on %(start)s.",
                    service=self.display_name,
                    day=end,
                    start=self.date_start,
                )
            )
        if set(values) <= WITHOUT_TERMS:
            extends = self.date_end and (not end or end > self.date_end)
            if extends and self.date_end < min(self.terms_from, self.rated_up_to):
                raise UserError(
                    self.env._(
                        "Service %(service)s ended on %(day)s, before its last change on "
                        "%(changed)s, and cannot be extended from there. Order a new one.",
                        service=self.display_name,
                        day=self.date_end,
                        changed=self.terms_from,
                    )
                )
            return
        if effective < self.terms_from:
            raise UserError(
                self.env._(
                    "Service %(service)s cannot be changed from %(day)s: its present terms count "
                    "since %(since)s. Choose that day or a later one.",
                    service=self.display_name,
                    day=effective,
                    since=self.terms_from,
                )
            )
        if self.date_end and effective >= self.date_end or end and effective >= end:
            raise UserError(
                self.env._(
                    "Service %(service)s ends on %(end)s and cannot be changed from %(day)s.",
                    service=self.display_name,
                    end=min(filter(None, (self.date_end, end))),
                    day=effective,
                )
            )

    def _get_changed_terms(self, effective: date, values: dict):
        """Return the terms after the change. Another interval starts anew on the effective date."""
        old = self._get_terms()
        tariff = self.env["billing.tariff"].browse(values.get("tariff_id", self.tariff_id.id))
        scheme = tariff.term_scheme_id
        schedule = scheme._get_schedule(old.schedule.anchor)
        if schedule != old.schedule:
            schedule = scheme._get_schedule(effective)
        lines = []
        price = values.get("price", self.price) or tariff.price
        if price:
            lines.append(
                recurring_line(
                    tariff.product_id.id,
                    price,
                    values.get("quantity", self.quantity),
                    values.get("discount", self.discount),
                )
            )
        for addon, *line in self._changed_addons(values.get("addon_line_ids", ())):
            if priced := addon._price_line(*line):
                lines.append(priced)
        return old._replace(
            schedule=schedule,
            timing=scheme.timing,
            proration=scheme.proration,
            lines=lines,
            partner_id=values.get("partner_id", self.partner_id.id),
            pauses=not scheme.bill_suspended,
        )

    def _changed_addons(self, commands: list):
        """Yield (tariff add-on, line id or None, quantity, own price) of every add-on after
        ``commands``."""
        updates = {line_id: vals for code, line_id, vals in commands if code == Command.UPDATE}
        for line in self.addon_line_ids:
            vals = updates.get(line.id, {})
            if vals.get("active", True):
                yield line.addon_id, line.id, vals.get("quantity", line.quantity), line.own_price
        for code, _line_id, vals in commands:
            if code == Command.CREATE:
                addon = self.env["billing.tariff.addon"].browse(vals["addon_id"])
                yield addon, None, vals["quantity"], 0.0

    def _adjust_rated_days(self, effective, rated_up_to, new, end, old_timing):
        """Settle the days from ``effective`` that are rated already.

        :param end: first day that is no longer served, or None
        :param old_timing: when the charges of those days were due
        :return: (adjustments, {charge id: from when on it no longer counts}, first unrated day
            after them: earlier than before where the new terms bill later, later where whole
            periods of a longer interval began)
        """
        if rated_up_to <= effective:
            return [], {}, rated_up_to
        charges = self.env["billing.charge"]
        rated = charges.search(
            [*charges._creditable_domain(self.ids), ("period_end", ">", effective)],
            order="period_start, id",
        )
        charged, rated_up_to = self._new_rows(effective, rated_up_to, new, end, rated, old_timing)
        credited = rated._credited_days()
        kept, charged = self._keep_same(effective, rated, credited, charged, new.rounding)
        rows, cut = self._credit_rows(effective, rated, credited, kept, new.rounding)
        planned = defaultdict(Decimal)
        for row in rows:
            planned[row["credited_id"]] += row["amount"]
        rows += charged
        for index, row in enumerate(rows, start=1):
            row |= {
                "kind": "adjustment",
                "service_id": self.id,
                "source_key": f"service:{self.id}:change:{self.change_count + 1}:{index}",
            }
        return rows + rated._withheld_rows(planned, charged), cut, rated_up_to

    def _new_rows(self, effective, rated_up_to, new, end, rated, old_timing) -> tuple:
        """Return what the new terms charge for the rated days from ``effective`` on, as far as it is due:
        by the day of the change, or by the last day on which something of those days was due.

        :return: (rows, first unrated day after them)
        """
        cutoff = max(
            [effective]
            + [
                charge.period_start if old_timing == "advance" else charge.period_end - ONE_DAY
                for charge in rated
            ]
        )
        stop = max(min(filter(None, (end, rated_up_to))), effective)
        rows, start = [], effective
        for terms, first, until in self._coming_terms(new, effective):
            start, last = max(start, first), min(filter(None, (until, stop)))
            for period in iter_periods(new.schedule, start, last, new.proration):
                if due_day(period, end, new.timing) > cutoff:
                    return rows, period.start
                for line in terms.lines:
                    row = charge_row(line, period, new.rounding)
                    rows.append(row | {"label": "change", "partner_id": new.partner_id})
                start, rated_up_to = period.end, max(rated_up_to, period.end)
        return rows, rated_up_to

    def _keep_same(self, effective, rated, credited, charged, rounding: Decimal) -> tuple:
        """Leave days as they are for which the new terms charge the very same thing to the same customer.

        What was forgiven for these days before a change or end took them away stays forgiven.
        What was credited before it was forgiven does not: those days were not owed by then.

        :param rated: the charges of days from ``effective`` on
        :param credited: which of their days were taken back already
        :param charged: the rows of the new terms
        :return: ({charge id: [(first day, first day after)] that stay}, the rows left to charge)
        """
        kept = defaultdict(list)
        forgiven = [charge for charge in rated if self._counts_again(charge, effective)]
        spans = [(c, max(effective, c._charged_end()), c.period_end) for c in forgiven]
        spans += [(c, max(effective, c.period_start), c._charged_end()) for c in rated]
        for charge, start, end in spans:
            for days in days_left(start, end, credited[charge.id]):
                same, charged = self._take_same(charge, *days, charged, rounding)
                kept[charge.id] += same
        return kept, charged

    def _counts_again(self, charge, effective) -> bool:
        """Whether a charge was forgiven for days that were taken away afterwards, and can count for
        them again: other charges of the days between would overlap with it."""
        end = charge._charged_end()
        if charge.state != "waived" or end == charge.period_end:
            return False
        if charge.kind == "adjustment" or end >= effective:
            return True
        between = [
            ("service_id", "=", self.id),
            ("addon_line_id", "=", charge.addon_line_id.id),
            ("kind", "=", charge.kind),
            ("state", "!=", "void"),
            ("id", "!=", charge.id),
            ("period_start", "<", effective),
            ("period_end", ">", end),
        ]
        return not charge.search_count(between, limit=1)

    def _take_same(self, charge, start, end, rows, rounding: Decimal) -> tuple:
        """Take the days ``[start, end)`` of a charge out of the rows that charge the same thing.

        :return: ([(first day, first day after)] taken out, the rows left)
        """
        credit = charge._credit_row(start, end, rounding)
        same, left = [], []
        for row in rows:
            first, stop = max(start, row["period_start"]), min(end, row["period_end"])
            if first >= stop or not self._is_opposite(credit, row):
                left.append(row)
                continue
            same.append((first, stop))
            parts = days_left(row["period_start"], row["period_end"], [(first, stop)])
            left += [part_row(row, *part, rounding) for part in parts]
        return same, left

    def _credit_rows(self, effective, rated, credited, kept, rounding: Decimal) -> tuple:
        """Take back what the ledger holds for the days from ``effective`` on and what is not kept.

        A charge that is not owed any more gives nothing back: it only ends earlier.

        :return: (credit rows, {charge id: from which day on it no longer counts})
        """
        rows, cut = [], {}
        for charge in rated:
            start, end = max(effective, charge.period_start), charge._charged_end()
            stays = kept[charge.id]
            if start >= end and not stays:
                continue
            cut[charge.id] = until = max((stop for _first, stop in stays), default=start)
            if charge.state in LIVE_STATES:
                until = max(until, end)
            # Of a forgiven charge the days between that others have charged.
            for days in days_left(min(start, end), until, [*credited[charge.id], *stays]):
                row = charge._credit_row(*days, rounding)
                if row["amount"]:
                    rows.append(row)
        return rows, cut

    @api.model
    def _is_opposite(self, row: dict, other: dict) -> bool:
        return other["quantity"] == -row["quantity"] and all(
            other[name] == row[name] for name in SAME_THING
        )
