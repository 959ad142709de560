"""The start page's entries about billing runs and what came of them."""

from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.fields import Domain
from odoo.tools import format_date
from odoo.tools.translate import LazyTranslate

from ...billing_tasks.start_entry import StartEntry, Todo, count, figure

_lt = LazyTranslate(__name__)

USERS = "billing_operations.group_billing_user"
MONTHS = 6
#: for how long a run that ended with errors is somebody's business
ENDED_DAYS = 31


class Runs(Todo):
    """Runs by what they wait for."""

    groups = USERS

    def head(self, env):
        return [self.heading(env), env._("Runs")]

    def heading(self, env):
        """Return what the kinds are called."""
        raise NotImplementedError

    def kinds(self, env):
        return [(text, "billing.run", domain, tone) for text, domain, tone in self.waits(env)]

    def waits(self, env):
        """Return ``[(text, domain, tone)]`` of what runs wait for."""
        raise NotImplementedError


class RunsWaiting(Runs):
    """Runs that go on when a person has done something."""

    code = "runs_waiting"
    title = _lt("Runs Waiting for a Person")
    place = 10

    def heading(self, env):
        return env._("To do")

    def waits(self, env):
        runs = env["billing.run"]
        recent = fields.Datetime.to_string(fields.Datetime.now() - timedelta(days=ENDED_DAYS))
        ended = Domain("state", "in", ("completed_with_errors", "failed"))
        return [
            (env._("Prepare and request"), Domain("state", "=", "pending"), None),
            (env._("Approve"), Domain("state", "=", "ready"), None),
            (env._("Request bills"), Domain("state", "=", "approved"), None),
            (env._("Continue after a stage"), runs._resting_domain(), None),
            (env._("Stopped by a limit"), runs._stopped_domain(), "danger"),
            (env._("Ended with errors"), ended & Domain("ended_date", ">=", recent), "warning"),
        ]

    def empty(self, env):
        return env._("No billing run waits for anybody.")


class RunsAtWork(Runs):
    """Runs that go on by themselves."""

    code = "runs_at_work"
    title = _lt("Runs at Work")
    place = 20

    def heading(self, env):
        return env._("Status")

    def waits(self, env):
        runs = env["billing.run"]
        requested = runs._at_work_domain() & Domain("state", "=", "requested")
        now = fields.Datetime.to_string(fields.Datetime.now())
        later = Domain("scheduled_date", ">", now)
        at_once = Domain("scheduled_date", "=", False) | Domain("scheduled_date", "<=", now)
        return [
            (env._("Being produced"), Domain("state", "=", "running"), None),
            (env._("Waiting for a worker"), requested & at_once, None),
            (env._("Begins later"), requested & later, None),
        ]

    def empty(self, env):
        return env._("No billing run is at work.")


class Exceptions(StartEntry):
    """Bills in error by reason, with the charges that are not billed for it."""

    code = "exceptions"
    title = _lt("Bills in Error")
    place = 30
    groups = USERS

    def show(self, env):
        bills, charges = env["billing.bill"], env["billing.charge"]
        in_error = Domain("error_code", "!=", False) & Domain("state", "=", "error")
        unbilled = Domain("state", "=", "rated") & Domain("bill_id.error_code", "!=", False)
        unbilled &= Domain("bill_id.state", "=", "error")
        numbers = bills._read_group(in_error, ["error_code"], ["__count"])
        money = {}
        for code, currency, amount in charges._read_group(
            unbilled, ["bill_id.error_code", "currency_id"], ["amount:sum"]
        ):
            money.setdefault(code, []).append((currency, amount))
        labels = dict(bills._fields["error_code"]._description_selection(env))
        rows = []
        for code, number in sorted(numbers, key=lambda row: -row[1]):
            label = labels[code]
            of_code = in_error & Domain("error_code", "=", code)
            first = count(env, number, label, bills._name, of_code, "danger")
            # A line for each currency: amounts of different ones are never added up.
            for currency, amount in money.get(code, [(None, None)]):
                cell = ""
                if currency:
                    domain = unbilled & Domain("bill_id.error_code", "=", code)
                    domain &= Domain("currency_id", "=", currency.id)
                    cell = figure(currency.format(amount), label, charges._name, domain)
                rows.append([label, first, cell])
                label, first = "", ""
        return {
            "head": [env._("Reason"), env._("Bills"), env._("Not billed")],
            "labels": 1,
            "rows": rows,
        }

    def empty(self, env):
        return env._("No bill is in error.")


class Invoiced(StartEntry):
    """What runs have invoiced, by month of the invoice date and by currency."""

    code = "invoiced"
    title = _lt("Invoiced by Month")
    place = 60
    groups = USERS

    def show(self, env):
        moves = env["account.move"]
        today = fields.Date.context_today(moves)
        first = today.replace(day=1) - relativedelta(months=MONTHS - 1)
        posted = Domain("billing_bill_id", "!=", False) & Domain("state", "=", "posted")
        groups = moves._read_group(
            posted & Domain("invoice_date", ">=", fields.Date.to_string(first)),
            ["invoice_date:month", "currency_id"],
            ["__count", "amount_untaxed_in_currency_signed:sum"],
        )
        rows = []
        for month, currency, number, amount in sorted(
            groups, key=lambda group: (-group[0].toordinal(), group[1].name)
        ):
            label = format_date(env, month, date_format="MMMM y")
            after = month + relativedelta(months=1)
            domain = posted & Domain("invoice_date", ">=", fields.Date.to_string(month))
            domain &= Domain("invoice_date", "<", fields.Date.to_string(after))
            domain &= Domain("currency_id", "=", currency.id)
            name = env._("Invoiced in %(month)s", month=label)
            rows.append(
                [
                    label,
                    count(env, number, name, moves._name, domain),
                    figure(currency.format(amount), name, moves._name, domain),
                ]
            )
        return {
            "head": [env._("Invoice date"), env._("Documents"), env._("Before tax")],
            "labels": 1,
            "rows": rows,
        }

    def empty(self, env):
        return env._("No billing run has posted invoices in the last 6 months.")


START_ENTRIES = (RunsWaiting(), RunsAtWork(), Exceptions(), Invoiced())
