from datetime import date, timedelta

from odoo import models
from odoo.tools import SQL

from .arithmetic import Burn, boundaries, depletion_day
from .rating_sql import DROP

ONE_DAY = timedelta(days=1)
EPOCH = date(2000, 1, 1)
NEVER = 999999
# Customers of whom something is open: their money does not pay any more.
OPEN = """
    CREATE TEMPORARY TABLE prepaid_open ON COMMIT DROP AS
    SELECT DISTINCT partner.commercial_partner_id AS customer_id, charge.currency_id
      FROM billing_charge AS charge
      JOIN res_partner AS partner ON partner.id = charge.partner_id
     WHERE charge.id IN (%s)
       AND charge.amount > 0
"""
# Days are counted from the first of January 2000: arrays hold numbers.
FUTURE = """
    SELECT wallet.id, round((wallet.balance + COALESCE(wallet.credit_limit, 0))
                            / currency.rounding)::bigint,
           wallet.partner_id IN (SELECT customer_id FROM prepaid_open
                                  WHERE currency_id = wallet.currency_id),
           COALESCE(burns.lines, '{}'), COALESCE(used.coins, 0)::float
      FROM billing_wallet AS wallet
      JOIN res_currency AS currency ON currency.id = wallet.currency_id
 LEFT JOIN (SELECT due.customer_id, due.currency_id,
                   array_agg(ARRAY[round(price.gross / coin.rounding)::bigint,
                                   due.scheme_id::bigint,
                                   COALESCE(due.anchor - '2000-01-01'::date, 0)::bigint,
                                   (due.rated_up_to - '2000-01-01'::date)::bigint,
                                   COALESCE(due.date_end - '2000-01-01'::date, 999999)::bigint,
                                   due.whole::int::bigint]) AS lines
              FROM prepaid_due AS due
              JOIN prepaid_line AS line ON line.service_id = due.id
              JOIN prepaid_price AS price ON price.id = line.price_id
              JOIN res_currency AS coin ON coin.id = due.currency_id
          GROUP BY due.customer_id, due.currency_id) AS burns
        ON burns.customer_id = wallet.partner_id
       AND burns.currency_id = wallet.currency_id
 LEFT JOIN (SELECT known.customer_id, known.currency_id,
                   sum(calls.amount) / min(coin.rounding)
                   / GREATEST(LEAST(%(days)s, %(after)s::date - min(known.since)), 1) AS coins
              FROM (SELECT due.customer_id, due.currency_id, min(due.date_start) AS since,
                           array_agg(due.id) AS services
                      FROM prepaid_due AS due
                  GROUP BY due.customer_id, due.currency_id) AS known
        CROSS JOIN LATERAL unnest(known.services) AS service (id)
              JOIN billing_charge AS calls
                ON calls.service_id = service.id
               AND calls.kind = 'usage'
               AND calls.state IN ('rated', 'settled')
               AND calls.period_start >= %(after)s::date - %(days)s
               AND calls.period_start < %(after)s
              JOIN res_currency AS coin ON coin.id = known.currency_id
          GROUP BY known.customer_id, known.currency_id) AS used
        ON used.customer_id = wallet.partner_id
       AND used.currency_id = wallet.currency_id
     WHERE wallet.company_id = %(company)s
       AND wallet.partner_id BETWEEN %(first)s AND %(last)s
"""


class BillingRun(models.Model):
    """Estimating how long wallets will last, from what their services will cost and what calls
    cost of late: those of the cycle's last days, spread evenly."""

    _inherit = "billing.run"

    def _estimate_wallets(self, first: int, last: int) -> dict:
        """Estimate the depletion of the wallets of the customers whose ids lie between two.

        A wallet whose customer owes something already does not pay from the next day on; one that
        lasts beyond the cycle's horizon has no estimate.

        :return: number of wallets estimated, and of those that will be empty within the horizon
        """
        self.ensure_one()
        cr = self.env.cr
        after = self.cutoff_date + ONE_DAY
        self._lay_out_due(self._due_services(first, last, active_only=True))
        self._lay_out_lines()
        cr.execute("DROP TABLE IF EXISTS prepaid_open")
        charges = self.env["billing.charge"]._search(self._debit_domain(first, last))
        cr.execute(SQL(OPEN, charges.select(SQL.identifier(charges.table, "id"))))
        cr.execute(
            SQL(
                FUTURE,
                company=self.company_id.id,
                first=first,
                last=last,
                after=after,
                days=self.cycle_id.burn_days,
            )
        )
        estimated = self._depletion_days(cr.fetchall(), after)
        cr.execute(
            "SELECT id FROM billing_wallet WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [[wallet_id for wallet_id, _day in estimated]],
        )
        cr.execute(
            SQL(
                """
                UPDATE billing_wallet AS wallet
                   SET depletion_date = found.day, estimated_date = %s
                  FROM unnest(%s::int[], %s::date[]) AS found (id, day)
                 WHERE wallet.id = found.id
                """,
                self.cutoff_date,
                [wallet_id for wallet_id, _day in estimated],
                [day for _wallet_id, day in estimated],
            )
        )
        cr.execute(DROP)
        cr.execute("DROP TABLE prepaid_open")
        self.env["billing.wallet"].invalidate_model(["depletion_date", "estimated_date"])
        ending = sum(1 for _wallet_id, day in estimated if day)
        return {"wallets": len(estimated), "documents": ending}

    def _depletion_days(self, rows, first) -> list[tuple]:
        """Return [(wallet id, first day that it does not pay any more, or None)].

        :param rows: of ``FUTURE``
        :param first: the first day that is not charged yet
        """
        horizon = self.cycle_id.estimation_days
        schedules: dict = {}

        def days_of(scheme_id, anchor, start):
            key = scheme_id, anchor, min(start, first)
            if key not in schedules:
                scheme = self.env["billing.term.scheme"].browse(scheme_id)
                schedules[key] = tuple(
                    boundaries(
                        scheme._get_schedule(anchor),
                        min(start, first),
                        first + timedelta(days=horizon + 1),
                    )
                )
            return schedules[key]

        estimated = []
        for wallet_id, available, has_open, lines, daily in rows:
            if has_open:
                estimated.append((wallet_id, first))
                continue
            burns = []
            for coins, scheme_id, anchor, start, end, whole in lines:
                start = EPOCH + timedelta(days=start)
                end = None if end == NEVER else EPOCH + timedelta(days=end)
                days = days_of(scheme_id, EPOCH + timedelta(days=anchor), start)
                burns.append(Burn(coins, days, start, end, bool(whole)))
            day = None
            if burns or daily > 0:
                day = depletion_day(available, burns, first, horizon, max(daily, 0.0))
            estimated.append((wallet_id, day))
        return estimated
