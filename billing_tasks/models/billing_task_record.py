from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

_NAMES_SEARCHED = 500


class BillingTask(models.Model):
    """The record that a task is for ("Task For")."""

    _inherit = "billing.task"

    record_name = fields.Char(
        string="Task For",
        compute="_compute_record_name",
        compute_sudo=False,
        search="_search_record_name",
    )

    @api.depends("res_model", "res_id")
    @api.depends_context("uid")
    def _compute_record_name(self):
        for model, tasks in self.grouped("res_model").items():
            names = {}
            if model in self.env and self.env[model].has_access("read"):
                records = self.env[model].browse(filter(None, tasks.mapped("res_id"))).exists()
                names = {
                    record.id: record.display_name for record in records._filtered_access("read")
                }
            kind = self.env["ir.model"]._get(model).name or model
            for task in tasks:
                task.record_name = names.get(task.res_id) or (
                    f"{kind} #{task.res_id}" if task.res_id else False
                )

    def _search_record_name(self, operator, value):
        if operator not in ("ilike", "=ilike", "like", "in"):
            return NotImplemented
        found = Domain.FALSE
        values = value if operator == "in" else [value]
        for [model] in self._read_group([("res_model", "!=", False)], ["res_model"]):
            if model not in self.env or not self.env[model].has_access("read"):
                continue
            ids = set()
            for text in values:
                name_operator = "=" if operator == "in" else operator
                names = self.env[model].name_search(text, (), name_operator, _NAMES_SEARCHED)
                ids.update(record_id for record_id, _name in names)
            found |= Domain("res_model", "=", model) & Domain("res_id", "in", ids)
        return found

    def _record(self):
        """Return the record that the task is for: empty when it is gone, None without one."""
        self.ensure_one()
        if not self.res_model or self.res_model not in self.env:
            return None
        return self.env[self.res_model].browse(self.res_id).exists()

    def action_open_record(self):
        """Open the record that the task is for."""
        self.ensure_one()
        record = self._record()
        if not record:
            raise UserError(self.env._("This task is not for a record, or the record was deleted."))
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }
