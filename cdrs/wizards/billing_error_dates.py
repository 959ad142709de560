from odoo import api, fields, models
from odoo.exceptions import UserError

from .proposed import proposed


class BillingErrorDates(models.TransientModel):
    """Moves the days on which a service has a number, so that calls of other days find it. For billing
    managers."""

    _name = "billing.error.dates"
    _description = "Extend Dates"
    _inherit = "billing.error.dialog.mixin"

    first_date = fields.Date(related="error_id.first_date")
    last_date = fields.Date(related="error_id.last_date")
    candidate_ids = fields.Many2many(
        "billing.service.identifier", compute="_compute_candidate_ids", compute_sudo=False
    )
    identifier_id = proposed(
        fields.Many2one,
        "_compute_identifier_id",
        comodel_name="billing.service.identifier",
        string="Number of a Service",
        required=True,
        check_company=True,
        domain="[('id', 'in', candidate_ids)]",
    )
    service_id = fields.Many2one(related="identifier_id.service_id")
    date_from = proposed(fields.Date, "_compute_dates", string="From", required=True)
    date_to = proposed(fields.Date, "_compute_dates", string="Until (excluded)")

    @api.depends("error_id")
    def _compute_candidate_ids(self):
        for dialog in self:
            dialog.candidate_ids = self.env["billing.service.identifier"].search(
                [
                    ("company_id", "=", dialog.error_id.company_id.id),
                    ("usage_key", "=", dialog.error_id.identifier or ""),
                ],
                order="date_from desc, id desc",
            )

    @api.depends("error_id")
    def _compute_identifier_id(self):
        for dialog in self:
            dialog.identifier_id = dialog.candidate_ids._origin[:1]

    @api.depends("identifier_id")
    def _compute_dates(self):
        for dialog in self:
            number, error = dialog.identifier_id, dialog.error_id
            dialog.date_from = min(filter(None, (number.date_from, error.first_date)), default=None)
            ends_early = number.date_to and error.last_date and number.date_to <= error.last_date
            dialog.date_to = False if ends_early else number.date_to

    def _correct(self):
        self._check_service()
        self.identifier_id.write({"date_from": self.date_from, "date_to": self.date_to})

    def _check_service(self):
        """Check that the service runs on a day of the cause: only then other days of its number help.

        :raise UserError: it began later, or had ended before
        """
        service, error = self.service_id, self.error_id
        values = {"service": service.display_name}
        if service.date_start and error.last_date and service.date_start > error.last_date:
            raise UserError(
                self.env._(
                    "Service %(service)s began on %(day)s, after these calls. Assign the number to "
                    "another service for the days before.",
                    day=service.date_start,
                    **values,
                )
            )
        if service.date_end and error.first_date and service.date_end <= error.first_date:
            raise UserError(
                self.env._(
                    "Service %(service)s ended on %(day)s, before these days. Assign the number to "
                    "the service that has it now, or accept the error.",
                    day=service.date_end,
                    **values,
                )
            )
