from odoo import fields, models
from odoo.tools import SQL

from ...services.models.billing_charge import LIVE_STATES


class CdrMarginReport(models.Model):
    """What carriers cost beside what customers are charged: a row for a service, month and carrier.

    Calls cost in the month of their day, fixed fees in the month in which they begin; archived calls
    count by what their archives hold for a service. What is charged for a service in a month stands
    with the carrier that costs most of it in that month, so that totals count everything once. Amounts
    are before tax, in the company's currency.
    """

    _name = "cdr.margin.report"
    _description = "Margin Report"
    _auto = False
    _rec_name = "service_id"
    _order = "month desc, margin, id"

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    month = fields.Date(readonly=True)
    carrier_id = fields.Many2one("cdr.carrier", readonly=True)
    service_id = fields.Many2one("billing.service", readonly=True)
    tariff_id = fields.Many2one("billing.tariff", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    calls = fields.Integer(readonly=True)
    seconds = fields.Float(string="Duration (s)", digits=(18, 0), readonly=True)
    call_cost = fields.Monetary(string="Cost of Calls", readonly=True)
    fixed_cost = fields.Monetary(string="Fixed Fees", readonly=True)
    cost = fields.Monetary(readonly=True)
    sale = fields.Monetary(string="Charged", readonly=True)
    margin = fields.Monetary(readonly=True)

    @property
    def _table_query(self):
        return SQL(
            """
            WITH part AS (
                SELECT company_id, carrier_id, service_id,
                       date_trunc('month', call_day)::date AS month,
                       cost_currency_id AS currency_id, count(*) AS calls, sum(seconds) AS seconds,
                       sum(cost) AS call_cost, 0::numeric AS fixed_cost
                  FROM cdr_record
                 GROUP BY 1, 2, 3, 4, 5
                 UNION ALL
                SELECT company_id, carrier_id, service_id,
                       date_trunc('month', period_start)::date, currency_id, 0, 0, 0, sum(cost)
                  FROM cdr_fixed_fee
                 GROUP BY 1, 2, 3, 4, 5
                 UNION ALL
                SELECT old.company_id, archive.carrier_id, old.service_id, archive.month,
                       old.currency_id, old.record_count, old.seconds, old.cost, 0
                  FROM cdr_archive_service AS old
                  JOIN cdr_archive AS archive ON archive.id = old.archive_id
                 WHERE archive.state = 'archived'
            ), spent AS (
                SELECT part.company_id, part.carrier_id, part.service_id, part.month,
                       sum(part.calls) AS calls, sum(part.seconds) AS seconds,
                       sum(part.call_cost * %(part_rate)s) AS call_cost,
                       sum(part.fixed_cost * %(part_rate)s) AS fixed_cost
                  FROM part JOIN res_company AS company ON company.id = part.company_id
                 GROUP BY 1, 2, 3, 4
            ), main AS (
                SELECT DISTINCT ON (service_id, month) service_id, month, carrier_id
                  FROM spent WHERE service_id IS NOT NULL
                 ORDER BY service_id, month,
                       COALESCE(call_cost, 0) + COALESCE(fixed_cost, 0) DESC, carrier_id
            ), earned AS (
                SELECT charge.company_id, charge.service_id,
                       date_trunc('month', charge.period_start)::date AS month,
                       sum(CASE WHEN charge.price_includes_tax AND charge.state = 'invoiced'
                                THEN charge.invoiced_amount ELSE charge.amount END
                           * %(charge_rate)s) AS sale
                  FROM billing_charge AS charge
                  JOIN res_company AS company ON company.id = charge.company_id
                 WHERE charge.state IN %(live)s
                   AND charge.service_id IN (SELECT service_id FROM main)
                 GROUP BY 1, 2, 3
            ), row AS (
                SELECT company_id, carrier_id, service_id, month, calls, seconds, call_cost,
                       fixed_cost, 0 AS sale
                  FROM spent
                 UNION ALL
                SELECT earned.company_id, main.carrier_id, earned.service_id, earned.month, 0, 0, 0,
                       0, earned.sale
                  FROM earned
                  LEFT JOIN main ON main.service_id = earned.service_id
                                AND main.month = earned.month
            ), total AS (
                SELECT company_id, carrier_id, service_id, month, sum(calls)::int AS calls,
                       sum(seconds) AS seconds, COALESCE(sum(call_cost), 0) AS call_cost,
                       COALESCE(sum(fixed_cost), 0) AS fixed_cost, sum(sale) AS sale
                  FROM row
                 GROUP BY 1, 2, 3, 4
            )
            SELECT row_number() OVER (ORDER BY total.month, total.service_id, total.carrier_id)
                       AS id,
                   total.*, service.tariff_id, service.partner_id,
                   total.call_cost + total.fixed_cost AS cost,
                   total.sale - total.call_cost - total.fixed_cost AS margin
              FROM total LEFT JOIN billing_service AS service ON service.id = total.service_id
            """,
            part_rate=self._rate_sql(SQL("part.currency_id"), SQL("part.month")),
            charge_rate=self._rate_sql(SQL("charge.currency_id"), SQL("charge.period_start")),
            live=LIVE_STATES,
        )

    def _rate_sql(self, currency, day):
        """Return the factor from a currency into that of ``company`` on a day: 1 where none is known."""

        def rate(of):
            return SQL(
                """
                COALESCE((SELECT known.rate FROM res_currency_rate AS known
                           WHERE known.currency_id = %s AND known.name <= %s
                             AND (known.company_id IS NULL
                                  OR known.company_id = split_part(company.parent_path, '/', 1)::int)
                           ORDER BY known.company_id, known.name DESC LIMIT 1), 1)
                """,
                of,
                day,
            )

        own = SQL("company.currency_id")
        return SQL(
            "CASE WHEN COALESCE(%(currency)s, %(own)s) = %(own)s THEN 1 ELSE %(to)s / %(from)s END",
            **{"currency": currency, "own": own, "to": rate(own), "from": rate(currency)},
        )
