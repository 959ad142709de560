from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .billing_task_queue import DEFAULT_WORKERS, WORKER_CRONS, WORKERS_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_task_workers = fields.Integer(
        string="Billing Workers",
        default=DEFAULT_WORKERS,
        help="How many billing tasks run at once. 0 pauses the queue.",
    )

    @api.constrains("billing_task_workers")
    def _check_billing_task_workers(self):
        for settings in self:
            if not 0 <= settings.billing_task_workers <= WORKER_CRONS:
                raise ValidationError(
                    self.env._("The number of billing workers is between 0 and %s.", WORKER_CRONS)
                )

    @api.model
    def get_values(self):
        values = super().get_values()
        # A 0 that pauses the queue is a value, not a missing one.
        values["billing_task_workers"] = self.env["billing.task"]._worker_count()
        return values

    def set_values(self):
        super().set_values()
        for settings in self:
            self.env["ir.config_parameter"].sudo().set_param(
                WORKERS_PARAMETER, str(settings.billing_task_workers)
            )
