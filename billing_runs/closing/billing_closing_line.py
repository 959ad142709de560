from odoo import api, fields, models
from odoo.fields import Domain

KINDS = [
    ("accrual", "Earned, not invoiced"),
    ("unrated", "Earned, not rated yet"),
    ("usage", "Calls, not charged yet"),
    ("deferral", "Invoiced ahead"),
]


class BillingClosingLine(models.Model):
    """One charge, invoice line, unrated period or sum of calls behind a figure of a month-end.

    Written by the month-end alone. Billing users read it.
    """

    _name = "billing.closing.line"
    _description = "Month-End Line"
    _order = "closing_id desc, kind, partner_id, service_id, period_start, id"
    _check_company_auto = True

    closing_id = fields.Many2one(
        "billing.closing", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="closing_id.company_id", store=True, precompute=True, required=True, index=True
    )
    kind = fields.Selection(KINDS, required=True, readonly=True)
    charge_id = fields.Many2one(
        "billing.charge", readonly=True, index="btree_not_null", ondelete="set null"
    )
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Invoice Line",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    move_id = fields.Many2one(related="move_line_id.move_id", string="Invoice")
    item_id = fields.Many2one(
        "account.move.line",
        string="Journal Item",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The item of the month-end entry that this is a part of.",
    )
    service_id = fields.Many2one(
        "billing.service", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    product_id = fields.Many2one(
        "product.product", required=True, readonly=True, ondelete="restrict"
    )
    account_id = fields.Many2one(
        "account.account", required=True, readonly=True, ondelete="restrict"
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    analytic_distribution = fields.Json(readonly=True)
    period_start = fields.Date(string="From", required=True, readonly=True)
    period_end = fields.Date(string="Until (excluded)", required=True, readonly=True)
    days = fields.Integer(readonly=True, aggregator=None)
    counted_days = fields.Integer(
        string="Days Counted",
        readonly=True,
        aggregator=None,
        help="Earned, not invoiced: the days of the period up to the end of the month. Invoiced ahead:"
        " those after it.",
    )
    net_amount = fields.Monetary(string="Before Tax", readonly=True)
    counted_amount = fields.Monetary(
        string="Counted", readonly=True, help="The part of the amount for the days counted."
    )
    balance = fields.Monetary(
        string="In Company Currency", currency_field="company_currency_id", readonly=True
    )

    usage_class_id = fields.Many2one(
        "cdr.rate.class", string="Rate Class", readonly=True, ondelete="restrict"
    )
    call_count = fields.Integer(
        string="Calls",
        readonly=True,
        help="How many calls the amount is made of that have a price and were not charged yet.",
    )

    @api.depends("partner_id", "product_id", "period_start")
    def _compute_display_name(self):
        for line in self:
            names = line.partner_id.display_name, line.product_id.display_name
            line.display_name = ", ".join(filter(None, names))

    # === ACTIONS === #

    def action_open_source(self):
        """Open what this counts: the invoice, the charge, the service of unrated days, or the
        calls."""
        self.ensure_one()
        self.check_access("read")
        if self.kind == "usage":
            return self._open_calls()
        record = self.move_id or self.charge_id or self.service_id
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [[False, "form"]],
        }

    def _open_calls(self):
        """Open the calls behind the line, also those that were charged since it was counted."""
        self.env["cdr.record"].check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Calls: %s", self.service_id.display_name),
            "res_model": "cdr.record",
            "views": [[False, "list"], [False, "form"]],
            "domain": list(self._calls_domain()),
        }

    def _calls_domain(self) -> Domain:
        """Return the domain of the calls behind the line. A call charged by then is not among them,
        nor where that charge was corrected later."""
        self.ensure_one()
        counted = fields.Datetime.to_string(self.closing_id.counted_date)
        later = Domain("charge_id.create_date", ">", counted)
        first = Domain("charge_id.corrected_id", "=", False)
        again = Domain("charge_id.corrected_id.create_date", ">", counted)
        return (
            Domain("company_id", "=", self.company_id.id)
            & Domain("service_id", "=", self.service_id.id)
            & Domain("partner_id", "=", self.partner_id.id)
            & Domain("currency_id", "=", self.currency_id.id)
            & Domain("class_id", "=", self.usage_class_id.id)
            & Domain("call_day", ">=", fields.Date.to_string(self.period_start))
            & Domain("call_day", "<", fields.Date.to_string(self.period_end))
            & (
                Domain("state", "=", "rated")
                | Domain("state", "=", "charged") & later & (first | again)
            )
        )
