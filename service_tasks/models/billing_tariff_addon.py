from odoo import fields, models

from ..request_form import MOST, Field, as_typed


class BillingTariffAddon(models.Model):
    _inherit = "billing.tariff.addon"

    portal_choice = fields.Boolean(
        string="Customers Choose",
        help="Customers order and change it in the portal, within its minimum and maximum.",
    )

    def _request_field(self, quantity: float) -> Field:
        """Return the field in which a customer says how many of it a service is to have.

        :param quantity: how many the form begins with
        """
        self.ensure_one()
        return Field(
            f"addon_{self.id}",
            "float",
            self.product_id.name,
            as_typed(quantity),
            low=0,
            high=self.maximum or MOST,
            note=self._request_note(),
        )

    def _request_note(self) -> str:
        """Return what so many of it cost, and which quantities are possible."""
        notes = []
        if self.price:
            notes.append(self.env._("each %s", self.tariff_id._price_text(self.price)))
        if self.included:
            notes.append(self.env._("%s included", as_typed(self.included)))
        if self.minimum:
            notes.append(self.env._("none, or %s at least", as_typed(self.minimum)))
        if self.maximum:
            notes.append(self.env._("%s at most", as_typed(self.maximum)))
        return "; ".join(notes)

    def _order_quantity(self) -> float:
        """Return the quantity with which an order begins: what the price of the tariff contains."""
        self.ensure_one()
        quantity = max(self.included, self.minimum) if self.included else 0.0
        return min(quantity, self.maximum) if self.maximum else quantity
