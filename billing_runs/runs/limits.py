from odoo import fields, models
from odoo.tools import SQL


class BillingRun(models.Model):
    """Stop limits and the canary: a run that gets out of hand stops before it invoices.

    Limits are checked when a stage that asks for it has ended, which is rating, and
    again on the canary: the first customers, who are taken through all stages before
    anybody else. A run that stops waits in ``requested`` with the reason until
    somebody continues it.
    """

    _inherit = "billing.run"

    limit_bills = fields.Integer(
        "Most Bills", aggregator=None, help="Stop when more bills are due. 0: no limit."
    )
    limit_total = fields.Monetary(
        "Highest Total",
        aggregator=None,
        currency_field="company_currency_id",
        help="Stop when all charges, with or without tax as their prices are, come to more in the"
        " company's currency. 0: no limit.",
    )
    limit_bill = fields.Monetary(
        "Biggest Bill",
        aggregator=None,
        currency_field="company_currency_id",
        help="Stop when one customer's charges come to more. 0: no limit.",
    )
    limit_change = fields.Float(
        "Most Change (%)",
        aggregator=None,
        help="Stop when the total differs by more from the cycle's previous run. 0: no limit.",
    )
    canary_count = fields.Integer(
        "Customers First",
        aggregator=None,
        help="This many customers are billed and checked first, then the rest. 0: all at once.",
    )
    canary_running = fields.Boolean(readonly=True, copy=False)
    stop_reason = fields.Char(readonly=True, copy=False)
    limits_passed = fields.Boolean(
        readonly=True, copy=False, help="Somebody continued the run in spite of its limits."
    )

    _limits_positive = models.Constraint(
        "CHECK (limit_bills >= 0 AND limit_total >= 0 AND limit_bill >= 0 AND limit_change >= 0"
        " AND canary_count >= 0)",
        "Limits cannot be negative. 0 means no limit.",
    )

    def _begin_canary(self):
        """Mark the first customers' bills: until they are through, no other bill is touched."""
        self.ensure_one()
        if not self.canary_count:
            return
        bills = self.env["billing.bill"].browse(self._bill_ids(self._stages()[0].before))
        customers = list(bills.grouped("partner_id").values())[: self.canary_count]
        self.env["billing.bill"].concat(*customers).canary = True
        self.canary_running = True

    def _end_canary(self):
        """End the canary.

        :return: whether the rest of the customers can go now
        """
        self.ensure_one()
        self.write({"canary_running": False, "stage": False})
        problem = self._canary_problem()
        if problem:
            self._stop(problem)
        return not problem

    def _canary_problem(self):
        bills = self.env["billing.bill"].search([("run_id", "=", self.id), ("canary", "=", True)])
        failed = bills.filtered(lambda bill: bill.state == "error")
        if failed:
            return self.env._(
                "Customers billed first: %(count)s. In error: %(failed)s (%(names)s).",
                count=len(bills.partner_id),
                failed=len(failed),
                names=", ".join(failed[:3].mapped("partner_id.name")),
            )
        return None

    def _limit_problem(self):
        """Return the limit that the run's charges exceed, in words, or None."""
        self.ensure_one()
        limits = self.limit_bills, self.limit_total, self.limit_bill, self.limit_change
        if not any(limits):
            return None
        totals = self._charged_by_bill()
        currency = self.company_currency_id
        total, biggest = sum(totals.values()), max(totals.values(), default=0.0)
        if self.limit_bills and len(totals) > self.limit_bills:
            return self.env._(
                "Bills that are due: %(count)s. The limit is %(limit)s.",
                count=len(totals),
                limit=self.limit_bills,
            )
        if self.limit_total and currency.compare_amounts(total, self.limit_total) > 0:
            return self.env._(
                "The charges come to %(total)s, the limit is %(limit)s.",
                total=currency.format(total),
                limit=currency.format(self.limit_total),
            )
        if self.limit_bill and currency.compare_amounts(biggest, self.limit_bill) > 0:
            bill = self.env["billing.bill"].browse(max(totals, key=totals.get))
            return self.env._(
                "The charges of %(customer)s come to %(amount)s, the limit of a bill is %(limit)s.",
                customer=bill.partner_id.display_name,
                amount=currency.format(biggest),
                limit=currency.format(self.limit_bill),
            )
        # The canary alone says nothing about the whole.
        before = 0.0
        if self.limit_change and not self.canary_running:
            before = sum(self._previous_billed_run()._charged_by_bill().values())
        change = 100.0 * abs(total - before) / abs(before) if before else 0.0
        if change > self.limit_change:
            return self.env._(
                "The total differs by %(change)s %% from the previous run, the limit is"
                " %(limit)s %%.",
                change=round(change, 1),
                limit=self.limit_change,
            )
        return None

    def _charged_by_bill(self):
        """Return ``{bill id: its charges in the company's currency}`` of bills not taken back."""
        if not self:
            return {}
        self.ensure_one()
        charges = self.env["billing.charge"]
        charges.flush_model(["bill_id", "currency_id", "amount", "state"])
        query = charges._search(
            [
                ("bill_id.run_id", "=", self.id),
                ("bill_id.state", "in", self._stages().live_states),
                ("state", "in", ("rated", "invoiced")),
            ]
        )
        # Numbers and no records: a run may have 50,000 bills.
        bill, currency = (SQL.identifier(charges._table, n) for n in ("bill_id", "currency_id"))
        query.groupby = SQL("%s, %s", bill, currency)
        total = SQL("SUM(%s)", SQL.identifier(charges._table, "amount"))
        currencies = self.env["res.currency"]
        return {
            bill_id: self._converted(
                amount, currencies.browse(currency_id), self.company_id.currency_id
            )
            for bill_id, currency_id, amount in self.env.execute_query(
                query.select(bill, currency, total)
            )
        }

    def _stop(self, reason):
        """Let the run wait with a reason until somebody continues it."""
        self.ensure_one()
        self._set_state("requested")
        self.stop_reason = reason
        self.message_post(body=self.env._("The run has stopped: %s", reason))
