"""The start page's entries about payment runs."""

from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.fields import Domain
from odoo.tools import format_date
from odoo.tools.translate import LazyTranslate

from ..billing_tasks.start_entry import StartEntry, Todo, figure

_lt = LazyTranslate(__name__)

USERS = "billing_operations.group_billing_user"
MONTHS = 6
#: states of collections; what is on its way came, by direct debit, and may yet come back
CAME, ON_THE_WAY, FAILED = ("done",), ("submitted", "unknown"), ("rejected", "returned")


class PaymentRuns(Todo):
    """Payment runs, files and returns that wait for a person."""

    code = "payment_runs"
    title = _lt("Collections Waiting for a Person")
    place = 40
    groups = USERS

    def kinds(self, env):
        """Return ``[(text, model, domain, tone)]`` of what is counted."""
        runs, files = "billing.payment.run", "billing.payment.file"
        problems = ("unknown", "foreign", "amount", "not_submitted")
        return [
            (
                env._("Confirm payment runs"),
                runs,
                Domain("state", "=", "draft") & Domain("line_ids.state", "=", "draft"),
                None,
            ),
            (env._("Submit payment runs"), runs, Domain("state", "=", "confirmed"), None),
            (
                env._("Hand in files to the bank"),
                files,
                Domain("download_ids", "=", False) & Domain("run_id.state", "=", "submitted"),
                None,
            ),
            (
                env._("Clear up payment runs"),
                runs,
                Domain("problem", "!=", False)
                & Domain("state", "in", ("draft", "confirmed", "submitted")),
                "danger",
            ),
            (
                env._("Clear up card charges"),
                "billing.card.charge",
                Domain("state", "=", "unknown") | Domain("problem", "!=", False),
                "danger",
            ),
            (
                env._("Clear up blocked mandates"),
                "billing.mandate",
                Domain("state", "=", "blocked"),
                "warning",
            ),
            (
                env._("Returns without a collection"),
                "billing.payment.return",
                Domain("line_ids.state", "in", problems)
                & Domain("create_date", ">=", self._recent(env)),
                "warning",
            ),
        ]

    @staticmethod
    def _recent(env):
        return fields.Datetime.to_string(fields.Datetime.now() - relativedelta(months=1))

    def empty(self, env):
        return env._("No collection waits for anybody.")


class Collected(StartEntry):
    """What was collected, rejected and returned, by month of collection and by currency."""

    code = "collected"
    title = _lt("Collected by Month")
    place = 70
    groups = USERS

    def show(self, env):
        lines = env["billing.payment.line"]
        first = fields.Date.context_today(lines).replace(day=1)
        first -= relativedelta(months=MONTHS - 1)
        begun = Domain("collection_date", ">=", fields.Date.to_string(first))
        kinds = {
            "came": begun
            & (
                Domain("state", "in", CAME)
                | Domain("state", "in", ON_THE_WAY) & Domain("method", "=", "direct_debit")
            ),
            "failed": begun & Domain("state", "in", FAILED),
        }
        # One question for both kinds: the page has a budget of queries.
        found = {}
        for month, currency, state, method, amount in lines._read_group(
            begun & Domain("state", "in", (*CAME, *ON_THE_WAY, *FAILED)),
            ["collection_date:month", "currency_id", "state", "method"],
            ["amount:sum"],
        ):
            if state in ON_THE_WAY and method != "direct_debit":
                continue
            kind = "failed" if state in FAILED else "came"
            amounts = found.setdefault((month, currency), {})
            amounts[kind] = amounts.get(kind, 0.0) + amount
        rows = []
        for (month, currency), amounts in sorted(
            found.items(), key=lambda item: (-item[0][0].toordinal(), item[0][1].name)
        ):
            label = format_date(env, month, date_format="MMMM y")
            after = fields.Date.to_string(month + relativedelta(months=1))
            row = [label]
            for kind, tone in (("came", None), ("failed", "warning")):
                domain = kinds[kind] & Domain("currency_id", "=", currency.id)
                domain &= Domain("collection_date", ">=", fields.Date.to_string(month))
                domain &= Domain("collection_date", "<", after)
                amount = amounts.get(kind)
                row.append(
                    figure(currency.format(amount), label, lines._name, domain, tone)
                    if amount
                    else ""
                )
            rows.append(row)
        return {
            "head": [env._("Collection date"), env._("Collected"), env._("Came back")],
            "labels": 1,
            "rows": rows,
        }

    def empty(self, env):
        return env._("No payment run has collected anything in the last 6 months.")


START_ENTRIES = (PaymentRuns(), Collected())
