from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL, groupby

from ...services.proration import smallest_coin, to_decimal
from .anomalies import is_anomaly, mean_and_deviation
from .bridge import PARTS, BilledLine, bridge
from .lines import REASON_COLUMNS, REPORT_LINE_COLUMNS, insert_rows, rows_query

_COLUMNS = (
    "partner_id",
    "currency_id",
    "amount",
    "previous",
    "difference",
    "mean",
    "deviation",
    "history_count",
    "is_anomaly",
    "is_new",
    "is_lost",
    "reason",
    "reason_text",
    *(f"bridge_{part}" for part in PARTS),
)


class BillingRun(models.Model):
    """The numbers of a run's report beside those of the cycle's runs before."""

    _inherit = "billing.run"

    def _produced_query(self):
        """Return the SQL of what the run has billed, with ``REPORT_LINE_COLUMNS``."""
        return SQL(
            """
            SELECT charge.partner_id, charge.currency_id, charge.service_id,
                   charge.addon_line_id, charge.kind, charge.product_id, charge.name,
                   charge.quantity,
                   COALESCE(NULLIF(charge.full_price, 0), charge.price_unit)
                       * (1 - COALESCE(charge.discount, 0) / 100),
                   -item.amount_currency
              FROM billing_bill bill
              JOIN billing_charge charge ON charge.bill_id = bill.id
              JOIN account_move_line item ON item.id = charge.move_line_id
             WHERE bill.run_id = %s
               AND charge.state IN ('invoiced', 'waived')  -- waived since: produced all the same
               AND item.parent_state = 'posted'
             ORDER BY charge.partner_id, charge.id
            """,
            self.id,
        )

    def _report_bills(self, report):
        """Fill a post-billing report from the ledger."""
        self.env.flush_all()
        insert_rows(
            self.env["billing.run.report.line"], report, REPORT_LINE_COLUMNS, self._produced_query()
        )
        insert_rows(
            self.env["billing.run.report.customer"],
            report,
            REASON_COLUMNS,
            SQL(
                """
                SELECT partner_id, currency_id,
                       CASE state WHEN 'undone' THEN state
                                  ELSE COALESCE(skip_reason, error_code) END,
                       error_message
                  FROM billing_bill
                 WHERE run_id = %s
                   AND (skip_reason IS NOT NULL OR error_code IS NOT NULL OR state = 'undone')
                """,
                self.id,
            ),
        )
        report.customer_count = report._customers_found()

    def _compare_report(self, report):
        """Write the report's customers anew, each beside its past."""
        last = self._previous_billed_run()
        report.previous_run_id = last
        reasons = self._report_reasons(report)
        now = self._lines_by_customer(
            SQL(
                "SELECT %s FROM billing_run_report_line WHERE report_id = %s",
                SQL(", ").join(map(SQL.identifier, REPORT_LINE_COLUMNS)),
                report.id,
            )
        )
        before = self._lines_by_customer(last._produced_query()) if last else {}
        before = self._within_filter(before)
        past = self._past_amounts(report, last)
        thresholds = self._anomaly_thresholds({currency for _partner, currency in reasons | now})
        roundings = self._roundings()
        gone = self.env._(
            "Billed by run %(run)s, but not selected by this one.", run=last.number or ""
        )
        rows = []
        for key in sorted(reasons.keys() | now.keys() | before.keys()):
            lines, old_lines = now.get(key, ()), before.get(key, ())
            amount = sum((line.amount for line in lines), to_decimal(0))
            previous = sum((line.amount for line in old_lines), to_decimal(0))
            known = past.get(key, [])
            mean, deviation = mean_and_deviation(known)
            reason, text = (None, None) if lines else reasons.get(key, ("not_selected", gone))
            minimum = thresholds.get(key[1], thresholds[None])
            parts = bridge(old_lines, lines, roundings[key[1]])
            rows.append(
                (
                    *key,
                    amount,
                    previous,
                    amount - previous,
                    mean,
                    deviation,
                    len(known),
                    is_anomaly(
                        float(amount), known, minimum, self.company_id.billing_anomaly_percent
                    ),
                    bool(lines and not known),
                    bool(known and not lines),
                    reason,
                    text,
                    *(parts[part] for part in PARTS),
                )
            )
        self._replace_report_customers(report, rows)

    def _replace_report_customers(self, report, rows):
        model = self.env["billing.run.report.customer"]
        self.env.cr.execute(
            SQL("DELETE FROM billing_run_report_customer WHERE report_id = %s", report.id)
        )
        if rows:
            insert_rows(model, report, _COLUMNS, rows_query(model, _COLUMNS, rows))
        model.invalidate_model()

    def _report_reasons(self, report):
        """Return ``{(customer id, currency id): (reason, text)}`` of all who were looked at."""
        self.env.cr.execute(
            SQL(
                """
                SELECT partner_id, currency_id, reason, reason_text
                  FROM billing_run_report_customer
                 WHERE report_id = %s
                """,
                report.id,
            )
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in self.env.cr.fetchall()}

    def _lines_by_customer(self, query):
        """Return ``{(customer id, currency id): [BilledLine]}`` of a query of report lines."""
        self.env.cr.execute(SQL("SELECT * FROM (%s) line ORDER BY 1, 2", query))
        return {
            key: [
                BilledLine(
                    service, addon_line, kind, product, to_decimal(price), to_decimal(amount)
                )
                for _p, _c, service, addon_line, kind, product, _n, _q, price, amount in rows
            ]
            for key, rows in groupby(self.env.cr.fetchall(), key=lambda row: (row[0], row[1]))
        }

    def _within_filter(self, before):
        """Leave out past customers that a run for some customers only does not ask about."""
        wanted = self._limit_ids("partner_ids")
        if wanted is None:
            return before
        asked = self.env["res.partner"].with_context(active_test=False)
        asked = set(asked.search(Domain("id", "child_of", wanted)).ids)
        return {key: lines for key, lines in before.items() if key[0] in asked}

    def _anomaly_thresholds(self, currency_ids):
        """Return ``{currency id: least difference of an anomaly}``; under None the company's."""
        company = self.company_id
        amount = company.billing_anomaly_amount
        thresholds = {None: amount}
        for currency in self.env["res.currency"].browse(currency_ids):
            thresholds[currency.id] = self._converted(amount, company.currency_id, currency)
        return thresholds

    def _roundings(self):
        currencies = (
            self.env["res.currency"].with_context(active_test=False).search([("id", "!=", False)])
        )
        return {currency.id: smallest_coin(currency) for currency in currencies}
