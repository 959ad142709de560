from collections import Counter
from datetime import timedelta
from decimal import Decimal

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class BillingRun(models.Model):
    """What is particular to runs that debit wallets: their customers, results and successors."""

    _inherit = "billing.run"

    wallet_transaction_count = fields.Integer(
        "Wallet Transactions", compute="_compute_wallet_transactions"
    )
    wallet_amount_text = fields.Char("Debited", compute="_compute_wallet_transactions")

    def _compute_wallet_transactions(self):
        rows = {}
        for run, currency, count, amount in self.env["billing.wallet.transaction"]._read_group(
            [("run_id", "in", self.ids)],
            ["run_id", "currency_id"],
            ["__count", "amount:sum"],
        ):
            rows.setdefault(run.id, []).append((currency, count, amount))
        for run in self:
            mine = rows.get(run._origin.id, [])
            run.wallet_transaction_count = sum(count for _currency, count, _amount in mine)
            run.wallet_amount_text = ", ".join(
                currency.format(-amount) for currency, _count, amount in mine
            )

    # === ACTIONS === #

    def action_view_wallet_transactions(self):
        """Open what the runs booked on wallets."""
        domain = [("run_id", "in", self.ids)]
        name = self.env._("Wallet Transactions")
        return self._view_records("billing.wallet.transaction", domain, name)

    # === CUSTOMERS === #

    def _customer_ranges(self, size: int) -> list[tuple[int, int]]:
        """Return the run's customers as ranges of so many, each its first and last id.

        They are the customers with live services in the selection, and those of whom something
        is open or calls are to be charged.
        """
        self.ensure_one()
        self.env.flush_all()
        services = self.env["billing.service"]._search(
            self._service_domain() & self._live_service_domain()
        )
        charges = self.env["billing.charge"]._search(
            self._open_charge_domain() & Domain("service_id", "!=", False)
        )
        calls = (
            self.env["cdr.record"].sudo()._search(self._usage_domain() & self._customer_domain())
        )
        found = [
            query.select(SQL.identifier(query.table, "partner_id"))
            for query in (services, charges, calls)
        ]
        self.env.cr.execute(
            SQL(
                """
                SELECT min(id), max(id)
                  FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / %s AS place
                          FROM (SELECT DISTINCT commercial_partner_id AS id
                                  FROM res_partner
                                 WHERE id IN (%s)) AS customer) AS numbered
              GROUP BY place
              ORDER BY place
                """,
                size,
                SQL(" UNION ").join(found),
            )
        )
        return self.env.cr.fetchall()

    def _take_own_day(self):
        """Have a recurring run bill as of the day on which it runs."""
        self.ensure_one()
        if self.is_recurring:
            today = self.company_id._billing_today()
            self._own().write({"cutoff_date": today, "transaction_date": today})

    # === RESULTS === #

    def _has_debited(self) -> bool:
        """Return whether the run booked something on a wallet."""
        self.ensure_one()
        transactions = self.env["billing.wallet.transaction"]
        return bool(transactions.search_count([("run_id", "=", self.id)], limit=1))

    def _debit_totals(self) -> dict:
        """Count what the run booked on wallets."""
        rows = self.env["billing.wallet.transaction"]._read_group(
            [("run_id", "=", self.id)],
            ["currency_id"],
            ["__count", "amount:sum", "wallet_id:count_distinct"],
        )
        return {
            "entities": sum(wallets for _currency, _count, _amount, wallets in rows),
            "documents": sum(count for _currency, count, _amount, _wallets in rows),
            "amounts": {
                currency.name: f"{-amount:.{currency.decimal_places}f}"
                for currency, _count, amount, _wallets in rows
            },
        }

    def _sum_results(self, stage) -> dict:
        """Add up what the tasks of a stage's latest execution said."""
        found = self._stage_tasks(stage, ["completed"])
        entities = documents = 0
        amounts: Counter = Counter()
        for said in filter(None, found.mapped("result")):
            entities += said.get("services", said.get("wallets", 0))
            documents += said.get("documents", 0)
            for code, amount in said.get("amounts", {}).items():
                amounts[code] += Decimal(amount)
        return {
            "entities": entities,
            "documents": documents,
            "amounts": {
                currency.name: f"{amounts[currency.name]:.{currency.decimal_places}f}"
                for currency in self.env["res.currency"].search([("name", "in", list(amounts))])
            },
        }

    def _stage_tasks(self, stage, states: list):
        """Return the tasks in some states of a stage's execution that has not ended yet."""
        result = self._open_result(stage)
        # Both belong to the transaction that made the tasks; that began in the second of the first.
        begun = min(result.create_date.replace(microsecond=0), result.started_date)
        tasks = self.env["billing.task"].sudo()
        return tasks.search(
            [
                ("res_model", "=", self._name),
                ("res_id", "=", self.id),
                ("type_id.code", "=", stage.task_type),
                ("state", "in", states),
                ("create_date", ">=", begun),
            ]
        )

    def _post_wallet_summary(self):
        """Leave one message on the run that says what came of it."""
        self.invalidate_recordset(
            ["wallet_transaction_count", "wallet_amount_text", "exception_count"]
        )
        return self.message_post(
            body=self.env._(
                "Wallet transactions: %(transactions)s. Debited: %(amount)s. Exceptions:"
                " %(exceptions)s.",
                transactions=self.wallet_transaction_count,
                amount=self.wallet_amount_text or "0",
                exceptions=self.exception_count,
            )
        )

    # === THE NEXT DAY === #

    def _schedule_successor(self):
        """Request the run that follows for the same time of the next day.

        Days on which nothing ran are caught up by it, so it never lies in the past.
        """
        self.ensure_one()
        successor = self.successor_id
        if not successor or successor.state != "pending":
            return
        now = fields.Datetime.now()
        moment = self.scheduled_date or self.started_date or now
        while moment <= now:
            moment += timedelta(days=1)
        successor.sudo()._request(scheduled_date=moment)
