from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.safe_eval import safe_eval

from .billing_task import OPEN_STATES

LATE = timedelta(minutes=15)
#: the order of states in lists: what needs somebody first. The index below answers it.
URGENCY = """
    (CASE {state} WHEN 'failed' THEN 0 WHEN 'error' THEN 1 WHEN 'running' THEN 2
     WHEN 'pending' THEN 3 ELSE 4 END)
"""


class BillingTask(models.Model):
    """What people see of the queue at work: progress, health, and what is stuck."""

    _inherit = "billing.task"

    _urgency_idx = models.Index(f"({URGENCY.format(state='state')}, id DESC)")
    _failed_idx = models.Index("(company_id) WHERE state = 'failed'")

    progress = fields.Float(
        compute="_compute_progress", help="How far a running task is, in percent, where it says so."
    )
    is_stuck = fields.Boolean(
        string="Stuck",
        compute="_compute_is_stuck",
        search="_search_is_stuck",
        help="Running without a living worker, or due for more than 15 minutes and not begun.",
    )

    @api.depends("state", "log_ids")
    def _compute_progress(self):
        self.progress = 0.0
        running = self.filtered(lambda task: task.state == "running")
        if not running:
            return
        lines = self.env["billing.task.log"]._read_group(
            [("task_id", "in", running.ids), ("level", "=", "progress")],
            ["task_id"],
            ["id:max"],
        )
        last = self.env["billing.task.log"].browse(line_id for _task, line_id in lines)
        for line in last:
            if line.total:
                line.task_id.progress = 100.0 * line.done / line.total

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        if field_name != "state":
            return super()._order_field_to_sql(alias, field_name, direction, nulls, query)
        state = self._field_to_sql(alias, "state", query)
        before, after = URGENCY.split("{state}")
        return SQL("%s%s%s %s %s", SQL(before), state, SQL(after), direction, nulls)

    @api.depends("state", "delay_date")
    def _compute_is_stuck(self):
        stuck = set(self.filtered_domain(self._late_domain()).ids)
        if any(task.state == "running" for task in self):
            stuck.update(self._dead_ids())
        for task in self:
            task.is_stuck = task.id in stuck

    def _search_is_stuck(self, operator, value):
        if operator != "in":
            return NotImplemented
        return self._late_domain() | Domain("id", "in", self._dead_ids())

    @api.model
    def _late_domain(self):
        """Return what was due long ago and nobody began: workers are missing or busy."""
        return Domain("state", "in", OPEN_STATES) & Domain(
            "delay_date", "<", fields.Datetime.now() - LATE
        )

    @api.model
    def _dead_ids(self):
        """Return the ids of the running tasks that no living worker holds.

        Asks for the workers' advisory locks only: looking must not lock a row, which the reaper
        would take for a sign of life.
        """
        self.flush_model(["state", "attempt_date"])
        self.env.cr.execute(SQL("SELECT id FROM billing_task WHERE %s", self._lost()))
        return [row[0] for row in self.env.cr.fetchall()]

    @api.model
    def get_health(self):
        """Return the numbers of the status line, for the tasks that the user may see.

        :return: dict: ``running``, ``waiting``, ``error``, ``failed``, ``dead`` (counts), ``oldest_due_seconds``,
            ``domains`` (what each of them is about), ``late``, ``workers``, and ``changing``: whether tasks
            are due, so that the numbers will change by themselves.
        """
        self.browse().check_access("read")
        now = fields.Datetime.now()
        # Three counts, each with a partial index of its own: ended tasks are many.
        counts = dict(self._read_group([("state", "in", OPEN_STATES)], ["state"], ["__count"]))
        for state in ("running", "failed"):
            counts[state] = self.search_count([("state", "=", state)])
        dead = self.search([("id", "in", self._dead_ids())]) if counts["running"] else self
        due = Domain("state", "in", OPEN_STATES) & Domain("delay_date", "<=", now)
        oldest = self.search(due, order="delay_date, id", limit=1).delay_date
        waited = (now - oldest).total_seconds() if oldest else 0
        return {
            "running": counts["running"],
            "waiting": counts.get("pending", 0),
            "error": counts.get("error", 0),
            "failed": counts["failed"],
            "dead": len(dead),
            "oldest_due_seconds": waited,
            "late": waited > LATE.total_seconds(),
            "changing": bool(oldest),
            "workers": self._worker_count(),
            "domains": {
                "running": [("state", "=", "running")],
                "waiting": [("state", "=", "pending")],
                "error": [("state", "=", "error")],
                "failed": [("state", "=", "failed")],
                "dead": [("id", "in", dead.ids)],
                "due": list(due),
            },
        }

    @api.model
    def _list_action(self):
        """Return the action that the menu opens: without the steps of the machine. A floor above
        adds what the list begins with to the context."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "billing_operations.action_billing_task"
        )
        return action | {"context": safe_eval(action["context"])}
