"""The steps after billing that collect what was billed. Plain Python: see ``Step``."""

from odoo.tools.translate import LazyTranslate

from ..billing_runs.steps.step import Step
from ..billing_tasks.texts import plural

_lt = LazyTranslate(__name__)


class CollectByDirectDebit(Step):
    """Invoices of customers who pay by direct debit are in a payment run, or somebody says that they
    stay as they are."""

    code = "collect_direct_debit"
    title = _lt("Collect by Direct Debit")
    phase = "post"
    place = 60
    confirm_label = _lt("Leave without Collection")
    needs_documents = True

    def is_hidden(self, run):
        """Companies that cannot collect by direct debit go without the step."""
        return super().is_hidden(run) or not run.company_id._creditor_id()

    def show(self, run, before):
        counts = run._collection_counts("direct_debit")
        step = {"links": run._collection_links("direct_debit", counts)}
        waiting = counts["to_collect"]
        if not waiting:
            collected = counts["on_the_way"] + counts["collected"]
            sentence = (
                plural(
                    collected,
                    run.env._("1 invoice is collected by direct debit."),
                    run.env._("%s invoices are collected by direct debit.", collected),
                )
                if collected
                else run.env._("No invoice has to be collected by direct debit.")
            )
            return {**step, "state": "done", "sentence": sentence}
        if run.company_id.billing_collect_automatically:
            sentence = plural(
                waiting,
                run.env._("1 invoice is collected by itself when it is due."),
                run.env._("%s invoices are collected by themselves when they are due.", waiting),
            )
            return {**step, "state": "done", "sentence": sentence}
        return {
            **step,
            "state": "todo",
            "sentence": plural(
                waiting,
                run.env._("1 invoice has to be collected by direct debit."),
                run.env._("%s invoices have to be collected by direct debit.", waiting),
            ),
            "numbers": {"to_collect": waiting},
            "buttons": [
                {
                    "method": "action_collect_direct_debit",
                    "label": run.env._("Prepare Payment Run"),
                    "primary": True,
                }
            ],
        }


COLLECTION_STEPS = (CollectByDirectDebit(),)
