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
        self.env["billing.wallet"]._expire(self.company_id, self.cutoff_date)
        services = self._due_services(first, last)
        services._lock_rows()
        services.invalidate_recordset()
        unusual = self._unusual(services)
        refused = self._refuse_prepaid(unusual)
        charges = (unusual - refused)._rate(self.cutoff_date)
        charges += self._charge_usage(self._calls_of(first, last))
        amounts = {}
        for charge in charges:
            key = charge.currency_id.name
            amounts[key] = amounts.get(key, 0) + Decimal(str(charge.amount))
        usual = services - unusual
        count = self._rate_set(usual, amounts, first, last) if usual else 0
        crash_point("prepaid.rated")
        services.invalidate_recordset()
        return {
            "services": len(services) - len(refused),
            "documents": len(charges) + count,
            "amounts": {code: str(amount) for code, amount in amounts.items()},
        }

    def _calls_of(self, first: int, last: int) -> Domain:
        """Return the domain of the calls of the run's customers in a range."""
        customers = self._partner_domain() & Domain("commercial_partner_id", ">=", first)
        customers &= Domain("commercial_partner_id", "<=", last)
        return Domain("partner_id", "any", customers)

    def _due_services(self, first: int, last: int, active_only: bool = False):
        """Return the services of which days are due, of the customers in a range.

        :param active_only: those that go on being served instead, whether or not a day is due
        """
        domain = self._service_domain() & Domain("date_start", "<=", self.cutoff_date)
        domain &= Domain("partner_id.commercial_partner_id", ">=", first)
        domain &= Domain("partner_id.commercial_partner_id", "<=", last)
        if active_only:
            domain &= Domain("state", "=", "active")
        else:
            domain &= Domain("state", "in", ("active", "suspended", "terminated"))
            domain &= Domain("next_billing_date", "<=", self.cutoff_date)
        return self.env["billing.service"].search(domain, order="id")

    def _unusual(self, services):
        """Return the services that are not rated by sets: with set-up, with unrated days of past
        terms, or whose records would be refused."""
        self.env.cr.execute(
            SQL(
                """
                SELECT service.id
                  FROM billing_service AS service
                  JOIN billing_tariff AS tariff ON tariff.id = service.tariff_id
                  JOIN product_product AS product ON product.id = tariff.product_id
                  JOIN res_partner AS partner ON partner.id = service.partner_id
                  JOIN res_currency AS currency ON currency.id = service.currency_id
                 WHERE service.id = ANY(%s)
                   AND (service.setup_due OR service.rated_up_to < service.terms_from
                        OR NOT (product.active AND partner.active AND currency.active)
                        OR EXISTS (SELECT 1 FROM billing_service_addon AS line
                                     JOIN billing_tariff_addon AS addon ON addon.id = line.addon_id
                                     JOIN product_product AS part ON part.id = addon.product_id
                                    WHERE line.service_id = service.id AND NOT part.active))
                """,
                services.ids,
            )
        )
        return services.browse(sorted(row[0] for row in self.env.cr.fetchall()))

    def _rate_set(self, services, amounts: dict, first: int, last: int) -> int:
        """Charge services by sets; add what comes of it to ``amounts``. Return how many charges."""
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
        self._lay_out_due(services)
        cr.execute("DELETE FROM prepaid_due WHERE rated_up_to >= stop")
        self._lay_out_lines()
        self._lay_out_periods()
        cr.execute(rating_sql.PARTS)
        self._lay_out_texts()
        cr.execute("ANALYZE prepaid_part")
        cr.execute(rating_sql.CHARGES)
        cr.execute("ANALYZE prepaid_charge")
        cr.execute(SQL(rating_sql.DROP_CHARGED, **values))
        if self._debits_at_once():
            self._debit_at_once(values)
        else:
            cr.execute(rating_sql.NOTHING_AT_ONCE)
        cr.execute(SQL(rating_sql.INSERT, **values))
        cr.execute(SQL(rating_sql.MOVE_ON, **values))
        cr.execute(rating_sql.TOTALS)
        made = cr.fetchall()
        for code, _count, amount in made:
            amounts[code] = amounts.get(code, 0) + Decimal(amount)
        cr.execute(rating_sql.DROP)
        self.env["billing.charge"].invalidate_model()
        return sum(count for _code, count, _amount in made)

    def _lay_out_due(self, services):
        """Fill ``prepaid_due``, a row a service."""
        cr = self.env.cr
        self.env.flush_all()
        cr.execute(rating_sql.DROP)
        cr.execute(
            SQL(
                rating_sql.DUE,
                services=services.ids,
                after=self.cutoff_date + ONE_DAY,
                lang=self.env.lang or "en_US",
            )
        )
        cr.execute("ANALYZE prepaid_due")

    def _lay_out_lines(self):
        """Fill ``prepaid_line`` and ``prepaid_price``: what each service is charged for."""
        self._lay_out_positions()
        self.env.cr.execute(rating_sql.LINES)
        self.env.cr.execute("ANALYZE prepaid_line")
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
                   AND wallet.company_id = %(company)s
              ORDER BY wallet.id FOR NO KEY UPDATE
                """,
                **values,
            )
        )
        cr.execute(SQL(rating_sql.PAID_AT_ONCE, **values))
        cr.execute("ANALYZE wallet_debit")
        cr.execute(SQL(BOOK, **values))
        self.env["billing.wallet"].invalidate_model()
        self.env["billing.wallet.transaction"].invalidate_model()
