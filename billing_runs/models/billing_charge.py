from odoo import api, fields, models
from odoo.fields import Domain


class BillingCharge(models.Model):
    _inherit = "billing.charge"

    bill_id = fields.Many2one(
        "billing.bill",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )
    run_id = fields.Many2one(related="bill_id.run_id", string="Billing Run")

    @api.model
    def _domain_open(self):
        """Return the domain of charges that a run may take: rated, and on no live bill.

        A bill that was skipped, undone or ended in error keeps its charges in sight,
        but whichever run comes first bills them.
        """
        return Domain("state", "=", "rated") & (
            Domain("bill_id", "=", False)
            | Domain("bill_id.state", "in", ("skipped", "error", "undone"))
        )

    def _net_by_tax(self, known):
        """Return ``{ids of the product's sale taxes: sum of amounts}``.

        :param dict known: cache of ``{product: ids of its taxes}`` for charges of one company
        """
        totals = {}
        for charge in self:
            product = charge.product_id
            if product not in known:
                known[product] = tuple(charge._sale_taxes().ids)
            taxes = known[product]
            totals[taxes] = totals.get(taxes, 0.0) + charge.amount
        return totals

    def _amount_untaxed(self):
        """Return the charges' total before tax; those priced with tax are taken apart."""
        total = sum(self.filtered(lambda c: not c.price_includes_tax).mapped("amount"))
        for charge in self.filtered("price_includes_tax"):
            total += charge._sale_taxes().compute_all(
                charge.amount, currency=charge.currency_id, product=charge.product_id
            )["total_excluded"]
        return total

    def _sale_taxes(self):
        return self.product_id.taxes_id._filter_taxes_by_company(self.company_id)
