from odoo import api, fields, models


class BillingErrorAssign(models.TransientModel):
    """Gives a number that usage came for to the service that it belongs to."""

    _name = "billing.error.assign"
    _description = "Assign Number"
    _check_company_auto = True

    error_id = fields.Many2one("billing.error", required=True, readonly=True, check_company=True)
    company_id = fields.Many2one(related="error_id.company_id")
    number = fields.Char(compute="_compute_number", store=True, precompute=True, readonly=False)
    kind = fields.Selection(
        [("number", "Number"), ("login", "Login")],
        compute="_compute_number",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    suggested_ids = fields.Many2many(
        "billing.service",
        compute="_compute_suggested_ids",
        compute_sudo=False,
        string="Suggestions",
        help="Services that have this number in another spelling or on other days, or numbers next "
        "to it.",
    )
    service_id = fields.Many2one(
        "billing.service",
        compute="_compute_service_id",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        check_company=True,
        domain="[('state', 'in', ('active', 'suspended', 'terminated'))]",
    )
    date_from = fields.Date(
        string="From",
        compute="_compute_number",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )

    @api.depends("error_id")
    def _compute_number(self):
        for wizard in self:
            key = wizard.error_id.identifier or ""
            is_number = key.isdecimal()
            # Digits that are no short code are an international number.
            wizard.number = f"+{key}" if is_number and len(key) > 6 else key
            wizard.kind = "number" if is_number else "login"
            wizard.date_from = wizard.error_id.first_date

    @api.depends("error_id")
    def _compute_suggested_ids(self):
        for wizard in self:
            wizard.suggested_ids = self.env["billing.error"]._suggest_services(
                wizard.error_id.identifier, wizard.error_id.company_id
            )

    @api.depends("error_id")
    def _compute_service_id(self):
        for wizard in self:
            if not wizard.service_id:
                wizard.service_id = wizard.suggested_ids._origin.filtered(
                    lambda s: s.state in ("active", "suspended")
                )[:1]

    def action_apply(self):
        """Give the number to the service and have the cause's calls rated again."""
        self.ensure_one()
        error = self.error_id._as_manager()
        self.env["billing.service.identifier"].create(
            {
                "service_id": self.service_id.id,
                "kind": self.kind,
                "value": self.number,
                "date_from": self.date_from,
            }
        )
        error._reprocess_later()
        return {"type": "ir.actions.act_window_close"}
