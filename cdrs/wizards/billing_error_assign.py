from odoo import api, fields, models

from .proposed import proposed


class BillingErrorAssign(models.TransientModel):
    """Gives a number that usage came for to the service that it belongs to. For billing managers."""

    _name = "billing.error.assign"
    _description = "Assign Number"
    _inherit = "billing.error.dialog.mixin"

    number = proposed(fields.Char, "_compute_number")
    kind = proposed(
        fields.Selection,
        "_compute_number",
        selection=[("number", "Number"), ("login", "Login")],
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
    service_id = proposed(
        fields.Many2one,
        "_compute_service_id",
        comodel_name="billing.service",
        required=True,
        check_company=True,
        domain="[('state', 'in', ('active', 'suspended', 'terminated'))]",
    )
    date_from = proposed(fields.Date, "_compute_number", string="From", required=True)

    @api.depends("error_id")
    def _compute_number(self):
        for dialog in self:
            key = dialog.error_id.identifier or ""
            is_number = key.isdecimal()
            # Digits that are no short code are an international number.
            dialog.number = f"+{key}" if is_number and len(key) > 6 else key
            dialog.kind = "number" if is_number else "login"
            dialog.date_from = dialog.error_id.first_date

    @api.depends("error_id")
    def _compute_suggested_ids(self):
        for dialog in self:
            dialog.suggested_ids = self.env["billing.error"]._suggest_services(
                dialog.error_id.identifier, dialog.error_id.company_id
            )

    @api.depends("error_id")
    def _compute_service_id(self):
        for dialog in self:
            if not dialog.service_id:
                dialog.service_id = dialog.suggested_ids._origin.filtered(
                    lambda s: s.state in ("active", "suspended")
                )[:1]

    def _correct(self):
        self.env["billing.service.identifier"].create(
            {
                "service_id": self.service_id.id,
                "kind": self.kind,
                "value": self.number,
                "date_from": self.date_from,
            }
        )
