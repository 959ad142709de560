from odoo import api, fields, models
from odoo.exceptions import UserError

from ..effect_table import effect_problem, effect_table
from ..models.billing_service import SUSPENSION_REASONS


class BillingServiceStatusWizard(models.TransientModel):
    """Asks from which day, and why, services are suspended, resumed or terminated.

    Its button is added by the floor above, which knows who carries changes out.
    """

    _name = "billing.service.status.wizard"
    _description = "Suspend, Resume or Terminate Services"

    service_ids = fields.Many2many("billing.service", required=True, string="Services")
    transition = fields.Selection(
        [("suspend", "Suspend"), ("resume", "Resume"), ("terminate", "Terminate")],
        required=True,
    )
    date = fields.Date(
        string="As Of",
        required=True,
        default=lambda self: self.env.company._billing_today(),
        help="The first day on which it counts.",
    )
    reason = fields.Selection(SUSPENSION_REASONS, default="client")
    note = fields.Char(help="Kept in the history of the service.")
    effect = fields.Html(
        compute="_compute_effect",
        sanitize=False,
        help="What ending one service credits; several are settled one by one.",
    )

    @api.depends("service_ids", "transition", "date")
    def _compute_effect(self):
        for wizard in self:
            service = wizard.service_ids._origin
            wizard.effect = False
            if wizard.transition != "terminate" or len(service) != 1 or not wizard.date:
                continue
            end = min(wizard.date, service.date_end or wizard.date)
            try:
                rows = service._preview_change(end, {"date_end": end})
            except UserError as error:
                wizard.effect = effect_problem(error)
            else:
                wizard.effect = effect_table(rows, service.currency_id)
