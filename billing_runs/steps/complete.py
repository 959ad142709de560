from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import plural
from .step import Step

_lt = LazyTranslate(__name__)


class Complete(Step):
    """The last step: green when every other one is."""

    code = "complete"
    title = _lt("Run complete")
    phase = "post"
    place = 90

    def show(self, run, before):
        open_steps = [step["title"] for step in before if step["state"] != "done"]
        if open_steps or run.state not in ("completed", "completed_with_errors"):
            return {
                "state": "waiting",
                "sentence": run.env._("Open: %(steps)s.", steps=", ".join(open_steps))
                if open_steps
                else run.env._("The run has not ended yet."),
            }
        errors = run._bill_counts().get("error", 0)
        if errors:
            return {
                "state": "attention",
                "sentence": run.env._("Bills in error: %s. Fix them and run again.", errors),
                "links": [
                    {
                        "label": plural(
                            run.exception_count, run.env._("exception"), run.env._("exceptions")
                        ),
                        "count": run.exception_count,
                        "method": "action_view_exceptions",
                    }
                ],
            }
        return {"state": "done", "sentence": run.env._("Run Complete")}
