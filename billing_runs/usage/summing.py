from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...cdrs.allowances_sql import charge_select, plans_with_terms

#: calls that are charged with their own amount
_PLAIN = SQL(
    "id, call_day, service_id, partner_id, currency_id, COALESCE(class_id, 0) AS class_id,"
    " billed_seconds, 0 AS included_seconds, NULL::int AS counted_before, amount AS charge_amount"
)
#: what a charge is made for
_CHARGED_FOR = SQL("service_id, partner_id, currency_id, class_id")


class CdrRecord(models.Model):
    """What rated calls come to: sums as they are charged, for whoever charges or counts them."""

    _inherit = "cdr.record"

    @api.model
    def _sum_usage(self, domain: Domain, company, choose):
        """Return what the calls of a domain come to, a row a charge, without charging them.

        They are taken in the order of time: those of a month use up what the plan includes, and its
        tiers, where calls charged before left off.

        :param domain: of rated calls of the company
        :param choose: is given the ids of the services that calls were found of, and returns those
            whose calls count
        :return: ``(rows, services, due)``: ``due`` is the condition, on ``cdr_record``, of the calls
            where each is charged with its own amount, and None where the temporary table
            ``usage_call`` says what each is charged with (see ``_drop_usage_calls``)
        """
        due = self._due_calls(domain)
        plans = plans_with_terms(self.env.cr, company.id)
        found = self._sum_calls(
            SQL("SELECT %s, plan_id FROM cdr_record WHERE %s", _PLAIN, due),
            SQL("bool_or(plan_id = ANY(%s))", plans),
        )
        services = choose({row["service_id"] for row in found})
        chosen = set(services.ids)
        found = [row for row in found if row["service_id"] in chosen]
        if any(row["has_terms"] for row in found):
            self._lay_out_usage_calls(due, services, plans, company)
            return self._sum_calls(SQL("SELECT * FROM usage_call"), SQL("TRUE")), services, None
        return found, services, due

    @api.model
    def _drop_usage_calls(self):
        """Drop the temporary tables in which ``_sum_usage`` laid out calls."""
        self.env.cr.execute("DROP TABLE usage_due, usage_call")

    @api.model
    def _due_calls(self, domain: Domain) -> SQL:
        """Return the condition, on ``cdr_record``, of the calls of a domain."""
        self.env.flush_all()
        # Hash tables of a whole batch stay in memory; compiling these statements never pays.
        self.env.cr.execute(
            "SELECT set_config('jit', 'off', TRUE), CASE"
            " WHEN pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB')"
            " THEN set_config('work_mem', '64MB', TRUE) END"
        )
        query = self.sudo()._search(domain)
        if query.from_clause == SQL.identifier(query.table):
            return query.where_clause
        return SQL("cdr_record.id IN %s", query.subselect())

    @api.model
    def _sum_calls(self, calls: SQL, has_terms: SQL) -> list[dict]:
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

    @api.model
    def _lay_out_usage_calls(self, due: SQL, services, plans, company):
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
              JOIN cdr_record AS old
                ON old.partner_id = months.partner_id AND old.plan_id = months.plan_id
               AND old.call_day >= months.month
               AND old.call_day < months.month + interval '1 month'
             WHERE old.state = 'charged' AND old.company_id = %(company)s
            """,
            plans=plans,
            company=company.id,
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
