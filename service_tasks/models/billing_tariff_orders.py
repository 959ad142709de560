from decimal import Decimal

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import format_date

from ...billing_tasks.dry_run import dry_run
from ..request import Effect, Wish
from ..request_form import LONGEST, Field, as_json, as_typed, values_of
from .res_company_portal import AHEAD

#: so many orders of a customer may wait at once
MOST_ORDERS = 20


class BillingTariff(models.Model):
    """Orders of customers in the portal: a service of the tariff, and its set-up asked for.

    Called as the system, for a login to whom the tariff is offered.
    """

    _inherit = "billing.tariff"

    def _order_fields(self) -> list[Field]:
        """Return what the customer fills in."""
        self.ensure_one()
        first = self.company_id._request_day("order")
        addons = [addon._request_field(addon._order_quantity()) for addon in self._request_addons()]
        return [
            Field(
                "name",
                "char",
                self.env._("Name of the service"),
                note=self.env._(
                    "What tells it from your other services, for example a domain or a site. It is "
                    "printed on invoices."
                ),
            ),
            *addons,
            *self._request_parameters({}),
            Field(
                "day",
                "date",
                self.env._("Wished first day"),
                as_typed(first),
                required=True,
                low=first,
                high=first + AHEAD,
                note=self.env._("%s or later", format_date(self.env, first)),
            ),
        ]

    def _order_wish(self, filled: list[Field]) -> Wish:
        """Return what the filled-in fields order.

        :raise UserError: one clear message, where they make no sense
        """
        self.ensure_one()
        read = values_of(self.env, filled)
        quantities = {addon: read[f"addon_{addon.id}"] or 0.0 for addon in self._request_addons()}
        parameters = {
            field.name.removeprefix("parameter_"): as_json(read[field.name])
            for field in filled
            if field.name.startswith("parameter_")
        }
        for addon, quantity in quantities.items():
            if not addon._allows(quantity):
                raise UserError(
                    self.env._(
                        "“%(addon)s”: %(quantity)s is not possible (%(limits)s).",
                        addon=addon.product_id.name,
                        quantity=as_typed(quantity),
                        limits=addon._request_note(),
                    )
                )
        return Wish(
            "order",
            read["day"],
            {"parameters": parameters} if parameters else {},
            (read["name"] or "")[: LONGEST["char"]],
            {addon.id: quantity for addon, quantity in quantities.items() if quantity},
        )

    def _order_effect(self, partner, wish: Wish) -> Effect:
        """Return what an order brings: the service is made for real, and undone.

        :raise UserError: where it is not possible
        """
        self.ensure_one()
        operations = self.env["service.operation"]
        with dry_run(self.env):
            service = self.with_context(tracking_disable=True)._make_ordered(partner, wish)
            values = operations._clean_values("setup", wish.values)
            operations._check_asked(service, "setup", values)
            operations._check_possible(service, "setup", values, wish.day, operations)
            operation = operations._unsaved(service, "setup", values, wish.day)
            # Rows and texts are plain values; the service in them is gone afterwards.
            rows = [self._without_number(row, service) for row in operation._preview_rows(wish.day)]
            money = operation._effect_of(wish.day, rows)
            amount = sum((line.total for line in service._price_lines()), Decimal(0))
        then = self._price_text(self.currency_id.round(float(amount)))
        summary = self._order_summary(wish)
        return Effect(summary, money, "", self.env._("The price is %s.", then), rows)

    def _without_number(self, row: dict, service) -> dict:
        """Return a row whose text does not name the number of a service that is only tried."""
        text = row["name"].replace(f"{service.number} ", "").replace(service.number, self.name)
        return {"name": text, "amount": row["amount"], "kind": row["kind"]} | {
            "price_includes_tax": row["price_includes_tax"]
        }

    def _order_summary(self, wish: Wish) -> list[str]:
        """Return what was chosen, line by line."""
        self.ensure_one()
        addons = self.addon_ids.browse(wish.addons or {})
        lines = [f"{addon.product_id.name}: {as_typed(wish.addons[addon.id])}" for addon in addons]
        parameters = wish.values.get("parameters") or {}
        text = self.env["service.operation"]._parameter_text
        for row in self.parameter_definition or []:
            if shown := parameters.get(row["name"]) and text(
                row | {"value": parameters[row["name"]]}
            ):
                lines.append(f"{row.get('string') or row['name']}: {shown}")
        return lines

    def _make_ordered(self, partner, wish: Wish):
        """Create the ordered service of a customer."""
        self.ensure_one()
        customer = partner.commercial_partner_id
        lines = [
            Command.create({"addon_id": addon_id, "quantity": quantity})
            for addon_id, quantity in (wish.addons or {}).items()
        ]
        return self.env["billing.service"].create(
            {
                "partner_id": customer.id,
                "company_id": self.company_id.id,
                "tariff_id": self.id,
                "name": wish.name or False,
                "date_start": wish.day,
                "addon_line_ids": lines,
            }
        )

    def _place_order(self, partner, wish: Wish, key: str):
        """Order what the customer has confirmed, and return the service.

        :param str key: the key of the form, by which its second sending is recognised
        :raise UserError: where it is not possible, or too much waits already
        """
        self.ensure_one()
        services = self.env["billing.service"]
        waiting = services._portal_domain(partner) & Domain(
            [("state", "=", "ordered"), ("company_id", "=", self.company_id.id)]
        )
        if services.search_count(waiting, limit=MOST_ORDERS) >= MOST_ORDERS:
            raise UserError(
                self.env._(
                    "%s orders of yours are waiting already. Wait until they are set up, or "
                    "contact us.",
                    MOST_ORDERS,
                )
            )
        service = self._make_ordered(partner, wish)
        operation = service.request_operation(
            "setup", wish.values or None, effective_date=wish.day, source="client"
        )
        operation._own().key = key
        return service
