from odoo import api, fields, models


class BillingErrorRate(models.TransientModel):
    """Adds the rate that calls of a cause lack."""

    _name = "billing.error.rate"
    _description = "Add Rate"
    _check_company_auto = True

    error_id = fields.Many2one("billing.error", required=True, readonly=True, check_company=True)
    company_id = fields.Many2one(related="error_id.company_id")
    plan_id = fields.Many2one(related="error_id.plan_id")
    currency_id = fields.Many2one(related="error_id.plan_id.currency_id")
    prefix = fields.Char(
        compute="_compute_from_error",
        store=True,
        precompute=True,
        readonly=False,
        help="What all numbers that were called begin with; shorten it to cover more.",
    )
    name = fields.Char(string="Destination", required=True)
    class_id = fields.Many2one(
        "cdr.rate.class", string="Rate Class", required=True, check_company=True
    )
    connect_fee = fields.Float(digits=(16, 6))
    price_minute = fields.Float(string="Price a Minute", digits=(16, 6))
    initial_seconds = fields.Integer(string="First Seconds", default=1)
    step_seconds = fields.Integer(string="Steps of Seconds", default=1)
    date_from = fields.Date(
        string="From",
        compute="_compute_from_error",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )

    @api.depends("error_id")
    def _compute_from_error(self):
        for wizard in self:
            wizard.prefix = wizard.error_id.prefix
            wizard.date_from = wizard.error_id.first_date

    def action_apply(self):
        """Create the rate and have the cause's calls rated again."""
        self.ensure_one()
        error = self.error_id._as_manager()
        names = (
            *("prefix", "name", "connect_fee", "price_minute", "initial_seconds"),
            *("step_seconds", "date_from"),
        )
        self.env["cdr.rate"].create(
            {name: self[name] for name in names}
            | {"plan_id": self.plan_id.id, "class_id": self.class_id.id}
        )
        error._reprocess_later()
        return {"type": "ir.actions.act_window_close"}
