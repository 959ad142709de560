from odoo import models


class BillingRun(models.Model):
    """Steps after posting that the run itself takes care of."""

    _inherit = "billing.run"

    def _step_production(self):
        counts = self._bill_counts()
        ready, waiting = counts.get("done", 0), counts.get("posted", 0)
        failed = self.env["billing.bill"].search_count(
            [("run_id", "=", self.id), ("error_code", "=", "formatting_failed")]
        )
        step = {
            "state": "done",
            "sentence": self.env._(
                "%(ready)s of %(total)s bills have their PDF.",
                ready=ready,
                total=ready + waiting + failed,
            ),
            "buttons": [],
            "links": [],
        }
        if failed:
            step["state"] = "attention"
            step["links"] = [
                {
                    "label": self.env._("bills whose PDF failed"),
                    "count": failed,
                    "method": "action_view_exceptions",
                }
            ]
        elif waiting and self.state == "completed":
            step["sentence"] = self.env._("This run was closed without PDFs.")
        elif waiting:
            step["state"] = "todo"
            if self._waits():
                step["buttons"] = [
                    {
                        "method": "action_continue",
                        "label": self.env._("Produce PDFs"),
                        "primary": True,
                    }
                ]
        return step

    def _step_complete(self, steps):
        """Return the last step: green when every other one is.

        :param list steps: the steps before it, as the panel shows them
        """
        open_steps = [step["title"] for step in steps if step["state"] != "done"]
        if open_steps or self.state not in ("completed", "completed_with_errors"):
            return {
                "state": "waiting",
                "sentence": self.env._("Open: %(steps)s.", steps=", ".join(open_steps))
                if open_steps
                else self.env._("The run has not ended yet."),
            }
        errors = self._bill_counts().get("error", 0)
        if errors:
            return {
                "state": "attention",
                "sentence": self.env._("Bills in error: %s. Mend them and run again.", errors),
                "links": [
                    {
                        "label": self.env._("exceptions"),
                        "count": self.exception_count,
                        "method": "action_view_exceptions",
                    }
                ],
            }
        return {"state": "done", "sentence": self.env._("Run Complete")}
