from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import labels
from .step import Step

_lt = LazyTranslate(__name__)


class Request(Step):
    """The last step before billing: bills are requested."""

    code = "request"
    title = _lt("Request bills")
    place = 90

    def show(self, run, before):
        if run.cycle_id.sign_off and run.state != "approved":
            return {
                "state": "todo",
                "sentence": run.env._("The run has to be made ready and approved first."),
                "buttons": [
                    {"method": "action_ready", "label": run.env._("Mark Ready"), "primary": True}
                    if run.state == "pending"
                    else {
                        "method": "action_approve",
                        "label": run.env._("Approve"),
                        "primary": True,
                    }
                ],
            }
        confirm = run.env._(
            "Produce and post the invoices of this run? Dates and criteria are locked from here on."
        )
        target = run.cycle_id.target_stage
        if target:
            confirm = run.env._(
                "Execute this run up to %(stage)s? Dates and criteria are locked from here on.",
                stage=labels(run, "stage")[target],
            )
        return {
            "state": "todo",
            "sentence": run.env._("Billing run is ready!"),
            "buttons": [
                {
                    "method": "action_request",
                    "args": [target] if target else [],
                    "label": run.env._("Request Bills"),
                    "primary": True,
                    "confirm": confirm,
                }
            ],
        }
