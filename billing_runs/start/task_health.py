from odoo import fields, models

#: states in which a run has ended
ENDED = ("completed", "completed_with_errors", "failed")


class BillingTask(models.Model):
    """What a monitoring system is told of runs."""

    _inherit = "billing.task"

    def _health_figures(self):
        """Add ``runs``: how the last one ended, and how many are under way or stopped by a limit."""
        runs = self.env["billing.run"]
        last = runs.search(
            [("state", "in", ENDED), ("ended_date", "!=", False)], order="ended_date desc", limit=1
        )
        under_way = runs.search([("state", "in", ("requested", "running"))])
        age = (fields.Datetime.now() - last.ended_date).total_seconds() if last else None
        return {
            **super()._health_figures(),
            "runs": {
                "under_way": len(under_way),
                "stopped": len(under_way.filtered("stop_reason")),
                "last_run": last.number or None,
                "last_state": last.state or None,
                "last_ended_seconds": None if age is None else round(age),
                "failed": int(last.state == "failed"),
            },
        }
