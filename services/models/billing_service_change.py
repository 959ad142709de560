from collections import defaultdict
from datetime import date, timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..periods import Period, boundary_on_or_after, iter_periods
from ..proration import PriceLine, charge_row, negated, to_decimal
from .billing_service import ORDERED_FIELDS

CHANGEABLE = ("tariff_id", "price", "quantity", "discount", "date_end", "parameters", "name")
ONE_DAY = timedelta(days=1)


class ChangePlan(NamedTuple):
    """What a change comes to: closing charges at the old terms, adjustments, new values."""

    effective: date
    closing: list[dict]
    adjustments: list[dict]
    values: dict


class BillingService(models.Model):
    """Changes of running services, settled to the day.

    What is not rated yet is first rated at the old terms up to the effective date. What is
    rated beyond it was billed ahead: the ledger's charges of those days are credited with the
    very prices they carry, and the new terms are charged for the same days. `rated_up_to`
    never moves back, so the recurring charges of a service never overlap and a day that was
    credited is charged again only by an adjustment.
    """

    _inherit = "billing.service"

    @api.private
    def _change(self, effective_date: date, values: dict):
        """Apply new terms from `effective_date` on and settle what was or was not billed.

        :param values: any of tariff_id, price, quantity, discount, date_end, parameters, name
            and ``addon_quantities`` ({tariff add-on id: quantity}). A new tariff without a new
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
            service._unguarded().write(plan.values)
        return charges

    @api.private
    def _preview_change(self, effective_date: date, values: dict) -> list[dict]:
        """The charges that `_change` would create, as value dicts with Decimal money."""
        self.ensure_one()
        plan = self._plan_change(fields.Date.to_date(effective_date), values)
        return self.env["billing.charge"]._complete_rows(plan.closing + plan.adjustments)

    def _plan_change(self, effective: date, values: dict) -> ChangePlan:
        self.ensure_one()
        values = self._changed_values(values)
        if self.state == "ordered":
            return ChangePlan(effective, [], [], values)
        if self.state not in ("active", "suspended"):
            raise UserError(
                self.env._(
                    "Service %s has ended and cannot be changed. Order a new one.",
                    self.display_name,
                )
            )
        if not (ORDERED_FIELDS | {"addon_line_ids"}).intersection(values):
            return ChangePlan(effective, [], [], values)
        self._check_change_dates(effective, values)
        old = self._get_terms()
        only_end = set(values) <= {"date_end", "name", "parameters"}
        if only_end:
            effective = min(filter(None, (self.date_end, values["date_end"])), default=effective)
        if old.proration == "none":
            effective = boundary_on_or_after(old.schedule, effective)
        closing, rated_up_to = [], self.rated_up_to
        if not only_end and rated_up_to < effective:
            rated = self._rate_rows(effective - ONE_DAY, until=effective)
            closing, rated_up_to = rated[self]
        new = self._get_changed_terms(effective, values)
        end = values.get("date_end", self.date_end) or None
        adjustments, rated_up_to = self._adjust_rated_days(effective, rated_up_to, new, end)
        values = values | {
            "rated_up_to": rated_up_to,
            "change_count": self.change_count + 1,
        }
        if not only_end:
            values |= {"terms_from": effective, "anchor_date": new.schedule.anchor}
        return ChangePlan(effective, closing, adjustments, values)

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
        """Commands that give the service `quantities` of the tariff's add-ons.

        Add-ons not named keep their quantity; on a new tariff those with the same product do.
        Quantity 0 takes an add-on off.
        """
        offered = {addon.product_id: addon for addon in tariff.addon_ids}
        unknown = set(quantities) - set(tariff.addon_ids.ids)
        if unknown:
            raise UserError(
                self.env._("Tariff %s does not offer one of the add-ons.", tariff.display_name)
            )
        commands, kept = [], {}
        for line in self.addon_line_ids:
            addon = offered.get(line.product_id)
            if addon == line.addon_id:
                kept[addon.id] = line
                quantity = quantities.get(addon.id, line.quantity)
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
        if set(values) <= {"date_end", "name", "parameters"}:
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
        """The terms after the change. Another interval starts anew on the effective date."""
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
                PriceLine(
                    "recurring",
                    tariff.product_id.id,
                    None,
                    to_decimal(price),
                    to_decimal(values.get("quantity", self.quantity)),
                    to_decimal(values.get("discount", self.discount)),
                )
            )
        for addon, line_id, quantity in self._changed_addons(values.get("addon_line_ids", ())):
            billed = to_decimal(quantity) - to_decimal(addon.included)
            if addon.price and billed > 0:
                lines.append(
                    PriceLine(
                        "addon",
                        addon.product_id.id,
                        line_id,
                        to_decimal(addon.price),
                        billed,
                        to_decimal(0),
                    )
                )
        return old._replace(
            schedule=schedule, timing=scheme.timing, proration=scheme.proration, lines=lines
        )

    def _changed_addons(self, commands: list):
        """(tariff add-on, line id or None, quantity) of every add-on after `commands`."""
        updates = {line_id: vals for code, line_id, vals in commands if code == Command.UPDATE}
        for line in self.addon_line_ids:
            vals = updates.get(line.id, {})
            if vals.get("active", True):
                yield line.addon_id, line.id, vals.get("quantity", line.quantity)
        for code, _line_id, vals in commands:
            if code == Command.CREATE:
                addon = self.env["billing.tariff.addon"].browse(vals["addon_id"])
                yield addon, None, vals["quantity"]

    def _adjust_rated_days(self, effective, rated_up_to, new, end) -> tuple[list, date]:
        """Adjustments for the days from `effective` that are rated already, and the first
        unrated day after them (later only when whole periods of a longer interval began)."""
        if rated_up_to <= effective:
            return [], rated_up_to
        rows = self._credit_rows(effective, new.rounding)
        stop = min(filter(None, (end, rated_up_to)))
        for period in iter_periods(new.schedule, effective, max(stop, effective), new.proration):
            for line in new.lines:
                rows.append(charge_row(line, period, new.rounding) | {"label": "change"})
            rated_up_to = max(rated_up_to, period.end)
        rows = self._without_cancelling(rows)
        for index, row in enumerate(rows, start=1):
            row |= {
                "kind": "adjustment",
                "service_id": self.id,
                "source_key": f"service:{self.id}:change:{self.change_count + 1}:{index}",
            }
        return rows, rated_up_to

    def _credit_rows(self, effective: date, rounding) -> list[dict]:
        """Take back what the ledger holds for the days from `effective` on.

        Charges that were waived are not owed and not credited. Earlier adjustments count like
        the charges they adjusted, so a second change in a period credits the first one's price.
        """
        positions = defaultdict(lambda: to_decimal(0))
        charges = self.env["billing.charge"].search(
            [
                ("service_id", "=", self.id),
                ("state", "in", ("rated", "invoiced")),
                ("kind", "in", ("recurring", "addon", "adjustment")),
                ("full_start", "!=", False),
                ("period_end", ">", effective),
            ],
            order="period_start, id",
        )
        for charge in charges:
            position = (
                charge.product_id.id,
                charge.addon_line_id.id or None,
                to_decimal(charge.full_price),
                to_decimal(charge.discount),
                Period(
                    max(charge.period_start, effective),
                    charge.period_end,
                    charge.full_start,
                    charge.full_end,
                ),
            )
            positions[position] += to_decimal(charge.quantity)
        rows = []
        for (product_id, addon_line_id, price, discount, period), quantity in positions.items():
            if quantity:
                line = PriceLine("adjustment", product_id, addon_line_id, price, quantity, discount)
                rows.append(charge_row(negated(line), period, rounding) | {"label": "credit"})
        return rows

    def _without_cancelling(self, rows: list[dict]) -> list[dict]:
        """Leave out a credit and a charge of the same thing at the same price and days."""
        kept = []
        for row in rows:

            def opposite(other, row=row):
                return other["quantity"] == -row["quantity"] and all(
                    other[name] == row[name]
                    for name in (
                        "product_id",
                        "period_start",
                        "period_end",
                        "full_start",
                        "full_end",
                        "full_price",
                        "discount",
                    )
                )

            match = next(filter(opposite, kept), None)
            if match is not None:
                kept.remove(match)
            else:
                kept.append(row)
        return kept
