from decimal import Decimal

from odoo import api, fields, models

from ..proration import line_total, round_amount, smallest_coin, to_decimal


class BillingJobLine(models.Model):
    """What was delivered: a product, how many, at what price. Edited while the job is draft."""

    _name = "billing.job.line"
    _description = "Job Line"
    _order = "job_id, sequence, id"
    _check_company_auto = True

    job_id = fields.Many2one(
        "billing.job", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(
        related="job_id.company_id", store=True, precompute=True, required=True, index=True
    )
    sequence = fields.Integer(default=10)
    currency_id = fields.Many2one(related="job_id.currency_id")
    product_id = fields.Many2one(
        "product.product", required=True, check_company=True, index=True, ondelete="restrict"
    )
    name = fields.Char(
        string="Description",
        compute="_compute_from_product",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    quantity = fields.Float(default=1.0, digits="Product Unit", required=True)
    price_unit = fields.Float(
        string="Unit Price",
        compute="_compute_from_product",
        store=True,
        precompute=True,
        readonly=False,
        digits="Product Price",
        aggregator=None,
    )
    discount = fields.Float(string="Discount (%)", digits="Discount", aggregator=None)
    amount = fields.Monetary(compute="_compute_amount")

    _discount_range = models.Constraint(
        "CHECK(discount BETWEEN 0 AND 100)", "The discount must lie between 0 and 100 %."
    )

    @api.depends("product_id")
    def _compute_from_product(self):
        for line in self:
            product = line.product_id.with_context(
                lang=line.job_id.partner_id.lang, display_default_code=False
            )
            line.name = product.display_name
            company = line.job_id.company_id
            line.price_unit = company.currency_id._convert(
                product.with_company(company).lst_price,
                line.job_id.currency_id,
                company,
                line.job_id.date,
            )

    @api.depends("quantity", "price_unit", "discount")
    def _compute_amount(self):
        for line in self:
            line.amount = float(line._charged_amount())

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.job_id._check_draft()
        return lines

    def write(self, vals):
        self.job_id._check_draft()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        self.job_id._check_draft()

    def _charged_amount(self) -> Decimal:
        """Return what is charged for the line."""
        self.ensure_one()
        numbers = map(to_decimal, (self.price_unit, self.quantity, self.discount))
        return round_amount(line_total(*numbers), smallest_coin(self.currency_id))
