from datetime import timedelta
from decimal import Decimal

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ...cdrs.allowances_sql import charge_select, plans_with_terms
from ...services.proration import one_unit, round_amount, smallest_coin
from .texts import UsageTexts

#: what charging reads of a call
_CALL = (
    "id",
    "call_time",
    "call_day",
    "service_id",
    "partner_id",
    "currency_id",
    "plan_id",
    "class_id",
    "billed_seconds",
    "amount",
)


class BillingRun(models.Model):
    """Charging usage: rated calls of a run's customers become charges, by sets."""

    _inherit = "billing.run"

    def _charge_usage(self, customers: Domain):
        """Make a charge of the rated calls of each service, customer and rate class.

        Calls up to the run's cutoff day are taken, in the order of time: those of a month use up
        what the plan includes, and its tiers, where calls charged before left off. A charge is
        rounded once. Repeating it, also from two workers at once, charges no call twice.

        :param customers: domain of the calls, by whose they are
        :return: the new charges
        """
        self.ensure_one()
        charges = self.env["billing.charge"]
        if not self._lay_out_due_calls(customers):
            return charges
        services = self._usage_services()
        services._lock_rows()
        self._lay_out_usage()
        made = charges._insert_rows(charges._price_usage(self._usage_rows(services)))
        made._set_charged_calls()
        self.env.cr.execute("DROP TABLE usage_due, usage_call, usage_charge")
        return made

    def _lay_out_due_calls(self, customers: Domain):
        """Fill the temporary table ``usage_due`` with the calls to charge.

        :return: whether there are any
        """
        self.env.flush_all()
        records = self.env["cdr.record"].sudo()
        domain = self._usage_due_domain() & customers
        if not records.search_count(domain, limit=1):
            return False
        cr = self.env.cr
        # Hash tables of a whole batch stay in memory; compiling these statements never pays.
        cr.execute(
            "SELECT set_config('jit', 'off', TRUE), CASE"
            " WHEN pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB')"
            " THEN set_config('work_mem', '64MB', TRUE) END"
        )
        query = records._search(domain)
        columns = SQL(", ").join(
            SQL("%s.%s", SQL.identifier(query.table), SQL.identifier(name)) for name in _CALL
        )
        # Where a row lies finds it again fastest; it stays there as long as this transaction sees it.
        place = SQL("%s.ctid AS place", SQL.identifier(query.table))
        services = self.env["billing.service"].sudo()._search(self._service_selection())
        # Found by their customers, of whom there are few, not by all services of the run.
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_due ON COMMIT DROP AS
                WITH due AS MATERIALIZED (%s)
                SELECT * FROM due WHERE service_id IN %s
                """,
                query.select(place, columns),
                services.subselect(),
            )
        )
        return True

    def _usage_services(self):
        """Return the services whose calls ``usage_due`` holds."""
        rows = self.env.execute_query(SQL("SELECT DISTINCT service_id FROM usage_due"))
        return self.env["billing.service"].browse(sorted(row[0] for row in rows))

    def _lay_out_usage(self):
        """Fill the temporary tables ``usage_call``, what each call is charged with, and
        ``usage_charge``, a row a charge."""
        company = self.company_id
        self._lay_out_usage_calls(plans_with_terms(self.env.cr, company.id))
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_charge ON COMMIT DROP AS
                SELECT %(company)s AS company_id, service_id, partner_id, currency_id, class_id,
                       min(call_day) AS first_day, max(call_day) AS last_day,
                       count(*) AS calls, sum(billed_seconds) AS seconds,
                       sum(included_seconds) AS included, sum(charge_amount)::text AS amount,
                       'usage:' || service_id || ':' || class_id || ':' || min(id) AS source_key
                  FROM usage_call
                 GROUP BY service_id, partner_id, currency_id, class_id
                """,
                company=company.id,
            )
        )
        self.env.cr.execute("ANALYZE usage_call, usage_charge")

    def _lay_out_usage_calls(self, plans):
        """Make ``usage_call`` of ``usage_due``. Of plans with terms, the calls that were charged
        before in the same months have used up minutes first.

        :param plans: ids of the plans that include minutes or have tiers
        """
        self.env.cr.execute(
            "SELECT EXISTS (SELECT FROM usage_due WHERE plan_id = ANY(%s))", [plans]
        )
        plain = SQL(
            """
            SELECT place, id, call_day, service_id, partner_id, currency_id,
                   COALESCE(class_id, 0) AS class_id, billed_seconds, 0 AS included_seconds,
                   NULL::int AS counted_before, amount AS charge_amount
              FROM usage_due
            """
        )
        if not self.env.cr.fetchone()[0]:
            self.env.cr.execute(
                SQL("CREATE TEMPORARY TABLE usage_call ON COMMIT DROP AS %s", plain)
            )
            return
        source = SQL(
            """
            SELECT id, call_time, date_trunc('month', call_day)::date AS month, service_id,
                   partner_id, plan_id, class_id, billed_seconds, amount,
                   NULL::int AS charged_included
              FROM usage_due WHERE plan_id = ANY(%(plans)s)
             UNION ALL
            SELECT old.id, old.call_time, months.month, old.service_id, old.partner_id,
                   old.plan_id, old.class_id, old.billed_seconds, old.amount,
                   COALESCE(old.included_seconds, 0)
              FROM (SELECT DISTINCT partner_id, plan_id,
                           date_trunc('month', call_day)::date AS month
                      FROM usage_due WHERE plan_id = ANY(%(plans)s)) AS months
              JOIN cdr_record AS old
                ON old.partner_id = months.partner_id AND old.plan_id = months.plan_id
               AND old.company_id = %(company)s AND old.state = 'charged'
               AND old.call_day >= months.month
               AND old.call_day < months.month + interval '1 month'
            """,
            plans=plans,
            company=self.company_id.id,
        )
        self.env.cr.execute("ANALYZE usage_due")
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_call ON COMMIT DROP AS
                %(plain)s WHERE plan_id IS NULL OR plan_id <> ALL(%(plans)s)
                 UNION ALL
                SELECT due.place, due.id, due.call_day, due.service_id, due.partner_id, due.currency_id,
                       COALESCE(due.class_id, 0), due.billed_seconds, charged.included_seconds,
                       charged.counted_before, charged.charge_amount
                  FROM usage_due AS due JOIN (%(charged)s) AS charged USING (id)
                """,
                plain=plain,
                plans=plans,
                charged=charge_select(source),
            )
        )

    def _usage_rows(self, services):
        """Return the charges' rows of what ``usage_charge`` holds."""
        self.env.cr.execute(
            "SELECT * FROM usage_charge ORDER BY service_id, partner_id, currency_id, class_id"
        )
        found = self.env.cr.dictfetchall()
        classes = self.env["cdr.rate.class"].browse({row["class_id"] for row in found} - {0})
        classes = {record.id: record for record in classes}
        known = {
            service.id: (service.display_name, service.tariff_id.product_id.id)
            for service in services
        }
        class_products = {record.id: record.product_id.id for record in classes.values()}
        texts = UsageTexts(self.env)
        partners = self.env["res.partner"].browse({row["partner_id"] for row in found})
        languages = {partner.id: partner.lang for partner in partners}
        coins = {
            currency.id: smallest_coin(currency)
            for currency in self.env["res.currency"].browse({row["currency_id"] for row in found})
        }
        rows = []
        for row in found:
            name, product_id = known[row["service_id"]]
            rate_class = classes.get(row["class_id"])
            amount = round_amount(Decimal(row["amount"]), coins[row["currency_id"]])
            rows.append(
                one_unit(amount)
                | {
                    "kind": "usage",
                    "partner_id": row["partner_id"],
                    "company_id": row["company_id"],
                    "currency_id": row["currency_id"],
                    "service_id": row["service_id"],
                    "product_id": class_products.get(row["class_id"]) or product_id,
                    "usage_class_id": row["class_id"] or None,
                    "usage_calls": row["calls"],
                    "usage_seconds": row["seconds"],
                    "name": texts.text(languages[row["partner_id"]], name, rate_class, row),
                    "period_start": row["first_day"],
                    "period_end": row["last_day"] + timedelta(days=1),
                    "source_key": row["source_key"],
                }
            )
        return rows
