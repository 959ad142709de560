from decimal import Decimal

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from ...services.proration import to_decimal

OPEN_COLUMNS = ("id", "service_id", "currency_id", "amount", "partner_id")
# The open charges, each with the first charge of what is debited together with it.
OPEN = """
    CREATE TEMPORARY TABLE wallet_charge ON COMMIT DROP AS
    SELECT charge.id, charge.service_id, charge.currency_id, charge.amount,
           partner.commercial_partner_id AS customer_id,
           min(charge.id) OVER (PARTITION BY charge.service_id, charge.currency_id,
                                             partner.commercial_partner_id) AS charge_id
      FROM (%s) AS charge
      JOIN res_partner AS partner ON partner.id = charge.partner_id
"""
# What each service owes, with the wallet that is to pay it.
OWED = """
    CREATE TEMPORARY TABLE wallet_owed ON COMMIT DROP AS
    SELECT owed.*, wallet.id AS wallet_id, wallet.balance, wallet.granted_balance
      FROM (SELECT charge_id, service_id, currency_id, customer_id, sum(amount) AS amount
              FROM wallet_charge
          GROUP BY charge_id, service_id, currency_id, customer_id) AS owed
 LEFT JOIN billing_wallet AS wallet
        ON wallet.partner_id = owed.customer_id
       AND wallet.company_id = %(company)s
       AND wallet.currency_id = owed.currency_id
"""
# A wallet pays by a set where it pays everything; else it is asked service by service.
EASY = """
    CREATE TEMPORARY TABLE wallet_debit ON COMMIT DROP AS
    WITH easy AS (
        SELECT owed.wallet_id
          FROM wallet_owed AS owed
          JOIN billing_wallet AS wallet ON wallet.id = owed.wallet_id
         WHERE wallet.state = 'open'
      GROUP BY owed.wallet_id, wallet.balance, wallet.credit_limit
        HAVING min(owed.amount) >= 0
           AND sum(owed.amount) <= wallet.balance + COALESCE(wallet.credit_limit, 0)
    )
    SELECT paid.*,
           CASE WHEN amount > 0 THEN nextval('billing_wallet_transaction_id_seq')::int
            END AS transaction_id
      FROM (SELECT owed.*,
                   sum(owed.amount) OVER (PARTITION BY owed.wallet_id
                                              ORDER BY owed.service_id) AS spent
              FROM wallet_owed AS owed
              JOIN easy USING (wallet_id)
          ORDER BY owed.wallet_id, owed.service_id) AS paid
"""
# Who booked is nobody but the run: no user is looked up for every row.
BOOK = """
    INSERT INTO billing_wallet_transaction
           (id, wallet_id, company_id, currency_id, date, kind, amount, granted_amount,
            balance_after, service_id, run_id, source_key, create_date, write_date)
    SELECT debit.transaction_id, debit.wallet_id, %(company)s, debit.currency_id, %(date)s,
           'debit', -debit.amount,
           GREATEST(debit.granted_balance - debit.spent, 0)
                - GREATEST(debit.granted_balance - debit.spent + debit.amount, 0),
           debit.balance - debit.spent, debit.service_id, %(run)s,
           'charge:' || debit.charge_id, %(now)s, %(now)s
      FROM wallet_debit AS debit
     WHERE debit.transaction_id IS NOT NULL
  ORDER BY debit.transaction_id
"""
SETTLE = """
    UPDATE billing_charge AS charge
       SET state = 'settled',
           wallet_transaction_id = debit.transaction_id,
           write_uid = %(uid)s,
           write_date = %(now)s
      FROM wallet_charge AS open
      JOIN wallet_debit AS debit USING (charge_id)
     WHERE charge.id = open.id
"""


class BillingRun(models.Model):
    """Debiting wallets by sets: a transaction a service, whole or not at all."""

    _inherit = "billing.run"

    def _debit_wallets(self, first: int, last: int) -> dict:
        """Debit what is open of the customers whose ids lie between two.

        Wallets are locked in the order of their ids. Services are debited in the order of
        theirs: what does not fit is left, and is an exception of the customer. The next run after
        a top-up takes it.

        :return: number of transactions and exceptions
        """
        self.ensure_one()
        cr = self.env.cr
        self.env.flush_all()
        query = self.env["billing.charge"]._search(self._debit_domain(first, last))
        columns = (SQL.identifier(query.table, name) for name in OPEN_COLUMNS)
        cr.execute(SQL(OPEN, query.select(*columns)))
        if not cr.rowcount:
            cr.execute("DROP TABLE wallet_charge")
            return {"debits": 0, "exceptions": 0}
        values = {
            "company": self.company_id.id,
            "run": self.id,
            "date": self.transaction_date,
            "uid": self.env.uid,
            "now": cr.now(),
        }
        cr.execute("ANALYZE wallet_charge")
        cr.execute(SQL(OWED, **values))
        cr.execute(
            "SELECT id FROM billing_wallet WHERE id IN (SELECT wallet_id FROM wallet_owed)"
            " ORDER BY id FOR NO KEY UPDATE"
        )
        cr.execute(EASY)
        cr.execute("ANALYZE wallet_owed, wallet_debit")
        cr.execute(SQL(BOOK, **values))
        booked = cr.rowcount
        self._pay_piecemeal()
        cr.execute("ANALYZE wallet_debit")
        cr.execute(SQL(SETTLE, **values))
        exceptions = self._except_unpaid()
        crash_point("prepaid.debited")
        cr.execute("DROP TABLE wallet_charge, wallet_owed, wallet_debit")
        self.env.invalidate_all()
        return {"debits": booked, "exceptions": exceptions}

    def _debit_domain(self, first: int, last: int) -> Domain:
        """Return the domain of the open charges that the run debits from customers in a range."""
        return (
            self._open_charge_domain()
            & Domain("service_id", "!=", False)
            & Domain("period_start", "<=", self.cutoff_date)
            & Domain("partner_id.commercial_partner_id", ">=", first)
            & Domain("partner_id.commercial_partner_id", "<=", last)
        )

    def _pay_piecemeal(self):
        """Have the other open wallets pay service by service, as far as they can.

        Few wallets do not pay everything; and few get something back.
        """
        cr = self.env.cr
        cr.execute(
            """
            SELECT owed.wallet_id, owed.service_id, owed.charge_id, owed.amount,
                   wallet.balance + COALESCE(wallet.credit_limit, 0)
              FROM wallet_owed AS owed
              JOIN billing_wallet AS wallet ON wallet.id = owed.wallet_id
             WHERE wallet.state = 'open'
               AND NOT EXISTS (SELECT 1 FROM wallet_debit AS debit
                                WHERE debit.wallet_id = owed.wallet_id)
          ORDER BY owed.wallet_id, owed.service_id
            """
        )
        bookings, paid, left = [], {}, {}
        for wallet_id, service_id, charge_id, amount, available in cr.fetchall():
            amount = to_decimal(amount)
            rest = left.setdefault(wallet_id, to_decimal(available)) - amount
            if rest < 0 < amount:
                continue
            left[wallet_id] = rest
            paid[charge_id] = None
            if amount:
                bookings.append(self._debit_booking(wallet_id, service_id, charge_id, amount))
        for transaction in self.env["billing.wallet.transaction"]._book(bookings):
            paid[int(transaction.source_key.rpartition(":")[2])] = transaction.id
        cr.execute(
            SQL(
                """
                INSERT INTO wallet_debit
                       (charge_id, service_id, currency_id, customer_id, amount, wallet_id,
                        transaction_id)
                SELECT owed.charge_id, owed.service_id, owed.currency_id, owed.customer_id,
                       owed.amount, owed.wallet_id, paid.transaction_id
                  FROM wallet_owed AS owed
                  JOIN unnest(%s::int[], %s::int[]) AS paid (charge_id, transaction_id)
                    ON paid.charge_id = owed.charge_id
                """,
                list(paid),
                list(paid.values()),
            )
        )

    def _debit_booking(self, wallet_id: int, service_id: int, charge_id: int, amount: Decimal):
        """Return what is booked for a service: a debit, or a credit where credits prevail."""
        booking = {
            "wallet_id": wallet_id,
            "kind": "debit",
            "amount": -amount,
            "service_id": service_id,
            "run_id": self.id,
            "date": self.transaction_date,
            "source_key": f"charge:{charge_id}",
        }
        if amount < 0:
            service = self.env["billing.service"].browse(service_id)
            reason = self.env._("Credit for %s", service.display_name)
            booking |= {"kind": "credit", "reason": reason}
        return booking

    def _except_unpaid(self) -> int:
        """Make exceptions of the customers whose services were not paid; return how many."""
        self.env.cr.execute(
            """
            SELECT owed.customer_id, owed.currency_id, owed.wallet_id, sum(owed.amount),
                   EXISTS (SELECT 1 FROM billing_wallet AS other
                            WHERE other.partner_id = owed.customer_id
                              AND other.company_id = %s)
              FROM wallet_owed AS owed
             WHERE NOT EXISTS (SELECT 1 FROM wallet_debit AS debit
                                WHERE debit.charge_id = owed.charge_id)
          GROUP BY owed.customer_id, owed.currency_id, owed.wallet_id
          ORDER BY owed.customer_id, owed.currency_id
            """,
            [self.company_id.id],
        )
        rows = self.env.cr.fetchall()
        partners = self.env["res.partner"].browse([row[0] for row in rows])
        wallets = self.env["billing.wallet"].browse([row[2] for row in rows if row[2]])
        wallets.invalidate_recordset()
        wallet_of = {wallet.id: wallet for wallet in wallets}
        problems = []
        for partner, row in zip(partners, rows, strict=True):
            _customer_id, currency_id, wallet_id, amount, has_others = row
            currency = self.env["res.currency"].browse(currency_id)
            wallet = wallet_of.get(wallet_id, wallets.browse())
            code = self._unpaid_code(wallet, has_others)
            message = self._unpaid_text(code, partner, currency, wallet, amount)
            problems.append((partner, currency, code, message))
        self._except_all(problems)
        return len(rows)

    def _unpaid_code(self, wallet, has_others: bool) -> str:
        if not wallet:
            return "currency_mismatch" if has_others else "no_wallet"
        return "wallet_locked" if wallet.state == "locked" else "insufficient_funds"

    def _unpaid_text(self, code: str, partner, currency, wallet, amount: float) -> str:
        values = {
            "customer": partner.display_name,
            "amount": currency.format(amount),
            "currency": currency.name,
        }
        if code == "no_wallet":
            return self.env._(
                "%(customer)s has no wallet to debit %(amount)s from. Make one and top it up.",
                **values,
            )
        if code == "currency_mismatch":
            return self.env._(
                "The services of %(customer)s are in %(currency)s, the wallet is not: %(amount)s"
                " was not debited. Make a wallet in %(currency)s.",
                **values,
            )
        if code == "wallet_locked":
            return self.env._(
                "The wallet of %(customer)s is locked (%(reason)s): %(amount)s was not debited.",
                reason=wallet.lock_reason,
                **values,
            )
        return self.env._(
            "The wallet of %(customer)s holds %(balance)s: %(amount)s was not debited. The next"
            " run after a top-up takes it.",
            balance=currency.format(wallet.balance),
            **values,
        )
