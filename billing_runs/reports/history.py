from odoo import models
from odoo.tools import SQL

# How far back bills are looked for: so many periods of a service, and a margin for late runs.
_PERIODS = 4
_MARGIN = "2 months"
_WITHOUT_SERVICE = "1 year"


class BillingRun(models.Model):
    """What a run's customers were billed before, like compared with like.

    A service is compared with its own last bills, so that one billed every quarter is not unusual
    in the quarter's first month, nor missed in the other two.
    """

    _inherit = "billing.run"

    def _past_amounts(self, report, before):
        """Return what the customers of a report would have been billed by their last bills.

        Looked at are the services billed now, and those that fell due with this run and are not;
        of each its last three bills. What belongs to no service is taken from the customer's last
        three bills. A service with fewer bills counts with their mean in the others' place.

        :param before: the run before this one
        :return: ``{(customer id, currency id): [amounts before tax, newest first, up to three]}``
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                WITH billed AS (
                    SELECT charge.partner_id, charge.currency_id,
                           COALESCE(charge.service_id, 0) AS service,
                           run.id AS run, run.invoice_date, run.cutoff_date,
                           SUM(-item.amount_currency) AS amount
                      FROM billing_run run
                      JOIN billing_bill bill ON bill.run_id = run.id
                      JOIN billing_charge charge
                        ON charge.bill_id = bill.id AND charge.state IN ('invoiced', 'waived')
                      JOIN account_move_line item
                        ON item.id = charge.move_line_id AND item.parent_state = 'posted'
                      LEFT JOIN (%(periods)s) period ON period.service = charge.service_id
                     WHERE run.cycle_id = %(cycle)s
                       AND (run.invoice_date, run.id) < (%(invoice_date)s, %(run)s)
                       AND run.invoice_date >= %(invoice_date)s
                           - COALESCE(period.length * %(reach)s, %(one_off)s) - %(margin)s
                     GROUP BY 1, 2, 3, 4
                ), bills AS (
                    SELECT partner_id, currency_id, run, invoice_date, cutoff_date,
                           COALESCE(SUM(amount) FILTER (WHERE service = 0), 0) AS amount
                      FROM billed
                     GROUP BY 1, 2, 3, 4, 5
                ), past AS (
                    SELECT partner_id, currency_id, service, cutoff_date, amount,
                           ROW_NUMBER() OVER (PARTITION BY partner_id, currency_id, service
                                                  ORDER BY invoice_date DESC, run DESC) AS place
                      FROM (SELECT partner_id, currency_id, service, run, invoice_date,
                                   cutoff_date, amount
                              FROM billed WHERE service != 0
                             UNION ALL
                            SELECT partner_id, currency_id, 0, run, invoice_date,
                                   cutoff_date, amount
                              FROM bills) one
                ), series AS (
                    SELECT partner_id, currency_id, service, COUNT(*) AS count,
                           MAX(cutoff_date) AS newest, AVG(amount) AS mean,
                           MAX(amount) FILTER (WHERE place = 1) AS first,
                           MAX(amount) FILTER (WHERE place = 2) AS second,
                           MAX(amount) FILTER (WHERE place = 3) AS third
                      FROM past
                     WHERE place <= 3
                     GROUP BY 1, 2, 3
                ), now AS (
                    SELECT DISTINCT partner_id, currency_id, COALESCE(service_id, 0) AS service
                      FROM billing_run_report_line
                     WHERE report_id = %(report)s
                     UNION
                    SELECT partner_id, currency_id, 0
                      FROM billing_run_report_line
                     WHERE report_id = %(report)s
                )
                SELECT series.partner_id, series.currency_id, MAX(series.count),
                       SUM(COALESCE(first, mean)), SUM(COALESCE(second, mean)),
                       SUM(COALESCE(third, mean))
                  FROM series
                  LEFT JOIN now USING (partner_id, currency_id, service)
                  LEFT JOIN (%(periods)s) period USING (service)
                 WHERE series.service = 0
                    OR now.service IS NOT NULL
                    OR (newest + period.length)::date
                       BETWEEN %(previous)s::date + 1 AND %(cutoff)s
                 GROUP BY 1, 2
                HAVING BOOL_OR(series.service != 0 OR now.service IS NOT NULL)
                """,
                periods=SQL(
                    """
                    SELECT service.id AS service,
                           (scheme.interval_number || ' ' || scheme.interval_unit)::interval
                               AS length
                      FROM billing_service service
                      JOIN billing_tariff tariff ON tariff.id = service.tariff_id
                      JOIN billing_term_scheme scheme ON scheme.id = tariff.term_scheme_id
                     WHERE service.company_id = %s
                    """,
                    self.company_id.id,
                ),
                cycle=self.cycle_id.id,
                run=self.id,
                report=report.id,
                invoice_date=self.invoice_date,
                cutoff=self.cutoff_date,
                # A run of single services or jobs misses nothing else.
                previous=None if self._is_partial() else before.cutoff_date or None,
                reach=_PERIODS,
                one_off=SQL("%s::interval", _WITHOUT_SERVICE),
                margin=SQL("%s::interval", _MARGIN),
            )
        )
        return {
            (partner, currency): [float(amount) for amount in amounts[:count]]
            for partner, currency, count, *amounts in self.env.cr.fetchall()
        }
