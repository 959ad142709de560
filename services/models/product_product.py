from odoo import models


class ProductProduct(models.Model):
    _name = "product.product"
    _inherit = ["product.product", "billing.used.mixin"]

    def _billing_price_includes_tax(self, company) -> bool:
        """Return whether prices of this product include tax: by its sales taxes in ``company``."""
        taxes = self.taxes_id._filter_taxes_by_company(company)
        return any(taxes.flatten_taxes_hierarchy().mapped("price_include"))
