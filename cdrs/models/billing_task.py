from odoo import api, models

from ...billing_tasks.exceptions import SkipTask
from ...billing_tasks.handlers import ExternalHandler


class BillingTask(models.Model):
    """The tasks about call records: a file is processed, a carrier's files are fetched, old
    calls are archived."""

    _inherit = "billing.task"

    @api.model
    def _get_task_handlers(self):
        return {
            **super()._get_task_handlers(),
            "cdr_import": _import_file,
            "cdr_fetch": FETCH,
            "cdr_rate": self.env["cdr.record"]._task_rate,
            "cdr_archive": self.env["cdr.archive"]._task_archive,
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


def _do_fetch_step(task, intent):
    return _record(task)._do_fetch_step(intent)


# A step whose outcome nobody knows is done again: see the carrier.
FETCH = ExternalHandler(
    prepare=lambda task: _record(task)._next_fetch_step(task),
    call=_do_fetch_step,
    record=lambda task, intent, answer: _record(task)._note_fetch_step(task, intent, answer),
    ask=_do_fetch_step,
)


def _file_failed(task):
    _record(task)._fail(task.error_message)
