from odoo import api, fields, models
from odoo.exceptions import ValidationError

HOURS = 16.0


class ResCompany(models.Model):
    _inherit = "res.company"

    service_processing_module_id = fields.Many2one(
        "service.processing.module",
        string="Default Processing Module",
        domain="[('company_id', '=', id), ('kind', '=', 'manual')]",
        help="The manual module that serves tariffs without a module of their own.",
    )
    service_task_hours = fields.Float(
        default=HOURS, help="Working hours until the deadline of a service task."
    )
    service_task_hours_setup = fields.Float(help="0: the hours for all types.")
    service_task_hours_change = fields.Float(help="0: the hours for all types.")
    service_task_hours_delete = fields.Float(help="0: the hours for all types.")
    service_task_hours_suspend = fields.Float(help="0: the hours for all types.")
    service_task_hours_resume = fields.Float(help="0: the hours for all types.")

    _service_task_hours_not_negative = models.Constraint(
        "CHECK(LEAST(service_task_hours, service_task_hours_setup, service_task_hours_change, "
        "service_task_hours_delete, service_task_hours_suspend, service_task_hours_resume) >= 0)",
        "The hours until the deadline of a service task cannot be negative.",
    )

    @api.constrains("service_processing_module_id")
    def _check_service_processing_module(self):
        for company in self:
            module = company.service_processing_module_id
            if module and (module.company_id != company or module.kind != "manual"):
                raise ValidationError(
                    self.env._(
                        "The default processing module of %s is one of its own manual modules.",
                        company.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies.sudo()._create_default_modules()
        return companies

    def _create_default_modules(self):
        """Give each company without one its default manual module."""
        for company in self.filtered(lambda company: not company.service_processing_module_id):
            company.service_processing_module_id = self.env["service.processing.module"].create(
                {"name": self.env._("Manual Setup"), "kind": "manual", "company_id": company.id}
            )

    @api.model
    def _create_all_default_modules(self):
        """For the companies that were there before this addon."""
        self.search([])._create_default_modules()  # pylint: disable=no-search-all

    def _default_processing_module(self):
        self.ensure_one()
        if not self.service_processing_module_id:
            self.sudo()._create_default_modules()
        return self.service_processing_module_id

    def _service_task_hours(self, task_type: str) -> float:
        """Working hours until the deadline of a task of this type."""
        self.ensure_one()
        return self[f"service_task_hours_{task_type}"] or self.service_task_hours
