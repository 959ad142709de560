from datetime import date

from markupsafe import Markup

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date, formatLang

from ...services.periods import ONE_DAY, due_periods
from ...services.proration import setup_row
from ..answers import accepted


class ServiceOperation(models.Model):
    """What an operation does to its service and to the bill, and the same as a preview."""

    _inherit = "service.operation"

    def _apply(self, day: date, parameters=None, addon_quantities=None):
        """Carry the operation over to the service, from ``day`` on.

        :param parameters: {name: value} to keep on the service, over those asked for.
        :param addon_quantities: {tariff add-on id: quantity}, over those asked for.
        """
        self.ensure_one()
        service = self.service_id
        service._lock_rows()
        values = self._change_values(self.requested["new"])
        parameters = {**(values.get("parameters") or {}), **(parameters or {})}
        if self.type == "change":
            service._change(day, self._changed_to(parameters, addon_quantities))
            return
        if parameters:
            service.parameters = {**service._parameter_values(), **parameters}
        if self.type == "setup":
            service._activate(day)
        elif self.type == "suspend":
            service._suspend(day, values.get("reason") or "client")
        elif self.type == "resume":
            service._resume(day)
        else:
            service._terminate(day)

    def _changed_to(self, parameters=None, addon_quantities=None) -> dict:
        """Return the values of a change as ``billing.service._change`` takes them."""
        values = self._change_values(self.requested["new"])
        if parameters:
            values["parameters"] = {**self._kept_parameters(), **parameters}
        if addon_quantities is not None:
            values["addon_quantities"] = addon_quantities
        return values

    def _kept_parameters(self) -> dict:
        """Return the settings as they are once it is carried out: what the service has, as far as the
        tariff takes it, and over that what was asked for."""
        present = self.service_id._parameter_values()
        own, _others = accepted(self._tariff().parameter_definition or [], present)
        return {**own, **(self.requested["new"].get("parameters") or {})}

    # === PREVIEW === #

    def _preview_rows(self, day: date, addon_quantities=None) -> list[dict]:
        """Return the charges that applying the operation from ``day`` on brings, as value dicts: those of
        the change itself, and for a set-up the first ones that a run takes."""
        self.ensure_one()
        service = self.service_id
        if self.type == "setup":
            return self._first_charges(day) if service.state == "ordered" else []
        if self.type == "change":
            return service._preview_change(day, self._changed_to(None, addon_quantities))
        if self.type == "delete":
            end = min(filter(None, (day, service.date_end)))
            if end == service.date_end:
                return []
            return service._preview_change(end, {"date_end": end})
        if self.type == "resume" and service.state == "suspended":
            end = service._paused_until(day)
            if not end:
                return []
            rows, _day = service._rate_rows(end - ONE_DAY, until=end)[service]
            return self.env["billing.charge"]._complete_rows(rows)
        return []

    def _first_charges(self, day: date) -> list[dict]:
        """Return what the first run after an activation on ``day`` bills: the set-up and the first period
        (of an arrears tariff: when that period is over)."""
        service = self.service_id
        terms = service._terms(service, service.anchor_date or day, list(service._price_lines()))
        rows = []
        setup_price = service.tariff_id.setup_price
        if setup_price > 0 and not service.rated_up_to:
            product = service.product_id.id
            row = setup_row(product, setup_price, day, terms.rounding)
            rows.append(row | {"service_id": service.id})
        rated_up_to = service.rated_up_to or day
        cutoff = service._first_cutoff(terms.schedule, rated_up_to)
        if cutoff:
            for period in due_periods(
                terms.schedule,
                rated_up_to,
                service.date_end or None,
                cutoff,
                terms.timing,
                terms.proration,
            ):
                rows.extend(service._period_rows(terms, period))
        return self.env["billing.charge"]._complete_rows(rows)

    def _effect_html(self, day: date, addon_quantities=None) -> Markup:
        """Return the money effect in words and a small table, for people."""
        self.ensure_one()
        try:
            rows = self._preview_rows(day, addon_quantities)
        except UserError as error:
            return Markup('<p class="text-danger mb-0">%s</p>') % error
        return self._effect_of(day, rows)

    def _effect_of(self, day: date, rows: list[dict]) -> Markup:
        """Return in words and a small table what the charges of a preview come to."""
        self.ensure_one()
        intro = self._effect_intro(day, rows)
        if not rows:
            return Markup('<p class="mb-0">%s</p>') % intro
        currency = self.service_id.currency_id

        def line(tag, text, amount):
            money = formatLang(self.env, float(amount), currency_obj=currency)
            return Markup(
                '<tr><{0}>{1}</{0}><{0} class="text-end text-nowrap">{2}</{0}></tr>'
            ).format(tag, text, money)

        body = Markup().join(line("td", row["name"], row["amount"]) for row in rows)
        title = self.env._("Total before tax")
        if all(row["price_includes_tax"] for row in rows):
            title = self.env._("Total, tax included")
        total = line("th", title, sum(row["amount"] for row in rows))
        return Markup('<p>%s</p><table class="table table-sm mb-0">%s%s</table>') % (
            intro,
            body,
            total,
        )

    def _effect_intro(self, day, rows) -> str:
        shown = format_date(self.env, day)
        if self.type == "setup":
            if rows:
                return self.env._("Billing starts on %s. The first bill:", shown)
            return self.env._("Billing starts on %s. There is nothing to charge.", shown)
        if self.type == "suspend":
            if self.service_id.term_scheme_id.bill_suspended:
                return self.env._("The billing terms go on billing while it is suspended.")
            return self.env._(
                "From %s on nothing more is billed. Days billed ahead are not credited.", shown
            )
        if self.type == "resume":
            return self.env._("Billing goes on from %s; the suspended days are left out.", shown)
        if rows:
            return self.env._("From %s on; charged and credited now:", shown)
        return self.env._("From %s on; nothing is charged or credited now.", shown)
