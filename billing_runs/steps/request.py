from odoo.tools.translate import LazyTranslate

from .step import Step

_lt = LazyTranslate(__name__)


class Request(Step):
    """The last step before billing: bills are requested."""

    code = "request"
    title = _lt("Request bills")
    place = 90
    for_wallets = True

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
        target = run.cycle_id.target_stage
        return {
            "state": "todo",
            "sentence": run.env._("Billing run is ready!"),
            "buttons": [
                {
                    "method": "action_request",
                    "args": [target] if target else [],
                    "label": run.env._("Request Bills"),
                    "primary": True,
                    "confirm": run._work_question(target),
                }
            ],
        }
