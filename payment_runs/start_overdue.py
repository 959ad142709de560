"""The start page's entries about overdue invoices."""

from odoo import fields
from odoo.fields import Domain
from odoo.tools.translate import LazyTranslate

from ..billing_tasks.start_entry import StartEntry, Todo, figure

_lt = LazyTranslate(__name__)

USERS = "billing_operations.group_billing_user"
DAYS = (30, 90)


class OverdueNotices(Todo):
    """Notices that wait for a person."""

    code = "overdue_notices"
    title = _lt("Overdue Notices Waiting for a Person")
    place = 41
    groups = USERS

    def kinds(self, env):
        notices = "billing.overdue.notice"
        return [
            (
                env._("Tell customers without an e-mail address"),
                notices,
                Domain("state", "=", "no_address"),
                "warning",
            ),
            (
                env._("Confirm that services are ended"),
                notices,
                Domain("state", "=", "proposed"),
                None,
            ),
            (
                env._("E-mails that could not be sent"),
                notices,
                Domain("message_has_error", "=", True),
                "danger",
            ),
            (
                env._("Services that could not be switched"),
                notices,
                Domain("problem", "!=", False) & Domain("resumed_date", "=", False),
                "danger",
            ),
        ]

    def empty(self, env):
        return env._("No overdue notice waits for anybody.")


class OverdueInvoices(StartEntry):
    """What is overdue, by age and currency."""

    code = "overdue_invoices"
    title = _lt("Overdue Invoices")
    place = 72
    groups = USERS

    def show(self, env):
        moves = env["account.move"]
        today = fields.Date.context_today(moves)
        late = Domain(
            [
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", ("not_paid", "partial")),
                ("company_id", "in", env.companies.ids),
            ]
        )
        first, second = (fields.Date.to_string(fields.Date.subtract(today, days=d)) for d in DAYS)
        ages = (
            Domain("invoice_date_due", ">=", first)
            & Domain("invoice_date_due", "<", fields.Date.to_string(today)),
            Domain("invoice_date_due", "<", first) & Domain("invoice_date_due", ">=", second),
            Domain("invoice_date_due", "<", second),
        )
        found = [
            dict(moves._read_group(late & age, ["currency_id"], ["amount_residual:sum"]))
            for age in ages
        ]
        rows = []
        for currency in sorted({c for amounts in found for c in amounts}, key=lambda c: c.name):
            row = [currency.name]
            mine = late & Domain("currency_id", "=", currency.id)
            for age, amounts, tone in zip(ages, found, (None, "warning", "danger"), strict=True):
                amount = amounts.get(currency)
                row.append(
                    figure(
                        currency.format(amount),
                        env._("Overdue Invoices"),
                        moves._name,
                        mine & age,
                        tone,
                    )
                    if amount
                    else ""
                )
            rows.append(row)
        head = [
            env._("Currency"),
            env._("Up to 30 days"),
            env._("31 to 90 days"),
            env._("Older"),
        ]
        return {"head": head, "labels": 1, "rows": rows}

    def empty(self, env):
        return env._("No invoice is overdue.")


OVERDUE_ENTRIES = (OverdueNotices(), OverdueInvoices())
