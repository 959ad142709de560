from odoo import api, models


class BillingCharge(models.Model):
    """Charges of prepaid services stand with tax, whatever the product's prices do."""

    _inherit = "billing.charge"

    @api.model
    def _complete_rows(self, rows: list[dict]) -> list[dict]:
        """Also: what a wallet pays is gross."""
        completed = super()._complete_rows(rows)
        services = self.env["billing.service"].browse(
            dict.fromkeys(row["service_id"] for row in completed if row["service_id"])
        )
        prepaid = {service.id for service in services if service._is_prepaid()}
        for row in completed:
            if row["service_id"] in prepaid:
                row["price_includes_tax"] = True
        return completed
