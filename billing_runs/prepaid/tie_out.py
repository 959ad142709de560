from odoo import models
from odoo.tools import SQL

from .revenue_sql import BY_HAND, COVERED, NOT_COVERED

# So many of the bookings behind a difference are listed.
LISTED = 10_000
WALLETS = """
    SELECT currency_id, sum(balance - granted_balance)
      FROM billing_wallet
     WHERE company_id = %(company)s
  GROUP BY currency_id
"""
ACCOUNT = """
    SELECT currency_id, -sum(amount_currency)
      FROM account_move_line
     WHERE account_id = %(account)s
       AND company_id = %(company)s
       AND parent_state = 'posted'
  GROUP BY currency_id
"""
BOOKINGS = f"""
    WITH covered AS MATERIALIZED ({COVERED})
    SELECT booked.currency_id, booked.id, booked.amount - booked.granted_amount
      FROM billing_wallet_transaction AS booked
 LEFT JOIN billing_wallet_transaction AS voided ON voided.id = booked.voided_id
     WHERE booked.company_id = %(company)s
       AND {{condition}}
  ORDER BY booked.id DESC
"""
STRANGE = """
    SELECT line.currency_id, line.id, -line.amount_currency
      FROM account_move_line AS line
      JOIN account_move AS move ON move.id = line.move_id
 LEFT JOIN account_payment AS payment ON payment.id = move.origin_payment_id
 LEFT JOIN account_bank_statement_line AS bank ON bank.id = move.statement_line_id
     WHERE line.account_id = %(account)s
       AND line.company_id = %(company)s
       AND line.parent_state = 'posted'
       AND payment.billing_wallet_id IS NULL
       AND bank.billing_wallet_id IS NULL
       AND move.billing_wallet_run_id IS NULL
  ORDER BY line.id DESC
"""
MODELS = {
    "by_hand": "billing.wallet.transaction",
    "not_covered": "billing.wallet.transaction",
    "strange": "account.move.line",
}


class BillingRun(models.Model):
    """Tie-out of wallets: what customers have left of what they paid is on the deposit account."""

    _inherit = "billing.run"

    def _wallet_tie_out(self) -> list[dict]:
        """Return the comparison of the run's company as it is now, a row a currency.

        Granted money is left out: nobody paid it. Only where a currency differs is looked for what
        is behind it: bookings without a payment, bookings that no revenue entry covers, journal
        items that belong to no wallet.

        :return: dicts with ``currency``, ``wallets``, ``account``, ``difference``, its parts
            ``by_hand``, ``not_covered``, ``strange`` and ``rest``, and ``ids`` of the parts
        """
        self.ensure_one()
        self.env.flush_all()
        values = {
            "company": self.company_id.id,
            "account": self.company_id.billing_wallet_account_id.id,
        }
        wallets = dict(self.env.execute_query(SQL(WALLETS, **values)))
        account = dict(self.env.execute_query(SQL(ACCOUNT, **values)))
        rows = []
        for currency in self.env["res.currency"].browse(sorted(wallets.keys() | account.keys())):
            held = currency.round(float(wallets.get(currency.id) or 0))
            booked = currency.round(float(account.get(currency.id) or 0))
            rows.append(
                {
                    "currency": currency,
                    "wallets": held,
                    "account": booked,
                    "difference": currency.round(held - booked),
                    **dict.fromkeys((*MODELS, "rest"), 0.0),
                    "ids": {name: [] for name in MODELS},
                }
            )
        if differing := [row for row in rows if row["difference"]]:
            self._explain_wallet_differences(differing, values)
        return rows

    def _explain_wallet_differences(self, rows: list[dict], values: dict):
        queries = {
            "by_hand": (BOOKINGS.format(condition=BY_HAND), 1),
            "not_covered": (BOOKINGS.format(condition=NOT_COVERED), 1),
            "strange": (STRANGE, -1),
        }
        by_currency = {row["currency"].id: row for row in rows}
        for name, (query, sign) in queries.items():
            statement = SQL(query, **values)  # pylint: disable=sql-injection
            for currency_id, record_id, amount in self.env.execute_query(statement):
                if row := by_currency.get(currency_id):
                    row[name] += sign * float(amount)
                    row["ids"][name].append(record_id)
        for row in rows:
            currency = row["currency"]
            for name in MODELS:
                row[name] = currency.round(row[name])
            row["rest"] = currency.round(row["difference"] - sum(row[name] for name in MODELS))

    def action_view_wallet_difference(self, name):
        """Open the records behind a part of the difference.

        :param name: ``by_hand``, ``not_covered`` or ``strange``
        """
        self.ensure_one()
        self._check_user()
        ids = [i for row in self._wallet_tie_out() for i in row["ids"].get(name, ())]
        return self._view_records(
            MODELS.get(name, MODELS["by_hand"]),
            [("id", "in", ids[:LISTED])],
            self.env._("Behind the Difference"),
        )
