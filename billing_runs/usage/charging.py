from datetime import timedelta
from decimal import Decimal

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ...cdrs.allowances_sql import charge_select, plans_with_terms
from ...services.proration import one_unit, round_amount, smallest_coin
from .texts import UsageTexts

#: calls that are charged with their own amount
_PLAIN = SQL(
    "id, call_day, service_id, partner_id, currency_id, COALESCE(class_id, 0) AS class_id,"
    " billed_seconds, 0 AS included_seconds, NULL::int AS counted_before, amount AS charge_amount"
)
#: what a charge is made for
_CHARGED_FOR = SQL("service_id, partner_id, currency_id, class_id")


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
        due = self._due_calls(customers)
        plans = plans_with_terms(self.env.cr, self.company_id.id)
        found = self._sum_usage(
            SQL("SELECT %s, plan_id FROM cdr_record WHERE %s", _PLAIN, due),
            SQL("bool_or(plan_id = ANY(%s))", plans),
        )
        services = self._usage_services(found)
        chosen = set(services.ids)
        found = [row for row in found if row["service_id"] in chosen]
        if not found:
            return charges
        services._lock_rows()
        has_terms = any(row["has_terms"] for row in found)
        if has_terms:
            self._lay_out_usage_calls(due, services, plans)
            found = self._sum_usage(SQL("SELECT * FROM usage_call"), SQL("TRUE"))
        made = charges._insert_rows(charges._price_usage(self._usage_rows(found, services)))
        made._set_charged_calls(None if has_terms else due)
        if has_terms:
            self.env.cr.execute("DROP TABLE usage_due, usage_call")
        return made

    def _due_calls(self, customers: Domain) -> SQL:
        """Return the condition, on ``cdr_record``, of the calls that are due of customers, of any
        service."""
        self.env.flush_all()
        # Hash tables of a whole batch stay in memory; compiling these statements never pays.
        self.env.cr.execute(
            "SELECT set_config('jit', 'off', TRUE), CASE"
            " WHEN pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB')"
            " THEN set_config('work_mem', '64MB', TRUE) END"
        )
        query = self.env["cdr.record"].sudo()._search(self._usage_due_domain() & customers)
        if query.from_clause == SQL.identifier(query.table):
            return query.where_clause
        return SQL("cdr_record.id IN %s", query.subselect())

    def _sum_usage(self, calls: SQL, has_terms: SQL) -> list[dict]:
        """Return what calls come to, a row a charge.

        :param calls: a SELECT of calls with what they are charged with
        :param has_terms: an aggregate: whether some of them belong to plans with terms
        """
        return self.env.execute_query_dict(
            SQL(
                """
                SELECT %(charged_for)s, min(call_day) AS first_day, max(call_day) AS last_day,
                       count(*) AS calls, sum(billed_seconds) AS seconds,
                       sum(included_seconds) AS included, sum(charge_amount)::text AS amount,
                       'usage:' || service_id || ':' || class_id || ':' || min(id) AS source_key,
                       %(has_terms)s AS has_terms
                  FROM (%(calls)s) AS call
                 GROUP BY %(charged_for)s
                 ORDER BY %(charged_for)s
                """,
                charged_for=_CHARGED_FOR,
                calls=calls,
                has_terms=has_terms,
            )
        )

    def _usage_services(self, found):
        """Return the services that the run bills, of those that calls were found of."""
        ids = {row["service_id"] for row in found}
        if not ids:
            return self.env["billing.service"]
        domain = Domain("id", "in", ids) & self._service_selection()
        found = self.env["billing.service"].sudo().search(domain, order="id")
        return found.sudo(self.env.su)

    def _lay_out_usage_calls(self, due: SQL, services, plans):
        """Fill the temporary table ``usage_call`` with what each call is charged with. Of plans
        with terms, the calls that were charged before in the same months have used up minutes first.

        :param due: the condition of the calls, of any service
        :param services: whose calls are charged
        :param plans: ids of the plans that include minutes or have tiers
        """
        cr = self.env.cr
        # Where a row lies finds it again fastest; it stays there as long as this transaction sees it.
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_due ON COMMIT DROP AS
                SELECT ctid AS place, call_time, plan_id, class_id AS rate_class_id, %s
                  FROM cdr_record WHERE %s AND service_id = ANY(%s)
                """,
                _PLAIN,
                due,
                services.ids,
            )
        )
        source = SQL(
            """
            SELECT id, call_time, date_trunc('month', call_day)::date AS month, service_id,
                   partner_id, plan_id, rate_class_id AS class_id, billed_seconds, charge_amount
                   AS amount, NULL::int AS charged_included
              FROM usage_due WHERE plan_id = ANY(%(plans)s)
             UNION ALL
            SELECT old.id, old.call_time, months.month, old.service_id, old.partner_id,
                   old.plan_id, old.class_id, old.billed_seconds, old.amount,
                   COALESCE(old.included_seconds, 0)
              FROM (SELECT DISTINCT partner_id, plan_id,
                           date_trunc('month', call_day)::date AS month
                      FROM usage_due WHERE plan_id = ANY(%(plans)s)) AS months
              JOIN billing_charge AS charge
                ON charge.partner_id = months.partner_id AND charge.company_id = %(company)s
               AND charge.kind = 'usage' AND charge.period_end > months.month
               AND charge.period_start < months.month + interval '1 month'
              JOIN cdr_record AS old
                ON old.charge_id = charge.id AND old.state = 'charged'
               AND old.partner_id = months.partner_id AND old.plan_id = months.plan_id
               AND old.call_day >= months.month
               AND old.call_day < months.month + interval '1 month'
            """,
            plans=plans,
            company=self.company_id.id,
        )
        cr.execute("ANALYZE usage_due")
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_call ON COMMIT DROP AS
                SELECT place, id, call_day, service_id, partner_id, currency_id, class_id,
                       billed_seconds, included_seconds, counted_before, charge_amount
                  FROM usage_due WHERE plan_id IS NULL OR plan_id <> ALL(%(plans)s)
                 UNION ALL
                SELECT due.place, due.id, due.call_day, due.service_id, due.partner_id,
                       due.currency_id, due.class_id, due.billed_seconds,
                       charged.included_seconds, charged.counted_before, charged.charge_amount
                  FROM usage_due AS due JOIN (%(charged)s) AS charged USING (id)
                """,
                plans=plans,
                charged=charge_select(source),
            )
        )

    def _usage_rows(self, found, services):
        """Return the charges' rows of sums of calls, see ``_sum_usage``."""
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
                    "company_id": self.company_id.id,
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
