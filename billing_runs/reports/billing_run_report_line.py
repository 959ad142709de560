from odoo import fields, models


class BillingRunReportLine(models.Model):
    """One charge as a run bills it, before tax: a row of a report, without any effect.

    Rows come and go with their report. Billing users read them, nobody writes them.
    """

    _name = "billing.run.report.line"
    _description = "Billing Run Report Line"
    _order = "partner_id, id"
    _log_access = False

    report_id = fields.Many2one(
        "billing.run.report", required=True, readonly=True, index=True, ondelete="cascade"
    )
    run_id = fields.Many2one(
        "billing.run", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    phase = fields.Selection(
        selection=lambda self: self.env["billing.run.report"]._fields["phase"].selection,
        required=True,
        readonly=True,
    )
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    service_id = fields.Many2one(
        "billing.service", readonly=True, index="btree_not_null", ondelete="set null"
    )
    addon_line_id = fields.Integer("Add-on Line", readonly=True, aggregator=None)
    kind = fields.Selection(
        selection=lambda self: self.env["billing.charge"]._fields["kind"].selection,
        required=True,
        readonly=True,
    )
    product_id = fields.Many2one(
        "product.product", readonly=True, index="btree_not_null", ondelete="set null"
    )
    name = fields.Char("Description", required=True, readonly=True)
    quantity = fields.Float(digits="Product Unit", readonly=True)
    price = fields.Float(
        digits=False,
        min_display_digits="Product Price",
        readonly=True,
        aggregator=None,
        help="Price of one unit for a full period, after discount.",
    )
    amount_untaxed = fields.Monetary("Before Tax", readonly=True, help="As on the invoice line.")
