from datetime import timedelta
from decimal import Decimal

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ...billing_tasks.crash_points import crash_point
from . import rating_sql
from .debit import BOOK

ONE_DAY = timedelta(days=1)


class BillingRun(models.Model):
    """Rating prepaid services by sets: each day once, at gross prices.

    Everything that many services share is asked once, in Python: prices with tax, periods,
    texts. The rest are a handful of statements. What is out of the ordinary, set-up and
    days of past terms, goes the way of single services (``billing.service._rate``).

    Where the run goes on to debit, wallets that pay all there is to pay are debited with the rating:
    each charge is written once, settled. The debit stage takes what is left.
    """

    _inherit = "billing.run"

    def _rate_prepaid(self, first: int, last: int) -> dict:
        """Rate what is due of the customers whose ids lie between two.

        Repeating it, also from two workers at once, charges no day twice.

        :return: number of charges and services, and what they come to by currency
        """
        self.ensure_one()
        # Of a run that bills ahead too, no grant ends before its last day is over.
        today = min(self.cutoff_date, self.company_id._billing_today())
        self.env["billing.wallet"]._expire(self.company_id, today)
        due = self._due_domain(first, last) & Domain("next_billing_date", "<=", self.cutoff_date)
        count = self._lay_out_due(due, first, last, lock=True)
        unusual = self._take_unusual()
        refused = self._refuse_prepaid(unusual)
        charges = (unusual - refused)._rate(self.cutoff_date)
        charges += self._charge_usage(self._calls_of(first, last))
        amounts = {}
        for charge in charges:
            key = charge.currency_id.name
            amounts[key] = amounts.get(key, 0) + Decimal(str(charge.amount))
        made = self._rate_set(amounts, first, last) if count > len(unusual) else 0
        self.env.cr.execute(rating_sql.DROP)
        crash_point("prepaid.rated")
        self.env["billing.service"].invalidate_model()
        return {
            "services": count - len(refused),
            "documents": len(charges) + made,
            "amounts": {code: str(amount) for code, amount in amounts.items()},
        }

    def _calls_of(self, first: int, last: int) -> Domain:
        """Return the domain of the calls of the run's customers in a range."""
        customers = self._partner_domain() & Domain("commercial_partner_id", ">=", first)
        customers &= Domain("commercial_partner_id", "<=", last)
        return Domain("partner_id", "any", customers)

    def _due_domain(self, first: int, last: int) -> Domain:
        """Return the domain of the services of which something may be due, of the customers in a
        range."""
        return (
            self._service_domain()
            & Domain("date_start", "<=", self.cutoff_date)
            & Domain("partner_id.commercial_partner_id", ">=", first)
            & Domain("partner_id.commercial_partner_id", "<=", last)
            & Domain("state", "in", ("active", "suspended", "terminated"))
        )

    def _take_unusual(self):
        """Take the services out of ``prepaid_due`` that are not rated by sets, and return them: with
        set-up, with unrated days of past terms, or whose records would be refused."""
        cr = self.env.cr
        cr.execute("DELETE FROM prepaid_due WHERE unusual RETURNING id")
        return self.env["billing.service"].browse(sorted(row[0] for row in cr.fetchall()))

    def _rate_set(self, amounts: dict, first: int, last: int) -> int:
        """Charge the services of ``prepaid_due``; add what comes of it to ``amounts``.

        :return: how many charges
        """
        cr = self.env.cr
        values = {
            "company": self.company_id.id,
            "run": self.id,
            "date": self.transaction_date,
            "uid": self.env.uid,
            "now": cr.now(),
            "first": first,
            "last": last,
        }
        self.env.flush_all()
        cr.execute("DELETE FROM prepaid_due WHERE rated_up_to >= stop")
        self._lay_out_lines()
        self._lay_out_periods()
        cr.execute(rating_sql.PARTS)
        self._lay_out_texts()
        cr.execute("ANALYZE prepaid_part (service_id)")
        cr.execute(rating_sql.CHARGES)
        cr.execute("ANALYZE prepaid_charge (service_id, customer_id)")
        cr.execute(SQL(rating_sql.DROP_CHARGED, **values))
        if self._debits_at_once():
            self._debit_at_once(values)
        else:
            cr.execute(rating_sql.NOTHING_AT_ONCE)
        cr.execute(SQL(rating_sql.INSERT, **values))
        cr.execute(SQL(rating_sql.MOVE_ON, **values))
        moved = cr.rowcount
        cr.execute("SELECT count(DISTINCT service_id) FROM prepaid_part")
        if cr.fetchone() != (moved,):
            raise RuntimeError("Services were written while they were rated.")
        cr.execute(rating_sql.TOTALS)
        made = cr.fetchall()
        for code, _count, amount in made:
            amounts[code] = amounts.get(code, 0) + Decimal(amount)
        self.env["billing.charge"].invalidate_model()
        return sum(count for _code, count, _amount in made)

    def _lay_out_due(self, domain: Domain, first: int, last: int, lock: bool = False) -> int:
        """Fill ``prepaid_due``, a row a service of the customers in a range. Return how many.

        :param lock: keep others out who rate or change these services, in the order of their ids
        """
        cr = self.env.cr
        self.env.flush_all()
        cr.execute(rating_sql.SETTINGS)
        cr.execute(rating_sql.DROP)
        query = self.env["billing.service"]._search(domain)
        table = SQL.identifier(query.table)
        services = query.select(
            *(SQL.identifier(query.table, name) for name in rating_sql.OF_SERVICE)
        )
        if lock:
            services = SQL("%s ORDER BY %s.id FOR NO KEY UPDATE OF %s", services, table, table)
        cr.execute(
            SQL(
                rating_sql.DUE,
                services=services,
                first=first,
                last=last,
                after=self.cutoff_date + ONE_DAY,
                lang=self.env.lang or "en_US",
            )
        )
        count = cr.rowcount
        cr.execute("ANALYZE prepaid_due (id, partner_id, customer_id)")
        return count

    def _lay_out_lines(self):
        """Fill ``prepaid_line`` and ``prepaid_price``: what each service is charged for."""
        self._lay_out_positions()
        self.env.cr.execute(rating_sql.LINES)
        self.env.cr.execute("ANALYZE prepaid_line (service_id, price_id)")
        self._lay_out_prices()

    def _debits_at_once(self) -> bool:
        """Return whether rating debits: the run goes on to it by itself."""
        return 0 <= self._stages().place("debit") <= self._target_place()

    def _debit_at_once(self, values: dict):
        """Debit the wallets that pay all that ``prepaid_charge`` holds, and nothing else."""
        cr = self.env.cr
        cr.execute(
            SQL(
                """
                SELECT wallet.id
                  FROM billing_wallet AS wallet
                 WHERE wallet.partner_id IN (SELECT customer_id FROM prepaid_due)
                   AND wallet.partner_id BETWEEN %(first)s AND %(last)s
                   AND wallet.company_id = %(company)s
              ORDER BY wallet.id FOR NO KEY UPDATE
                """,
                **values,
            )
        )
        cr.execute(SQL(rating_sql.PAID_AT_ONCE, **values))
        cr.execute("ANALYZE wallet_debit (service_id, wallet_id)")
        cr.execute(SQL(BOOK, **values))
        self.env["billing.wallet"].invalidate_model()
        self.env["billing.wallet.transaction"].invalidate_model()
