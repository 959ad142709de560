from odoo import api, models

from ...billing_tasks.exceptions import SkipTask


class BillingTask(models.Model):
    """The tasks about call records: a file is processed, a carrier's files are fetched."""

    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        return {
            **super()._get_task_handlers(),
            "cdr_import": _import_file,
            "cdr_rate": self.env["cdr.record"]._task_rate,
        }

    @api.model
    def _get_task_failure_handlers(self):
        return {**super()._get_task_failure_handlers(), "cdr_import": _file_failed}


def _record(task):
    record = task.env[task.res_model].browse(task.res_id).exists()
    if not record:
        raise SkipTask(task.env._("What the task was for is gone."))
    return record


def _import_file(task):
    return _record(task)._import()


def _file_failed(task):
    _record(task)._fail(task.error_message)
