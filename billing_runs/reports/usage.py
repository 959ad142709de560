from odoo import models
from odoo.tools import SQL

from .billing_run_report_usage import NAMES
from .lines import insert_rows, rows_query
from .unusual_usage import Usage, look_at

_COLUMNS = (
    "service_id",
    "partner_id",
    "currency_id",
    "call_count",
    "minutes",
    "amount",
    "mean_calls",
    "mean_minutes",
    "mean_amount",
    "history_count",
    "special_calls",
    "special_amount",
    "mean_special",
    "new_count",
    "new_names",
    "odd_calls",
    "odd_minutes",
    "odd_amount",
    "odd_special",
)
#: classes of rates that stand out
_SPECIAL = ("premium", "satellite")
#: periods of its own that a service is compared with
_PERIODS = 3


class BillingRun(models.Model):
    """Unusual usage: what a run is about to charge, service by service beside its own past."""

    _inherit = "billing.run"

    def _report_usage(self, report):
        """Write the unusual usage of a report before billing anew, by a few statements whatever the
        number of services."""
        model = self.env["billing.run.report.usage"]
        self.env.flush_all()
        cr = self.env.cr
        cr.execute(SQL("DELETE FROM billing_run_report_usage WHERE report_id = %s", report.id))
        model.invalidate_model()
        self._lay_out_usage_report(report)
        found = self._usage_figures()
        new = self._new_destinations()
        cr.execute("DROP TABLE usage_now, usage_past")
        thresholds = self._anomaly_thresholds({key[2] for key in found})
        percent = self.company_id.billing_anomaly_percent
        rows = []
        for key, (now, past) in found.items():
            least = thresholds.get(key[2], thresholds[None])
            odd = look_at(now, past, least, percent)
            count, names = new.get(key[:2], (0, None)) if past else (0, None)
            if not (count or any(odd[:-1])):
                continue
            means = odd.means
            rows.append(
                (
                    *key,
                    now.calls,
                    now.minutes,
                    now.amount,
                    means.calls,
                    means.minutes,
                    means.amount,
                    len(past),
                    now.special_calls,
                    now.special_amount,
                    means.special_amount,
                    count,
                    names,
                    odd.calls,
                    odd.minutes,
                    odd.amount,
                    odd.special,
                )
            )
        if rows:
            insert_rows(model, report, _COLUMNS, rows_query(model, _COLUMNS, rows))

    def _lay_out_usage_report(self, report):
        """Fill the temporary tables ``usage_now``, the calls that the run would charge to the report's
        customers, and ``usage_past``, those of their services' last periods; both counted by
        destination."""
        query = self.env["cdr.record"].sudo()._search(self._usage_domain())
        figures = SQL(
            """
            rate.name AS destination, count(*) AS calls,
            COALESCE(sum(cdr_record.billed_seconds), 0) AS seconds,
            COALESCE(sum(cdr_record.amount), 0) AS amount,
            count(*) FILTER (WHERE class.kind IN %(special)s) AS special_calls,
            COALESCE(sum(cdr_record.amount) FILTER (WHERE class.kind IN %(special)s), 0)
                AS special_amount
            """,
            special=_SPECIAL,
        )
        rates = SQL(
            """
            LEFT JOIN cdr_rate AS rate ON rate.id = cdr_record.rate_id
            LEFT JOIN cdr_rate_class AS class ON class.id = cdr_record.class_id
            """
        )
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_now ON COMMIT DROP AS
                SELECT cdr_record.service_id, cdr_record.partner_id, cdr_record.currency_id,
                       %(figures)s
                  FROM %(tables)s %(rates)s
                 WHERE %(where)s
                   AND cdr_record.partner_id IN (
                       SELECT partner_id FROM billing_run_report_customer
                        WHERE report_id = %(report)s)
                 GROUP BY 1, 2, 3, 4
                """,
                figures=figures,
                tables=query.from_clause,
                rates=rates,
                where=query.where_clause or SQL("TRUE"),
                report=report.id,
            )
        )
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_past ON COMMIT DROP AS
                WITH charged AS (
                    SELECT charge.id, charge.service_id, charge.partner_id, charge.currency_id,
                           charge.period_start, charge.period_end,
                           DENSE_RANK() OVER (
                               PARTITION BY charge.service_id, charge.partner_id, charge.currency_id
                               ORDER BY run.invoice_date DESC, run.id DESC) AS place
                      FROM billing_charge AS charge
                      JOIN billing_bill AS bill ON bill.id = charge.bill_id
                      JOIN billing_run AS run ON run.id = bill.run_id
                     WHERE charge.kind = 'usage' AND charge.company_id = %(company)s
                       AND charge.state IN ('invoiced', 'settled', 'waived')
                       AND (run.invoice_date, run.id) < (%(invoice_date)s, %(run)s)
                       AND EXISTS (SELECT FROM usage_now AS now
                                    WHERE now.service_id = charge.service_id)
                )
                SELECT charged.service_id, charged.partner_id, charged.currency_id, charged.place,
                       %(figures)s
                  FROM charged
                  -- Customers and days find calls: no index of theirs holds the charge.
                  JOIN cdr_record
                    ON cdr_record.charge_id = charged.id
                   AND cdr_record.partner_id = charged.partner_id
                   AND cdr_record.call_day >= charged.period_start
                   AND cdr_record.call_day < charged.period_end
                       %(rates)s
                 WHERE charged.place <= %(periods)s
                 GROUP BY 1, 2, 3, 4, 5
                """,
                company=self.company_id.id,
                invoice_date=self.invoice_date,
                run=self.id,
                figures=figures,
                rates=rates,
                periods=_PERIODS,
            )
        )

    def _usage_figures(self):
        """Return ``{(service id, customer id, currency id): (Usage now, [Usage of each period])}``."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT service_id, partner_id, currency_id, place, sum(calls)::int,
                       sum(seconds) / 60.0, sum(amount), sum(special_calls)::int,
                       sum(special_amount)
                  FROM (SELECT service_id, partner_id, currency_id, 0 AS place, calls, seconds,
                               amount, special_calls, special_amount
                          FROM usage_now
                         UNION ALL
                        SELECT past.service_id, past.partner_id, past.currency_id, past.place,
                               past.calls, past.seconds, past.amount, past.special_calls,
                               past.special_amount
                          FROM usage_past AS past
                         WHERE EXISTS (SELECT FROM usage_now AS now
                                        WHERE now.service_id = past.service_id
                                          AND now.partner_id = past.partner_id
                                          AND now.currency_id = past.currency_id)) AS usage
                 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
                """
            )
        )
        found = {}
        for *key, place, calls, minutes, amount, special_calls, special_amount in rows:
            usage = Usage(
                calls, float(minutes), float(amount), special_calls, float(special_amount)
            )
            if not place:
                found[tuple(key)] = (usage, [])
            else:
                found[tuple(key)][1].append(usage)
        return found

    def _new_destinations(self):
        """Return ``{(service id, customer id): (number of new destinations, names of the dearest)}``."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT service_id, partner_id, count(*),
                       (array_agg(destination ORDER BY amount DESC, destination))[1:%s]
                  FROM (SELECT now.service_id, now.partner_id, now.destination,
                               sum(now.amount) AS amount
                          FROM usage_now AS now
                         WHERE now.destination IS NOT NULL
                           AND NOT EXISTS (SELECT FROM usage_past AS past
                                            WHERE past.service_id = now.service_id
                                              AND past.partner_id = now.partner_id
                                              AND past.destination = now.destination)
                         GROUP BY 1, 2, 3) AS new
                 GROUP BY 1, 2
                """,
                NAMES,
            )
        )
        return {(row[0], row[1]): (row[2], ", ".join(row[3])) for row in rows}
