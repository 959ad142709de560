from odoo import api, fields, models


class ServiceTask(models.Model):
    """How tasks come from operations."""

    _inherit = "service.task"

    @api.model
    def _create_for(self, operations):
        """Create the service tasks of operations, each for the department of its module."""
        values = [self._prepare_for(operation) for operation in operations]
        system = self.sudo().with_context(mail_create_nosubscribe=True)
        tasks = system._own().create(values).with_env(system.env)
        for operation, task in zip(operations, tasks, strict=True):
            operation._own().service_task_id = task
        tasks._regenerate()
        return tasks

    @api.model
    def _prepare_for(self, operation) -> dict:
        service, module = operation.service_id, operation.module_id
        tariff = operation._tariff()
        department = module.department_id
        return {
            "operation_id": operation.id,
            "type": operation.type,
            "service_id": service.id,
            "tariff_id": tariff.id,
            "partner_id": operation.partner_id.id,
            "department_id": department.id,
            "activation_date": operation.effective_date,
            "deadline": self._deadline(department, operation.company_id, operation.type),
            "parameters": operation._kept_parameters(),
            "addon_line_ids": self._prepare_addon_lines(operation),
        }

    @api.model
    def _prepare_addon_lines(self, operation) -> list:
        return [
            fields.Command.create(
                {
                    "addon_id": addon.id,
                    "name": addon.product_id.name,
                    "present": present,
                    "quantity": wanted,
                    "included": addon.included,
                    "minimum": addon.minimum,
                    "maximum": addon.maximum,
                }
            )
            for addon, (present, wanted) in operation._addon_quantities().items()
        ]

    @api.model
    def _deadline(self, department, company, task_type, start=None):
        """Return the moment by which a task is due: hours counted in the department's working hours."""
        start = start or fields.Datetime.now()
        hours = company.sudo()._service_task_hours(task_type)
        calendar = department.sudo().resource_calendar_id or company.sudo().resource_calendar_id
        if calendar:
            due = calendar.plan_hours(hours, start, compute_leaves=True)
            if due:
                return due
        return fields.Datetime.add(start, hours=hours)

    def _changed_quantities(self) -> dict | None:
        """Return {tariff add-on id: quantity} of a change task's lines; None on other tasks."""
        self.ensure_one()
        if self.type != "change":
            return None
        return {line.sudo().addon_id.id: line.quantity for line in self.addon_line_ids}
