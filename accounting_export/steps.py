"""The steps about accounting software: one after billing, and a warning before it."""

from odoo.tools import format_datetime
from odoo.tools.translate import LazyTranslate

from ..billing_runs.steps.payments import Payments
from ..billing_runs.steps.step import Step
from ..billing_tasks.texts import plural

_lt = LazyTranslate(__name__)


class AccountingExport(Step):
    """Customers and invoices go to the company's accounting software."""

    code = "accounting_export"
    title = _lt("Send to Accounting")
    phase = "post"
    place = 30
    needs_documents = True

    def is_hidden(self, run):
        """Companies without a connection go without the step."""
        return super().is_hidden(run) or not run._accounting_connection()

    def show(self, run, before):
        connection = run._accounting_connection()
        counts = connection._counts(run)
        problems = run._accounting_problem_counts(connection)
        step = {
            "title": run.env._("Send to Xero")
            if connection.kind == "xero"
            else run.env._("Export to Accounting"),
            "links": run._accounting_links(counts, problems),
            "buttons": run._accounting_buttons(connection, counts),
        }
        to_send = counts["customers"] + counts["documents"]
        if connection.state == "broken":
            sentence = run.env._("%s does not let us in any more: connect again.", connection.name)
            return {**step, "state": "attention", "sentence": sentence}
        if connection._is_at_work():
            return {
                **step,
                "buttons": [],
                "state": "todo",
                "live": True,
                "sentence": self._work_text(run, connection, to_send),
            }
        if to_send:
            return {**step, "state": "todo", "sentence": self._to_send_text(run, counts)}
        if sum(problems.values()):
            sentence = run.env._("Not everything has arrived in the accounting software.")
            return {**step, "state": "attention", "sentence": sentence}
        return {
            **step,
            "state": "done",
            "sentence": run.env._("All customers and invoices are sent."),
        }

    def _to_send_text(self, run, counts):
        customers = plural(
            counts["customers"],
            run.env._("1 customer"),
            run.env._("%s customers", counts["customers"]),
        )
        documents = plural(
            counts["documents"],
            run.env._("1 invoice"),
            run.env._("%s invoices", counts["documents"]),
        )
        return run.env._(
            "To send: %(customers)s, %(documents)s.", customers=customers, documents=documents
        )

    def _work_text(self, run, connection, to_send):
        if connection.paused_until and connection.problem:
            return run.env._(
                "Sending waits until %(time)s: %(reason)s",
                time=format_datetime(run.env, connection.paused_until),
                reason=connection.problem,
            )
        return run.env._("Talking to the accounting software: %s to go.", to_send)


class PaymentsWithAccounting(Payments):
    """Warns as well when payments were not fetched from the accounting software lately."""

    def show(self, run, before):
        step = super().show(run, before)
        connection = run._accounting_connection()
        if not connection or not connection._is_stale():
            return step
        if connection.last_fetch_date:
            text = run.env._(
                "Payments were last fetched from %(name)s on %(time)s.",
                name=connection._where(),
                time=format_datetime(run.env, connection.last_fetch_date),
            )
        else:
            text = run.env._("Payments were never fetched from %(name)s.", name=connection._where())
        button = {
            "method": "action_fetch_accounting_payments",
            "label": run.env._("Fetch Payments"),
        }
        return {
            **step,
            "state": "attention",
            "sentence": " ".join(filter(None, (step.get("sentence"), text))),
            "buttons": [*step.get("buttons", []), button] if connection.state == "active" else [],
        }


ACCOUNTING_STEPS = (AccountingExport(), PaymentsWithAccounting())
