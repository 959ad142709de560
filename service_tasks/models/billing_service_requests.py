from decimal import Decimal

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ...billing_tasks.texts import label
from ...services.periods import ONE_DAY
from ..request import OPERATIONS, Effect, Wish
from ..request_form import Field, as_json, as_typed, values_of
from .res_company_portal import AHEAD
from .service_operation import OPEN
from .service_operation_checks import EXPECTED

#: so many requests are shown of a service
HISTORY = 30


class BillingService(models.Model):
    """What a customer may ask for of a service in the portal: a change, to suspend and resume it, and
    its end.

    What is understood of a form is a wish; its effect is shown; then it is asked for by
    ``request_operation``, the one public door. All this is called as the system, for whom the
    controller has found to be the customer.
    """

    _inherit = "billing.service"

    # === WHAT IS POSSIBLE === #

    def _open_operations(self):
        """Return what was asked for and is not carried out yet, the first one first."""
        self.ensure_one()
        return self.operation_ids.filtered(lambda op: op.state in OPEN).sorted(
            lambda op: (op.effective_date, op.id)
        )

    def _portal_operations(self, partner):
        """Return what the customer may know of what was asked for, the latest first: all own requests,
        and what others asked for since the service is the customer's."""
        self.ensure_one()
        owner = self.partner_id.commercial_partner_id
        days = [
            version.date_to
            for version in self.version_ids
            if version.partner_id.commercial_partner_id != owner
        ]
        since = max(days, default=None)
        company = self.company_id
        return self.operation_ids.filtered(
            lambda op: (
                op._is_asked_by(partner)
                or not since
                or company._billing_date(op.create_date) > since
            )
        ).sorted("id", reverse=True)

    def _request_kinds(self) -> list[str]:
        """Return what the customer can ask for now."""
        self.ensure_one()
        return [kind for kind in OPERATIONS if not self._request_refusal(kind)]

    def _request_refusal(self, kind: str) -> str:
        """Return why the customer cannot ask for this now, and what to do; empty where it is possible."""
        self.ensure_one()
        if not self.company_id._customers_may(kind):
            return self.env._("This cannot be asked for here. Please contact us.")
        if self.state not in EXPECTED[OPERATIONS[kind]][0]:
            return self.env._(
                "This is not possible for a service in the state “%s”.", label(self, "state")
            )
        if open_ones := self._open_operations():
            return self.env._(
                "Another request for this service is open: %s. Wait until it is done, or withdraw "
                "it first.",
                open_ones[0]._portal_text(),
            )
        if self.state == "suspended" and self.suspension_reason != "client" and kind != "end":
            return self.env._("We have suspended this service. Please contact us.")
        if kind == "end" and self.date_end:
            return self.env._(
                "The end of this service is agreed: its last day is %s. Please contact us to change "
                "that.",
                format_date(self.env, self.date_end - ONE_DAY),
            )
        if kind == "change" and not self._is_changeable():
            return self.env._("Nothing of this service can be changed here. Please contact us.")
        return ""

    def _is_changeable(self) -> bool:
        self.ensure_one()
        tariff = self.tariff_id
        return bool(
            self._request_targets()
            or tariff._request_addons(self)
            or tariff._request_parameters({})
        )

    def _request_targets(self):
        """Return the tariffs to which the customer may change this service.

        What was agreed with one customer, a price or a discount, was agreed for the present tariff.
        """
        self.ensure_one()
        targets = self.tariff_id.portal_target_ids - self.tariff_id
        if self.price or self.discount:
            return targets.browse()
        return targets.filtered(
            lambda tariff: (
                tariff.portal_open
                and tariff.company_id == self.company_id
                and tariff.currency_id == self.currency_id
            )
        )

    def _request_days(self, kind: str) -> tuple:
        """Return the first and the last day for which the customer may ask this; of an end the last day
        of service is asked for."""
        self.ensure_one()
        not_before = {
            "change": self.terms_from,
            "suspend": self.date_start,
            "resume": self.date_suspended,
            "end": self.date_start,
        }
        first = max(filter(None, (self.company_id._request_day(kind), not_before[kind])))
        return first, first + AHEAD

    # === THE FORM === #

    def _request_fields(self, kind: str, tariff) -> list[Field]:
        """Return what the customer fills in, as it is now.

        :param tariff: of a change: the tariff that the service is to have
        """
        self.ensure_one()
        first, last = self._request_days(kind)
        labels = {
            "change": self.env._("First day of the change"),
            "suspend": self.env._("First day of the suspension"),
            "resume": self.env._("First day of service again"),
            "end": self.env._("Last day of service"),
        }
        begin = first
        if kind == "end":
            # What is billed already is used up, where that is later.
            begin = min(max(first, self.rated_up_to - ONE_DAY), last)
        day = Field(
            "day",
            "date",
            labels[kind],
            as_typed(begin),
            required=True,
            low=first,
            high=last,
            note=self.env._("%s or later", format_date(self.env, first)),
        )
        if kind != "change":
            return [day]
        present = self._present_quantities(tariff)
        addons = [
            addon._request_field(self._first_quantity(addon, present.get(addon.id, 0.0)))
            for addon in tariff._request_addons(self)
        ]
        return [*addons, *tariff._request_parameters(self._parameter_values()), day]

    def _present_quantities(self, tariff) -> dict[int, float]:
        """Return {add-on of the tariff: quantity} that the service has, or brings along to another
        tariff that offers the same product."""
        self.ensure_one()
        quantities = {line.product_id: line.quantity for line in self.addon_line_ids}
        return {
            addon.id: quantities[addon.product_id]
            for addon in self._offered_addons(tariff)
            if addon.product_id in quantities
        }

    def _first_quantity(self, addon, present: float) -> float:
        """Return the quantity with which the form begins: where the service has none, and of another
        tariff, at least what its price contains."""
        if present and addon.tariff_id == self.tariff_id:
            return present
        quantity = max(present, addon.included)
        if quantity:
            quantity = max(quantity, addon.minimum)
        return min(quantity, addon.maximum) if addon.maximum else quantity

    def _request_wish(self, kind: str, tariff, filled: list[Field]) -> Wish:
        """Return what the filled-in fields ask for.

        :raise UserError: one clear message, where they make no sense
        """
        self.ensure_one()
        read = values_of(self.env, filled)
        day = read["day"]
        if kind == "end":
            return Wish(kind, day + ONE_DAY, {})
        if kind == "suspend":
            return Wish(kind, day, {"reason": "client"})
        if kind == "resume":
            return Wish(kind, day, {})
        values = {}
        if tariff != self.tariff_id:
            values["tariff_id"] = tariff.id
        before = {field.name: field for field in self._request_fields(kind, tariff)}
        present = self._present_quantities(tariff)
        quantities = {}
        for addon in tariff._request_addons(self):
            quantity = read[f"addon_{addon.id}"] or 0.0
            untouched = as_typed(quantity) == before[f"addon_{addon.id}"].typed
            if quantity != present.get(addon.id, 0.0) and not (untouched and not values):
                quantities[str(addon.id)] = quantity
        if quantities:
            values["addon_quantities"] = quantities
        parameters = {
            field.name.removeprefix("parameter_"): as_json(read[field.name])
            for field in filled
            if field.name.startswith("parameter_")
            and field.typed.strip() != before[field.name].typed
        }
        if parameters:
            values["parameters"] = parameters
        if not values:
            raise UserError(
                self.env._("Nothing is different from what you have. Change something first.")
            )
        return Wish(kind, day, values)

    # === WHAT IT BRINGS === #

    def _request_effect(self, wish: Wish) -> Effect:
        """Return what a wish brings, without asking for it.

        :raise UserError: where it is not possible
        """
        self.ensure_one()
        operations = self.env["service.operation"]
        operation_type = OPERATIONS[wish.kind]
        values = operations._clean_values(operation_type, wish.values)
        operations._check_asked(self, operation_type, values)
        operations._check_possible(self, operation_type, values, wish.day, operations)
        operation = operations._unsaved(self, operation_type, values, wish.day)
        rows = operation._preview_rows(wish.day)
        summary = operation._describe_request() if wish.kind == "change" else []
        money = operation._effect_of(wish.day, rows)
        anyway, then = self._owed_anyway(wish, rows), self._price_then(wish, values)
        return Effect(summary, money, anyway, then, rows)

    def _owed_anyway(self, wish: Wish, rows: list[dict]) -> str:
        """Return which part of the charges is for days before a change, and would come without it."""
        earlier = [
            row["amount"]
            for row in rows
            if row["kind"] in ("recurring", "addon", "setup")
            and row["amount"] > 0
            and row["period_end"] <= wish.day
        ]
        if wish.kind not in ("change", "resume") or not earlier:
            return ""
        return self.env._(
            "Of this, %s is for the days before and is owed without this request, too.",
            self.tariff_id._money_text(sum(earlier)),
        )

    def _price_then(self, wish: Wish, values: dict) -> str:
        """Return what a full period costs from then on; empty where a wish does not touch it."""
        self.ensure_one()
        if wish.kind != "change":
            return ""
        changed = self._changed_values(self.env["service.operation"]._change_values(values))
        lines = self._get_changed_terms(wish.day, changed).lines
        tariff = self.tariff_id.browse(changed.get("tariff_id", self.tariff_id.id))
        amount = self.currency_id.round(float(sum((line.total for line in lines), Decimal(0))))
        return self.env._(
            "The price is then %(then)s; now it is %(now)s.",
            then=tariff._price_text(amount),
            now=self._portal_price(),
        )

    # === ASKING === #

    def _lock_for_request(self):
        """Keep other requests for these services out, and have those that come at the same moment
        begin anew afterwards, so that they see this one."""
        self._lock_rows()
        if self.ids:
            self.env.cr.execute(
                SQL(
                    "UPDATE billing_service SET write_date = write_date WHERE id = ANY(%s)",
                    self.ids,
                )
            )

    def _ask_for(self, wish: Wish, key: str):
        """Ask for what the customer has confirmed.

        :param str key: the key of the form, by which its second sending is recognised
        :raise UserError: where it is not possible any more
        """
        self.ensure_one()
        if refusal := self._request_refusal(wish.kind):
            raise UserError(refusal)
        operation = self.request_operation(
            OPERATIONS[wish.kind], wish.values or None, effective_date=wish.day, source="client"
        )
        operation._own().key = key
        return operation
