from odoo import models
from odoo.fields import Domain

from .addresses import Addresses


class BillingRun(models.Model):
    """Checks of the addresses that a run's invoices go to."""

    _inherit = "billing.run"

    def _addressed(self, customers, wanted):
        """Return the domain of ``customers`` whose invoice address is in the domain ``wanted``.

        Few customers have an address of their own for invoices: for these it is looked up.
        """
        self.ensure_one()
        partners = self.env["res.partner"]
        elsewhere = partners.search(customers & self._with_invoice_address())
        addresses = Addresses(self.env, self.company_id, elsewhere)
        found = [(partner, addresses.get(partner, "invoice")) for partner in elsewhere]
        # Whoever sees the customer may know what is missing at its address.
        at = partners.sudo().browse({address.id for _partner, address in found})
        missing = set(at.filtered_domain(wanted).ids)
        looked_up = [partner.id for partner, address in found if address.id in missing]
        return (customers & wanted & Domain("id", "not in", elsewhere.ids)) | (
            Domain("id", "in", looked_up)
        )

    def _with_invoice_address(self):
        """Return the domain of customers whose invoices may go elsewhere than to themselves."""
        families = self.env["res.partner"].sudo()._search([("type", "=", "invoice")])
        return Domain("type", "!=", "contact") | Domain(
            "commercial_partner_id",
            "in",
            families.subselect("commercial_partner_id"),
        )
