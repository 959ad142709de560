"""The start page's entries about the work that only people can do."""

from datetime import timedelta

from odoo import fields
from odoo.fields import Domain
from odoo.tools.translate import LazyTranslate

from ..billing_tasks.start_entry import StartEntry, count

_lt = LazyTranslate(__name__)

OPEN = Domain("state", "in", ("new", "in_progress"))


class OpenServiceTasks(StartEntry):
    """Open service tasks by department and age; of staff, those that they may see."""

    code = "service_tasks"
    title = _lt("Open Service Tasks")
    place = 50
    groups = "billing_operations.group_service_tasks"

    def columns(self, env):
        """Return ``[(column's name, domain, tone)]``."""
        now = fields.Datetime.now()
        day, week = (fields.Datetime.to_string(now - timedelta(days=days)) for days in (1, 7))
        return [
            (env._("Open"), OPEN, None),
            (env._("Up to 1 day"), OPEN & Domain("create_date", ">=", day), None),
            (
                env._("Up to 7 days"),
                OPEN & Domain("create_date", "<", day) & Domain("create_date", ">=", week),
                None,
            ),
            (env._("Older"), OPEN & Domain("create_date", "<", week), "warning"),
            (
                env._("Overdue"),
                OPEN & Domain("deadline", "<", fields.Datetime.to_string(now)),
                "danger",
            ),
        ]

    def show(self, env):
        tasks = env["service.task"]
        columns = self.columns(env)
        found = [
            dict(tasks._read_group(domain, ["department_id"], ["__count"]))
            for _name, domain, _tone in columns
        ]
        rows = []
        for department in sorted(found[0], key=lambda department: department.name or ""):
            label = department.name or env._("No department")
            mine = Domain("department_id", "=", department.id)
            row = [label]
            for (name, domain, tone), counts in zip(columns, found, strict=True):
                number = counts.get(department, 0)
                title = f"{label}: {name}"
                row.append(count(env, number, title, tasks._name, domain & mine, tone))
            rows.append(row)
        return {
            "head": [env._("Department"), *(name for name, _domain, _tone in columns)],
            "labels": 1,
            "rows": rows,
        }

    def empty(self, env):
        return env._("No service task is open.")


START_ENTRIES = (OpenServiceTasks(),)
