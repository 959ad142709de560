from odoo import fields, models

from .service_processing_module_webhook import PRIVATE_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_processing_module_id = fields.Many2one(
        related="company_id.service_processing_module_id", readonly=False
    )
    service_task_hours = fields.Float(related="company_id.service_task_hours", readonly=False)
    service_task_hours_setup = fields.Float(
        string="Set Up", related="company_id.service_task_hours_setup", readonly=False
    )
    service_task_hours_change = fields.Float(
        string="Change", related="company_id.service_task_hours_change", readonly=False
    )
    service_task_hours_delete = fields.Float(
        string="Delete", related="company_id.service_task_hours_delete", readonly=False
    )
    service_task_hours_suspend = fields.Float(
        string="Suspend", related="company_id.service_task_hours_suspend", readonly=False
    )
    service_task_hours_resume = fields.Float(
        string="Resume", related="company_id.service_task_hours_resume", readonly=False
    )
    webhook_allow_private = fields.Boolean(
        string="Webhooks into Private Networks", config_parameter=PRIVATE_PARAMETER
    )
