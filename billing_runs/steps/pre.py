from datetime import timedelta

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL, format_date


class BillingRun(models.Model):
    """The steps before bills are requested: dates, customers, payments, request."""

    _inherit = "billing.run"

    # === DATES === #

    def _step_dates(self):
        missing = [
            self._fields[name]._description_string(self.env)
            for name in ("invoice_date", "cutoff_date", "transaction_date", "term_scheme_ids")
            if not self[name]
        ]
        if missing:
            return {
                "state": "todo",
                "sentence": self.env._("Set %(fields)s.", fields=", ".join(missing)),
            }
        problems = self._readiness_problems()
        if problems:
            blocked = any(problem["blocking"] for problem in problems)
            return {
                "state": "problem" if blocked else "attention",
                "sentence": self.env._("The dates are set, but no bill can be produced:")
                if blocked
                else self.env._("The dates are set. Some bills will not come out right:"),
                "table": {
                    "head": [self.env._("What"), self.env._("Who can mend it")],
                    "rows": [[problem["text"], problem["who"]] for problem in problems],
                },
            }
        return {
            "state": "done",
            "sentence": self.env._(
                "Invoices of %(invoice)s, billed as of %(cutoff)s, booked on %(booked)s.",
                invoice=self._date_text(self.invoice_date),
                cutoff=self._date_text(self.cutoff_date),
                booked=self._date_text(self.transaction_date),
            ),
        }

    def _date_text(self, day):
        return format_date(self.env, day)

    # === CUSTOMERS === #

    def _step_customers(self):
        checks = self._customer_checks()
        counts = self._count_each("res.partner", [domain for _label, domain in checks.values()])
        links = [
            {"label": label, "count": count, "method": "action_view_customers", "args": [code]}
            for (code, (label, _domain)), count in zip(checks.items(), counts, strict=True)
            if count
        ]
        sentence = self.env._(
            "%(customers)s customers with %(services)s services are selected.",
            customers=self.selected_customer_count,
            services=self.selected_service_count,
        )
        lost = self._lost_limit_texts()
        if not self.selected_customer_count:
            sentence = self.env._("Nobody is selected. Look at the criteria and filters.")
            return {"state": "attention", "sentence": " ".join([sentence, *lost])}
        return {
            "state": "attention" if links or lost else "done",
            "sentence": " ".join([sentence, *lost]),
            "links": links,
        }

    def action_view_customers(self, code):
        """Open the selected customers that a check of the customers step counted."""
        self.ensure_one()
        label, _domain = self._customer_checks()[code]
        return self._view_counted("res.partner", code, label)

    def _customer_checks(self):
        """Return ``{code: (label, domain on res.partner)}`` of what may be missing.

        Upper floors add checks of what they need.
        """
        self.ensure_one()
        selected = Domain("id", "in", SQL("(%s)", self._selected_partners()))
        by_email = Domain("invoice_sending_method", "in", (False, "email"))
        no_address = Domain.OR(
            Domain(field, "=", False) for field in ("street", "city", "country_id")
        )
        return {
            "email": (
                self.env._("without e-mail address"),
                self._addressed(selected & by_email, Domain("email_normalized", "=", False)),
            ),
            "address": (
                self.env._("without complete address"),
                self._addressed(selected, no_address),
            ),
            "tax": (
                self.env._("companies without tax number"),
                selected & Domain("is_company", "=", True) & Domain("vat", "in", (False, "")),
            ),
            "card": (
                self.env._("paying by card without a stored card"),
                selected
                & Domain("billing_payment_preference", "=", "card")
                & ~Domain("payment_token_ids", "any", [("active", "=", True)]),
            ),
            "bank": (
                self.env._("paying by direct debit without a bank account"),
                selected
                & Domain("billing_payment_preference", "=", "direct_debit")
                & ~Domain(
                    "commercial_partner_id",
                    "any!",
                    Domain("bank_ids", "any!", [("active", "=", True)]),
                ),
            ),
            "receivable": (
                self.env._("without a receivable account in use (accounting can mend it)"),
                selected & self._no_receivable_domain(),
            ),
            "hold": (self.env._("on billing hold"), selected & Domain("billing_hold", "=", True)),
        }

    # === PAYMENTS === #

    def _step_payments(self):
        """Unallocated payments by payment method, beside those confirmed for the last run."""
        now = self._unallocated_payments()
        before = self._previous_numbers("payments").get("methods", {})
        names = sorted(set(now) | set(before))
        stale = self._stale_journals()
        return {
            "state": "attention" if stale else "todo",
            "confirmable": True,
            "confirm_label": self.env._("Confirm Payments"),
            "sentence": " ".join(
                [
                    self.env._("Payments that are not allocated to an invoice yet.")
                    if now
                    else self.env._("Every payment is allocated."),
                    *(
                        self.env._(
                            "%(journal)s: the newest bank line is of %(date)s.",
                            journal=journal.name,
                            date=self._date_text(day),
                        )
                        for journal, day in stale
                    ),
                ]
            ),
            "numbers": {"methods": now},
            "links": [
                {
                    "label": self.env._("unallocated payments"),
                    "count": sum(row["count"] for row in now.values()),
                    "method": "action_view_unallocated_payments",
                }
            ]
            if now
            else [],
            "table": {
                "labels": 1,
                "head": [
                    self.env._("Payment Method"),
                    self.env._("Now"),
                    self.env._("Amount"),
                    self.env._("Previous Run"),
                    self.env._("Amount"),
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

    def _previous_run(self):
        """Return the cycle's run before this one that was not cancelled."""
        self.ensure_one()
        return self.search(
            [
                ("cycle_id", "=", self.cycle_id.id),
                ("id", "<", self.id),
                ("state", "!=", "cancelled"),
                ("mode", "=", "batch"),
            ],
            order="invoice_date desc, id desc",
            limit=1,
        )

    def _previous_numbers(self, code):
        """Return the numbers confirmed for a step of the previous run."""
        step = self._previous_run().step_ids.filtered(lambda s: s.code == code)
        return step.numbers or {}

    # === REQUEST === #

    def _step_request(self):
        if self.cycle_id.sign_off and self.state != "approved":
            return {
                "state": "todo",
                "sentence": self.env._("The run has to be made ready and approved first."),
                "buttons": [
                    {"method": "action_ready", "label": self.env._("Mark Ready"), "primary": True}
                    if self.state == "pending"
                    else {
                        "method": "action_approve",
                        "label": self.env._("Approve"),
                        "primary": True,
                    }
                ],
            }
        confirm = self.env._(
            "Produce and post the invoices of this run? Dates and criteria are locked from here on."
        )
        target = self.cycle_id.target_stage
        if target:
            labels = dict(self._fields["stage"]._description_selection(self.env))
            confirm = self.env._(
                "Execute this run up to %(stage)s? Dates and criteria are locked from here on.",
                stage=labels[target],
            )
        return {
            "state": "todo",
            "sentence": self.env._("Billing run is ready!"),
            "buttons": [
                {
                    "method": "action_request",
                    "args": [target] if target else [],
                    "label": self.env._("Request Bills"),
                    "primary": True,
                    "confirm": confirm,
                }
            ],
        }
