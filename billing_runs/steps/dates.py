from odoo import models
from odoo.tools import format_date
from odoo.tools.translate import LazyTranslate

from .step import Step

_lt = LazyTranslate(__name__)


class Dates(Step):
    """The run has its dates, and nothing is in the way of its bills."""

    code = "dates"
    title = _lt("Set dates")
    place = 10

    def show(self, run, before):
        missing = [
            run._fields[name]._description_string(run.env)
            for name in ("invoice_date", "cutoff_date", "transaction_date", "term_scheme_ids")
            if not run[name]
        ]
        if missing:
            return {
                "state": "todo",
                "sentence": run.env._("Set %(fields)s.", fields=", ".join(missing)),
            }
        problems = run._readiness_problems()
        if problems:
            blocked = any(problem["blocking"] for problem in problems)
            return {
                "state": "problem" if blocked else "attention",
                "sentence": run.env._("The dates are set, but no bill can be produced:")
                if blocked
                else run.env._("The dates are set. Some bills will not come out right:"),
                "table": {
                    "head": [run.env._("What"), run.env._("Who can fix it")],
                    "rows": [[problem["text"], problem["who"]] for problem in problems],
                },
            }
        return {
            "state": "done",
            "sentence": run.env._(
                "Invoices of %(invoice)s, billed as of %(cutoff)s, booked on %(booked)s.",
                invoice=run._date_text(run.invoice_date),
                cutoff=run._date_text(run.cutoff_date),
                booked=run._date_text(run.transaction_date),
            ),
        }


class BillingRun(models.Model):
    """Dates in words."""

    _inherit = "billing.run"

    def _date_text(self, day):
        return format_date(self.env, day)
