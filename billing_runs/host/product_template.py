from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class ProductTemplate(models.Model):
    """Archived sales taxes keep bills in error, and Odoo's form does not show them: it says which
    there are, and takes them off."""

    _inherit = "product.template"

    billing_archived_taxes = fields.Char(
        "Archived Taxes",
        compute="_compute_billing_archived_taxes",
        help="Sales taxes that are chosen still, though they are archived.",
    )

    def _compute_billing_archived_taxes(self):
        for template in self:
            names = template._billing_archived_sales_taxes().mapped("name")
            template.billing_archived_taxes = ", ".join(names)

    def action_take_archived_taxes_off(self):
        """Take archived sales taxes off the products, where another tax is chosen in their place."""
        self.check_access("write")
        for template in self:
            archived = template._billing_archived_sales_taxes()
            for company in self.env.companies:
                if archived._filter_taxes_by_company(
                    company
                ) and not template.taxes_id._filter_taxes_by_company(company):
                    raise UserError(
                        self.env._(
                            "%s has no other sales tax: it would be billed without tax. Choose"
                            " another one first.",
                            template.display_name,
                        )
                    )
            commands = [Command.unlink(tax.id) for tax in archived]
            template.with_context(active_test=False).taxes_id = commands
        return True

    def _billing_archived_sales_taxes(self):
        """Return the archived sales taxes of the companies that are chosen."""
        taxes = self.with_context(active_test=False).taxes_id
        companies = self.env.companies | self.env.companies.sudo().parent_ids
        return taxes.filtered(lambda tax: not tax.active and tax.company_id in companies)
