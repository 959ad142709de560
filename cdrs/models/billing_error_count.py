import os

from odoo import api, models
from odoo.tools import SQL


class BillingError(models.Model):
    """Gathering causes and counting what they stop, by sets.

    Imports leave their calls in error without a cause, so that two of them never write one row; a
    task of its own (``_collect_later``), one at a time for a company, makes the rows of causes and
    counts them.
    """

    _inherit = "billing.error"

    @api.model
    @api.private
    def _collect_later(self, company):
        """Have the causes of a company gathered once this transaction is committed."""
        key = f"cdr_errors:{company.id}"
        return (
            self.env["billing.task"]
            .sudo()
            .with_company(company)
            .enqueue("cdr_rate", identity_key=key, exclusive_key=f"cdr_rate:{company.id}")
        )

    @api.model
    @api.private
    def _collect(self, company):
        """Give every call, fixed fee and line in error its cause, and count those causes.

        :return: the causes that were touched
        """
        self.env.flush_all()
        touched = set()
        for table in ("cdr_record", "cdr_fixed_fee"):
            touched |= self._link(SQL.identifier(table), company)
        touched |= self._collect_lines(company)
        errors = self.sudo().browse(sorted(touched))
        errors._recount()
        return errors

    def _link(self, table, company):
        """Make the causes of a table's rows in error that have none, and link the rows to them."""
        self._insert(
            SQL(
                "SELECT DISTINCT company_id, error_code, COALESCE(error_key, ''), NULL::int FROM %s"
                " WHERE company_id = %s AND state = 'error' AND error_code IS NOT NULL"
                " AND error_id IS NULL",
                table,
                company.id,
            )
        )
        rows = self.env.execute_query(
            SQL(
                """
                WITH linked AS (
                    UPDATE %(table)s AS record SET error_id = error.id
                      FROM billing_error AS error
                     WHERE record.company_id = %(company)s
                       AND record.state = 'error' AND record.error_code IS NOT NULL
                       AND record.error_id IS NULL
                       AND error.company_id = record.company_id AND error.state = 'open'
                       AND error.code = record.error_code
                       AND error.key = COALESCE(record.error_key, '')
                 RETURNING record.error_id
                )
                SELECT DISTINCT error_id FROM linked
                """,
                table=table,
                company=company.id,
            )
        )
        for model in ("cdr.record", "cdr.fixed.fee"):
            self.env[model].invalidate_model(["error_id"])
        return {row[0] for row in rows}

    def _collect_lines(self, company):
        """Make a cause of each file with lines that could not be read, unless it was accepted."""
        self._insert(
            SQL(
                """
                SELECT DISTINCT line.company_id, 'malformed', concat('file:', line.file_id),
                       line.file_id
                  FROM cdr_file_line AS line
                 WHERE line.company_id = %s
                   AND NOT EXISTS (
                       SELECT FROM billing_error AS error
                        WHERE error.file_id = line.file_id AND error.code = 'malformed'
                          AND error.state = 'accepted')
                """,
                company.id,
            )
        )
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM billing_error WHERE company_id = %s AND code = 'malformed'"
                " AND state = 'open'",
                company.id,
            )
        )
        return {row[0] for row in rows}

    def _insert(self, select):
        """Insert the causes of a SELECT (company, code, key, file) that are not open yet."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO billing_error (company_id, code, key, file_id, state, record_count,
                                           cost, seconds, create_uid, create_date, write_uid,
                                           write_date)
                SELECT found.company_id, found.code, found.key, found.file_id, 'open', 0, 0, 0,
                       %(uid)s, %(now)s, %(uid)s, %(now)s
                  FROM (%(select)s) AS found (company_id, code, key, file_id)
                    ON CONFLICT (company_id, code, key) WHERE state = 'open' DO NOTHING
                """,
                uid=self.env.uid,
                now=self.env.cr.now(),
                select=select,
            )
        )
        self.invalidate_model()

    def _recount(self):
        """Count what these causes stop; open ones of which nothing is left are resolved."""
        found = {row["error_id"]: row for row in self._counted()}
        errors = self.exists()
        known = {currency_id for row in found.values() for currency_id in row["costs"] or {}}
        currencies = {
            currency.id: currency
            for currency in self.env["res.currency"].browse(map(int, known)).exists()
        }
        # Worked out first, so that what is written goes to the database in one go.
        values = {error: error._count_values(found.get(error.id), currencies) for error in errors}
        for error in errors:
            error._own().write(values[error])
        errors.filtered(lambda error: error.state == "open" and not error.record_count)._set_state(
            "resolved", {"closed_by_id": self.env.uid, "closed_date": self.env.cr.now()}
        )

    def _counted(self):
        """Yield a dict for each of these causes that stops something."""
        if not self.ids:
            return
        names = (
            *("error_id", "count", "seconds", "costs", "without_cost", "first", "last"),
            *("low", "high", "identifier", "carrier_id", "plan_id", "service_id", "tariff_id"),
        )
        for select in (self._records_sql(), self._fees_sql(), self._lines_sql()):
            for row in self.env.execute_query(select):
                yield dict(zip(names, row, strict=True))

    def _records_sql(self):
        return SQL(
            """
            SELECT part.error_id, sum(part.calls)::int, sum(part.seconds)::float,
                   json_object_agg(COALESCE(part.currency, 0), part.cost),
                   bool_or(part.without_cost), min(part.first), max(part.last),
                   min(part.low), max(part.high),
                   CASE WHEN min(part.identifier) = max(part.identifier)
                        THEN min(part.identifier) END,
                   CASE WHEN min(part.carrier_low) = max(part.carrier_high)
                        THEN min(part.carrier_low) END,
                   min(part.plan_id), min(part.service_id), min(service.tariff_id)
              FROM (
                SELECT error_id, cost_currency_id AS currency, count(*) AS calls,
                       sum(seconds) AS seconds, COALESCE(sum(cost), 0)::text AS cost,
                       bool_or(cost IS NULL) AS without_cost, min(call_day) AS first,
                       max(call_day) AS last, min(destination COLLATE "C") AS low,
                       max(destination COLLATE "C") AS high,
                       CASE WHEN min(identifier) = max(identifier) THEN min(identifier) END
                           AS identifier,
                       min(carrier_id) AS carrier_low, max(carrier_id) AS carrier_high,
                       min(plan_id) AS plan_id, min(service_id) AS service_id
                  FROM cdr_record
                 WHERE error_id IN %(ids)s
                 GROUP BY error_id, cost_currency_id
              ) AS part
              LEFT JOIN billing_service AS service ON service.id = part.service_id
             GROUP BY part.error_id
            """,
            ids=tuple(self.ids),
        )

    def _fees_sql(self):
        return SQL(
            """
            SELECT fee.error_id, count(*)::int, 0.0,
                   json_build_object(min(fee.currency_id), COALESCE(sum(fee.cost), 0)::text), FALSE,
                   min(fee.period_start), max(fee.period_start), NULL, NULL, min(fee.identifier),
                   min(fee.carrier_id), NULL, min(fee.service_id), min(service.tariff_id)
              FROM cdr_fixed_fee AS fee
              LEFT JOIN billing_service AS service ON service.id = fee.service_id
             WHERE fee.error_id IN %s
             GROUP BY fee.error_id
            """,
            tuple(self.ids),
        )

    def _lines_sql(self):
        return SQL(
            """
            SELECT error.id, count(*)::int, 0.0, NULL::json, TRUE,
                   min(file.received_date)::date, max(file.received_date)::date,
                   min(line.line_number), max(line.line_number), NULL, min(line.carrier_id), NULL,
                   NULL, NULL
              FROM billing_error AS error
              JOIN cdr_file_line AS line ON line.file_id = error.file_id
              JOIN cdr_file AS file ON file.id = line.file_id
             WHERE error.id IN %s AND error.code = 'malformed'
             GROUP BY error.id
            """,
            tuple(self.ids),
        )

    def _count_values(self, row, currencies):
        """Return the values of this cause for what was counted of it; without a row, nothing is left
        and what it was stays readable.

        :param currencies: ``{id: currency}`` of all that costs are in
        """
        self.ensure_one()
        if row is None:
            return {"record_count": 0}
        values = {
            "record_count": row["count"],
            "seconds": row["seconds"] or 0.0,
            "cost": self._in_company_currency(row["costs"] or {}, row["last"], currencies),
            "is_cost_partial": row["without_cost"],
            "first_date": row["first"],
            "last_date": row["last"],
            "carrier_id": row["carrier_id"],
            "plan_id": row["plan_id"],
            "service_id": row["service_id"],
            "tariff_id": row["tariff_id"],
        }
        if self.code in ("unknown_number", "number_inactive") or row["identifier"]:
            values["identifier"] = row["identifier"] or self.key
        if self.code == "malformed":
            values |= {"first_line": row["low"], "last_line": row["high"]}
        if self.code == "no_rate":
            values["prefix"] = os.path.commonprefix([row["low"] or "", row["high"] or ""])
        return values

    def _in_company_currency(self, costs, day, currencies):
        """Return what ``{currency id: text of an amount}`` come to in the company's currency."""
        total = 0.0
        company = self.company_id
        for currency_id, amount in costs.items():
            currency = currencies.get(int(currency_id), company.currency_id)
            total += currency._convert(float(amount), company.currency_id, company, day)
        return total
