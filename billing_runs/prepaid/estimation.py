from datetime import date, timedelta

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from .arithmetic import Burn, Outlook, boundaries
from .rating_sql import DROP

ONE_DAY = timedelta(days=1)
EPOCH = date(2000, 1, 1)
# Customers of whom something is open: their money does not pay any more.
OPEN = """
    CREATE TEMPORARY TABLE prepaid_open ON COMMIT DROP AS
    SELECT DISTINCT partner.commercial_partner_id AS customer_id, charge.currency_id
      FROM billing_charge AS charge
      JOIN res_partner AS partner ON partner.id = charge.partner_id
     WHERE charge.id IN (%s)
       AND charge.amount > 0
"""
# What each line of a customer's services will cost. Lines that cost the same have one number.
BURNS = """
    CREATE TEMPORARY TABLE prepaid_burn ON COMMIT DROP AS
    SELECT dense_rank() OVER (ORDER BY coins, scheme_id, anchor, rated_up_to, date_end,
                                       whole)::int AS number, burn.*
      FROM (SELECT due.customer_id, due.currency_id,
                   round(price.gross / coin.rounding)::bigint AS coins,
                   due.scheme_id, due.anchor, due.rated_up_to, due.date_end, due.whole
              FROM prepaid_due AS due
              JOIN prepaid_line AS line ON line.service_id = due.id
              JOIN prepaid_price AS price ON price.id = line.price_id
              JOIN res_currency AS coin ON coin.id = due.currency_id) AS burn
"""
DISTINCT_BURNS = """
    SELECT DISTINCT number, coins, scheme_id, anchor, rated_up_to, date_end, whole
      FROM prepaid_burn
"""
# Wallets are locked in the order of their ids, as everybody does who books on them; then they stay
# where they lie.
FUTURE = """
    SELECT wallet.id, wallet.ctid::text, round((wallet.balance + COALESCE(wallet.credit_limit, 0))
                            / currency.rounding)::bigint,
           wallet.partner_id IN (SELECT customer_id FROM prepaid_open
                                  WHERE currency_id = wallet.currency_id),
           COALESCE(burns.numbers, '{}'), COALESCE(used.coins, 0)::float
      FROM billing_wallet AS wallet
      JOIN res_currency AS currency ON currency.id = wallet.currency_id
 LEFT JOIN (SELECT customer_id, currency_id, array_agg(number ORDER BY number) AS numbers
              FROM prepaid_burn
          GROUP BY customer_id, currency_id) AS burns
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
  ORDER BY wallet.id
       FOR NO KEY UPDATE OF wallet
"""
ESTIMATED = """
    UPDATE billing_wallet AS wallet
       SET depletion_date = %(after)s::date + found.days, estimated_date = %(date)s
      FROM unnest(%(wallets)s::int[], %(places)s::tid[], %(days)s::int[])
           AS found (id, place, days)
     WHERE wallet.ctid = found.place
       AND wallet.id = found.id
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
        services = self._due_domain(first, last) & Domain("state", "=", "active")
        self._lay_out_due(services, first, last)
        self._lay_out_lines()
        cr.execute(BURNS)
        cr.execute("DROP TABLE IF EXISTS prepaid_open")
        charges = self.env["billing.charge"]._search(self._debit_domain(first, last))
        cr.execute(SQL(OPEN, charges.select(SQL.identifier(charges.table, "id"))))
        outlook = self._outlook(after)
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
        wallets, places, days = [], [], []
        for wallet_id, place, available, has_open, numbers, daily in cr.fetchall():
            left = 0 if has_open else outlook.days(available, tuple(numbers), max(daily, 0.0))
            wallets.append(wallet_id)
            places.append(place)
            days.append(left)
        found = {"wallets": wallets, "places": places, "days": days}
        cr.execute(SQL(ESTIMATED, **found, after=after, date=self.cutoff_date))
        if cr.rowcount != len(wallets):
            raise RuntimeError("Wallets were written while they were estimated.")
        ending = sum(left is not None for left in days)
        cr.execute(DROP)
        cr.execute("DROP TABLE prepaid_open")
        self.env["billing.wallet"].invalidate_model(["depletion_date", "estimated_date"])
        return {"wallets": len(wallets), "documents": ending}

    def _outlook(self, first: date) -> Outlook:
        """Return what the burns of ``prepaid_burn`` come to.

        :param first: the first day that is not charged yet
        """
        horizon = self.cycle_id.estimation_days
        until = first + timedelta(days=horizon + 1)
        schedules: dict = {}
        burns = {}
        self.env.cr.execute(DISTINCT_BURNS)
        for number, coins, scheme_id, anchor, start, end, whole in self.env.cr.fetchall():
            key = scheme_id, anchor, min(start, first)
            if key not in schedules:
                scheme = self.env["billing.term.scheme"].browse(scheme_id)
                schedule = scheme._get_schedule(anchor or EPOCH)
                schedules[key] = tuple(boundaries(schedule, min(start, first), until))
            burns[number] = Burn(coins, schedules[key], start, end, whole)
        return Outlook(burns, first, horizon)
