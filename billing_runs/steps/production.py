from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import plural
from .step import Step

_lt = LazyTranslate(__name__)


class Production(Step):
    """How many of the posted bills have their PDF, and whether credit notes of what was taken back
    lack theirs."""

    code = "production"
    title = _lt("Bill production")
    phase = "post"
    place = 20

    def is_hidden(self, run):
        return not run._stages().pdf_states

    def show(self, run, before):
        counts, stages = run._bill_counts(), run._stages()
        ready = sum(counts.get(state, 0) for state in stages.pdf_states)
        waiting = sum(counts.get(state, 0) for state in stages.posted_states) - ready
        in_error = [("run_id", "=", run.id), ("error_code", "=", "formatting_failed")]
        failed = run.env["billing.bill"].search_count(in_error)
        standing = run.env["billing.bill"].search_count([*in_error, ("state", "=", "error")])
        step = {
            "state": "done",
            "sentence": run.env._(
                "%(ready)s of %(total)s bills have their PDF.",
                ready=ready,
                total=ready + waiting + standing,
            ),
            "buttons": [],
            "links": [],
        }
        if failed:
            step["state"] = "attention"
            step["links"] = [
                {
                    "label": plural(
                        failed,
                        run.env._("bill whose PDF failed"),
                        run.env._("bills whose PDF failed"),
                    ),
                    "count": failed,
                    "method": "action_view_exceptions",
                }
            ]
        elif waiting and run.state == "completed":
            step["sentence"] = run.env._("This run was closed without PDFs.")
        elif waiting:
            step["state"] = "todo"
            if run._waits():
                step["buttons"] = [
                    {
                        "method": "action_continue",
                        "label": run.env._("Produce PDFs"),
                        "primary": True,
                        "confirm": run._work_question(),
                    }
                ]
        if failed or (waiting and run.state != "completed"):
            lacking = run.company_id._bill_layout().missing(run.env)
            if lacking:
                step["sentence"] = f"{step['sentence']} {lacking}"
        notes = run.env["account.move"].search_count(run._notes_to_format_domain())
        if notes:
            shown = run._notes_without_pdf(notes)
            shown["sentence"] = f"{step['sentence']} {shown['sentence']}"
            if step["state"] == "todo":
                shown["state"] = "todo"
            step.update(shown)
            if not shown.get("live"):
                button = {"method": "action_make_note_pdfs", "label": run.env._("Make PDFs")}
                step["buttons"] = [*step["buttons"], button]
        return step
