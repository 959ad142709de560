from odoo import api, fields, models


class CdrRateReplace(models.TransientModel):
    """A new price for a rate from a day on: the version before ends there."""

    _name = "cdr.rate.replace"
    _description = "New Price"
    _check_company_auto = True

    rate_id = fields.Many2one("cdr.rate", required=True, readonly=True, check_company=True)
    company_id = fields.Many2one(related="rate_id.company_id")
    currency_id = fields.Many2one(related="rate_id.currency_id")
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self.env.company._billing_today()
    )
    class_id = fields.Many2one(
        "cdr.rate.class",
        string="Rate Class",
        compute="_compute_from_rate",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        check_company=True,
    )
    connect_fee = fields.Float(
        digits=(16, 6), compute="_compute_from_rate", store=True, precompute=True, readonly=False
    )
    price_minute = fields.Float(
        string="Price a Minute",
        digits=(16, 6),
        compute="_compute_from_rate",
        store=True,
        precompute=True,
        readonly=False,
    )
    initial_seconds = fields.Integer(
        string="First Seconds",
        compute="_compute_from_rate",
        store=True,
        precompute=True,
        readonly=False,
    )
    step_seconds = fields.Integer(
        string="Steps of Seconds",
        compute="_compute_from_rate",
        store=True,
        precompute=True,
        readonly=False,
    )
    minimum = fields.Float(
        string="Minimum a Call",
        digits=(16, 6),
        compute="_compute_from_rate",
        store=True,
        precompute=True,
        readonly=False,
    )

    @api.depends("rate_id")
    def _compute_from_rate(self):
        for wizard in self:
            rate = wizard.rate_id
            wizard.class_id = rate.class_id
            for name in self._price_fields():
                wizard[name] = rate[name]

    @api.model
    def _price_fields(self):
        return ("connect_fee", "price_minute", "initial_seconds", "step_seconds", "minimum")

    def action_apply(self):
        """Begin the new version."""
        self.ensure_one()
        values = {name: self[name] for name in self._price_fields()}
        self.rate_id._replace(self.date_from, values | {"class_id": self.class_id.id})
        return {"type": "ir.actions.act_window_close"}
