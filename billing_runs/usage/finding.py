"""Finding the calls of charges, of which no index of calls tells."""

from odoo.tools import SQL


def calls_of(charges: SQL) -> SQL:
    """Return the SELECT of all columns of the calls that charges are made of, by the customers and days of
    these: those of each customer between the first and the last of his.

    :param charges: a SELECT of charges of usage: ``id``, ``partner_id``, ``period_start``, ``period_end``
    """
    return SQL(
        """
        SELECT record.*
          FROM (SELECT partner_id, min(period_start) AS first_day, max(period_end) AS end_day
                  FROM (%(charges)s) AS charge GROUP BY partner_id) AS asked
          JOIN cdr_record AS record
            ON record.partner_id = asked.partner_id
           AND record.call_day >= asked.first_day AND record.call_day < asked.end_day
         WHERE record.charge_id IN (SELECT id FROM (%(charges)s) AS charge)
        """,
        charges=charges,
    )


def charges_with(ids: list[int]) -> SQL:
    """Return the SELECT that ``calls_of`` takes, of the charges with these ids."""
    return SQL(
        "SELECT id, partner_id, period_start, period_end FROM billing_charge WHERE id = ANY(%s)",
        ids,
    )
