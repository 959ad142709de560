from odoo import api, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used_by_billing(self):
        """The database would delete the variants without asking them."""
        self.with_context(active_test=False).product_variant_ids._unlink_except_used()
