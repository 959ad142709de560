"""The start page's entries about background work."""

from odoo.fields import Domain
from odoo.tools.translate import LazyTranslate

from .start_entry import StartEntry, count

_lt = LazyTranslate(__name__)


class FailedTasks(StartEntry):
    """Background work that failed for good, or erred and will be tried again, by type."""

    code = "failed_tasks"
    title = _lt("Failed Background Tasks")
    place = 40
    groups = "billing_operations.group_billing_tasks"

    def show(self, env):
        tasks = env["billing.task"]
        counts = {}
        # One count a state: each has a partial index of its own, and ended tasks are many.
        for state in ("failed", "error"):
            for task_type, number in tasks._read_group(
                [("state", "=", state)], ["type_id"], ["__count"]
            ):
                counts.setdefault(task_type, {})[state] = number

        def cell(task_type, state, tone):
            domain = Domain("state", "=", state) & Domain("type_id", "=", task_type.id)
            number = counts[task_type].get(state, 0)
            return count(env, number, task_type.name, tasks._name, domain, tone)

        return {
            "head": [env._("Type"), env._("Failed"), env._("Will be retried")],
            "labels": 1,
            "rows": [
                [kind.name, cell(kind, "failed", "danger"), cell(kind, "error", "warning")]
                for kind in sorted(counts, key=lambda kind: kind.name)
            ],
        }

    def empty(self, env):
        return env._("No background task has failed.")


START_ENTRIES = (FailedTasks(),)
