from odoo import models


class ProductProduct(models.Model):
    _inherit = "product.product"

    def action_take_archived_taxes_off(self):
        """Take archived sales taxes off, as all variants of a product have the same."""
        return self.product_tmpl_id.action_take_archived_taxes_off()
