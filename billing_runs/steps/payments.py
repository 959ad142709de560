from datetime import timedelta

from odoo import models
from odoo.tools.translate import LazyTranslate

from ...billing_tasks.texts import plural
from .step import Step

_lt = LazyTranslate(__name__)


class Payments(Step):
    """Unallocated payments by payment method, beside those confirmed for the run before."""

    code = "payments"
    title = _lt("Check payments")
    place = 30
    confirm_label = _lt("Confirm Payments")

    def show(self, run, before):
        """Unallocated payments by payment method, beside those confirmed for the last run."""
        now = run._unallocated_payments()
        before = run._previous_numbers("payments").get("methods", {})
        names = sorted(set(now) | set(before))
        stale = run._stale_journals()
        number = sum(row["count"] for row in now.values())
        return {
            "state": "attention" if stale else "todo",
            "sentence": " ".join(
                [
                    run.env._("Payments that are not allocated to an invoice yet.")
                    if now
                    else run.env._("Every payment is allocated."),
                    *(
                        run.env._(
                            "%(journal)s: the newest bank line is of %(date)s.",
                            journal=journal.name,
                            date=run._date_text(day),
                        )
                        for journal, day in stale
                    ),
                ]
            ),
            "numbers": {"methods": now},
            "links": [
                {
                    "label": plural(
                        number,
                        run.env._("unallocated payment"),
                        run.env._("unallocated payments"),
                    ),
                    "count": number,
                    "method": "action_view_unallocated_payments",
                }
            ]
            if now
            else [],
            "table": {
                "labels": 1,
                "head": [
                    run.env._("Payment Method"),
                    run.env._("Now"),
                    run.env._("Amount"),
                    run.env._("Previous Run"),
                    run.env._("Amount"),
                ],
                "rows": [
                    [
                        name,
                        now.get(name, {}).get("count", 0),
                        now.get(name, {}).get("amount", ""),
                        before.get(name, {}).get("count", 0),
                        before.get(name, {}).get("amount", ""),
                    ]
                    for name in names
                ],
            }
            if names
            else None,
        }


class BillingRun(models.Model):
    """Payments that no invoice has been paid with."""

    _inherit = "billing.run"

    def _unallocated_domain(self):
        return [
            ("company_id", "=", self.company_id.id),
            ("payment_type", "=", "inbound"),
            ("partner_type", "=", "customer"),
            ("state", "in", ("in_process", "paid")),
            ("is_reconciled", "=", False),
        ]

    def _unallocated_payments(self):
        """Return ``{payment method: {"count", "amount" (text, by currency)}}``."""
        rows = self.env["account.payment"]._read_group(
            self._unallocated_domain(),
            ["payment_method_line_id", "currency_id"],
            ["__count", "amount:sum"],
        )
        result = {}
        for method, currency, count, amount in rows:
            row = result.setdefault(method.name or self.env._("Other"), {"count": 0, "amount": ""})
            row["count"] += count
            row["amount"] = ", ".join(filter(None, (row["amount"], currency.format(amount))))
        return result

    def action_view_unallocated_payments(self):
        """Open the payments that no invoice has been paid with."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Unallocated Payments"),
            "res_model": "account.payment",
            "view_mode": "list,form",
            "views": [[False, "list"], [False, "form"]],
            "domain": self._unallocated_domain(),
        }

    def _stale_journals(self):
        """Return ``[(bank journal, day of its newest line)]`` of those not fetched lately."""
        limit = self.company_id._billing_today() - timedelta(
            days=self.company_id.billing_bank_stale_days
        )
        newest = self.env["account.bank.statement.line"]._read_group(
            [("company_id", "=", self.company_id.id), ("journal_id.active", "=", True)],
            ["journal_id"],
            ["date:max"],
        )
        return [(journal, day) for journal, day in newest if day and day < limit]

    def _previous_numbers(self, code):
        """Return the numbers confirmed for a step of the previous run."""
        step = self._previous_prepared_run().step_ids.filtered(lambda s: s.code == code)
        return step.numbers or {}
