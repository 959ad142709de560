"""The steps after billing that collect what was billed. Plain Python: see ``Step``."""

from odoo.tools.translate import LazyTranslate

from ..billing_runs.steps.step import Step
from ..billing_tasks.texts import plural

_lt = LazyTranslate(__name__)


class Collect(Step):
    """Invoices of customers who pay by one method are in a payment run, or somebody says that they
    stay as they are. With automatic collection it is done by itself."""

    phase = "post"
    confirm_label = _lt("Leave without Collection")
    needs_documents = True
    #: payment method of customers and payment runs
    method = ""
    #: setting of the company that has such runs made each day
    automatic = ""
    #: what the step's button calls
    prepare = ""

    def collected_text(self, run, number):
        """Return the sentence for invoices that are being collected, or were."""
        raise NotImplementedError

    def automatic_text(self, run, number):
        """Return the sentence for invoices that are collected by themselves."""
        raise NotImplementedError

    def waiting_text(self, run, number):
        """Return the sentence for invoices that somebody has to collect."""
        raise NotImplementedError

    def nothing_text(self, run):
        """Return the sentence for no invoices."""
        raise NotImplementedError

    def show(self, run, before):
        counts = run._collection_counts(self.method)
        step = {"links": run._collection_links(self.method, counts)}
        waiting = counts["to_collect"]
        if not waiting:
            collected = counts["on_the_way"] + counts["unknown"] + counts["collected"]
            sentence = self.collected_text(run, collected) if collected else self.nothing_text(run)
            return {**step, "state": "done", "sentence": sentence}
        if run.company_id[self.automatic]:
            return {**step, "state": "done", "sentence": self.automatic_text(run, waiting)}
        return {
            **step,
            "state": "todo",
            "sentence": self.waiting_text(run, waiting),
            "numbers": {"to_collect": waiting},
            "buttons": [
                {
                    "method": self.prepare,
                    "label": run.env._("Prepare Payment Run"),
                    "primary": True,
                }
            ],
        }


class CollectByDirectDebit(Collect):
    """Collects from the accounts of customers who gave a mandate."""

    code = "collect_direct_debit"
    title = _lt("Collect by Direct Debit")
    place = 60
    method = "direct_debit"
    automatic = "billing_collect_automatically"
    prepare = "action_collect_direct_debit"

    def is_hidden(self, run):
        """Companies that cannot collect by direct debit go without the step."""
        return super().is_hidden(run) or not run.company_id._creditor_id()

    def collected_text(self, run, number):
        return plural(
            number,
            run.env._("1 invoice is collected by direct debit."),
            run.env._("%s invoices are collected by direct debit.", number),
        )

    def automatic_text(self, run, number):
        return plural(
            number,
            run.env._("1 invoice is collected by itself when it is due."),
            run.env._("%s invoices are collected by themselves when they are due.", number),
        )

    def waiting_text(self, run, number):
        return plural(
            number,
            run.env._("1 invoice has to be collected by direct debit."),
            run.env._("%s invoices have to be collected by direct debit.", number),
        )

    def nothing_text(self, run):
        return run.env._("No invoice has to be collected by direct debit.")


class CollectByCard(Collect):
    """Charges the saved cards of customers."""

    code = "collect_card"
    title = _lt("Collect by Card")
    place = 61
    method = "card"
    automatic = "billing_collect_cards_automatically"
    prepare = "action_collect_card"

    def is_hidden(self, run):
        """Companies without a provider that saves cards go without the step."""
        return super().is_hidden(run) or not run.company_id._card_providers()

    def collected_text(self, run, number):
        return plural(
            number,
            run.env._("1 invoice is collected by card."),
            run.env._("%s invoices are collected by card.", number),
        )

    def automatic_text(self, run, number):
        return plural(
            number,
            run.env._("1 invoice is charged to its customer's card when it is due."),
            run.env._(
                "%s invoices are charged to their customers' cards when they are due.", number
            ),
        )

    def waiting_text(self, run, number):
        return plural(
            number,
            run.env._("1 invoice has to be collected by card."),
            run.env._("%s invoices have to be collected by card.", number),
        )

    def nothing_text(self, run):
        return run.env._("No invoice has to be collected by card.")


COLLECTION_STEPS = (CollectByDirectDebit(), CollectByCard())
