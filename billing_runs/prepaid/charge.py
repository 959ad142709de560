from odoo import api, models

from ...services.proration import one_unit
from .gross import GrossPrices


class BillingCharge(models.Model):
    """Charges of prepaid services stand with tax, whatever the product's prices do."""

    _inherit = "billing.charge"

    _usage_by_day = models.Index("(service_id, period_start) WHERE kind = 'usage'")

    @api.model
    def _complete_rows(self, rows: list[dict]) -> list[dict]:
        """Also: what a wallet pays is gross, and a bill that is being rated has its charges."""
        completed = super()._complete_rows(rows)
        self._put_on_bills(completed)
        prepaid = self._prepaid_services(completed)
        for row in completed:
            if row["service_id"] in prepaid:
                row["price_includes_tax"] = True
        return completed

    @api.model
    def _price_usage(self, rows: list[dict]) -> list[dict]:
        """Return the rows of charges for calls at the prices that their services pay: those of
        the rates, on the basis of the product's taxes; of prepaid services what an invoice of them
        would come to with tax."""
        prepaid = self._prepaid_services(rows)
        prices: dict = {}
        for row in rows:
            if service := prepaid.get(row["service_id"]):
                if service.company_id not in prices:
                    prices[service.company_id] = GrossPrices(self.env, service.company_id)
                partner = self.env["res.partner"].browse(row["partner_id"])
                gross = prices[service.company_id].gross(
                    self.env["product.product"].browse(row["product_id"]),
                    prices[service.company_id].position(partner),
                    self.env["res.currency"].browse(row["currency_id"]),
                    float(row["amount"]),
                    1.0,
                    0.0,
                )
                row |= one_unit(gross)
        return rows

    @api.model
    def _prepaid_services(self, rows: list[dict]) -> dict:
        """Return ``{id: service}`` of the prepaid services that rows charge."""
        services = self.env["billing.service"].browse(
            dict.fromkeys(row["service_id"] for row in rows if row.get("service_id"))
        )
        return {service.id: service for service in services if service._is_prepaid()}
