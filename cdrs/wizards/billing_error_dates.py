from odoo import api, fields, models
from odoo.exceptions import UserError


class BillingErrorDates(models.TransientModel):
    """Moves the days on which a service has a number, so that calls of other days find it."""

    _name = "billing.error.dates"
    _description = "Extend Dates"
    _check_company_auto = True

    error_id = fields.Many2one("billing.error", required=True, readonly=True, check_company=True)
    company_id = fields.Many2one(related="error_id.company_id")
    first_date = fields.Date(related="error_id.first_date")
    last_date = fields.Date(related="error_id.last_date")
    candidate_ids = fields.Many2many(
        "billing.service.identifier", compute="_compute_candidate_ids", compute_sudo=False
    )
    identifier_id = fields.Many2one(
        "billing.service.identifier",
        string="Number of a Service",
        compute="_compute_identifier_id",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        check_company=True,
        domain="[('id', 'in', candidate_ids)]",
    )
    service_id = fields.Many2one(related="identifier_id.service_id")
    date_from = fields.Date(
        string="From",
        compute="_compute_dates",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    date_to = fields.Date(
        string="Until (excluded)",
        compute="_compute_dates",
        store=True,
        precompute=True,
        readonly=False,
    )

    @api.depends("error_id")
    def _compute_candidate_ids(self):
        for wizard in self:
            wizard.candidate_ids = self.env["billing.service.identifier"].search(
                [
                    ("company_id", "=", wizard.error_id.company_id.id),
                    ("usage_key", "=", wizard.error_id.identifier or ""),
                ],
                order="date_from desc, id desc",
            )

    @api.depends("error_id")
    def _compute_identifier_id(self):
        for wizard in self:
            wizard.identifier_id = wizard.candidate_ids._origin[:1]

    @api.depends("identifier_id")
    def _compute_dates(self):
        for wizard in self:
            number, error = wizard.identifier_id, wizard.error_id
            wizard.date_from = min(filter(None, (number.date_from, error.first_date)), default=None)
            ends_early = number.date_to and error.last_date and number.date_to <= error.last_date
            wizard.date_to = False if ends_early else number.date_to

    def action_apply(self):
        """Move the days and have the cause's calls rated again."""
        self.ensure_one()
        error = self.error_id._as_manager()
        service = self.service_id
        if service.date_start and error.last_date and service.date_start > error.last_date:
            raise UserError(
                self.env._(
                    "Service %(service)s began on %(day)s, after these calls. Assign the number to "
                    "another service for the days before.",
                    service=service.display_name,
                    day=service.date_start,
                )
            )
        self.identifier_id.write({"date_from": self.date_from, "date_to": self.date_to})
        error._reprocess_later()
        return {"type": "ir.actions.act_window_close"}
