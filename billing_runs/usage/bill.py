from datetime import timedelta
from decimal import Decimal

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ...cdrs.allowances_sql import charge_select, plans_with_terms
from ...services.proration import one_unit, round_amount, smallest_coin
from .texts import UsageTexts


class BillingBill(models.Model):
    """Charging usage: rated calls of a run's customers become charges, by sets."""

    _inherit = "billing.bill"

    def _rate_usage(self):
        """Make a charge of the rated calls of each service, customer and rate class.

        Calls up to the run's cutoff day are taken, in the order of time: those of a month use up
        what the plan includes, and its tiers, where calls charged before left off. A charge is
        rounded once. Repeating it, also from two workers at once, charges no call twice.

        :return: the new charges
        """
        charges = self.env["billing.charge"]
        run = self.run_id
        services = self._usage_services()
        if not services:
            return charges
        services._lock_rows()
        self._lay_out_usage(services)
        made = charges._insert_rows(self._usage_rows(services))
        made._set_charged_calls()
        self.env.cr.execute("DROP TABLE usage_call, usage_charge")
        return made.filtered(lambda charge: charge.company_id == run.company_id)

    def _usage_domain(self):
        """Return the domain of the calls to charge on the bills."""
        if not self:
            return Domain.FALSE
        return self.run_id._usage_domain() & Domain("partner_id", "in", self.partner_id.ids)

    def _usage_services(self):
        """Return the services whose calls are to be charged on the bills."""
        if not self:
            return self.env["billing.service"]
        self.run_id.ensure_one()
        self.env.flush_all()
        query = self.env["cdr.record"].sudo()._search(self._usage_domain())
        rows = self.env.execute_query(
            query.select(SQL("DISTINCT %s", SQL.identifier(query.table, "service_id")))
        )
        return self.env["billing.service"].browse(sorted(row[0] for row in rows))

    def _lay_out_usage(self, services):
        """Fill the temporary tables ``usage_call``, what each call is charged with, and
        ``usage_charge``, a row a charge."""
        company = self.company_id
        query = (
            self.env["cdr.record"]
            .sudo()
            ._search(self._usage_domain() & Domain("service_id", "in", services.ids))
        )
        plans = plans_with_terms(self.env.cr, company.id)
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_call ON COMMIT DROP AS
                WITH due AS MATERIALIZED (
                    SELECT id, call_time, date_trunc('month', call_day)::date AS month, call_day,
                           service_id, partner_id, currency_id, plan_id, class_id,
                           billed_seconds, amount
                      FROM cdr_record WHERE id IN %(due)s
                ), before AS (
                    SELECT old.id, old.call_time, months.month, old.service_id, old.partner_id,
                           old.plan_id, old.class_id, old.billed_seconds, old.amount,
                           COALESCE(old.included_seconds, 0) AS charged_included
                      FROM (SELECT DISTINCT partner_id, plan_id, month FROM due
                             WHERE plan_id = ANY(%(plans)s)) AS months
                      JOIN cdr_record AS old
                        ON old.partner_id = months.partner_id AND old.plan_id = months.plan_id
                       AND old.company_id = %(company)s AND old.state = 'charged'
                       AND old.call_day >= months.month
                       AND old.call_day < months.month + interval '1 month'
                ), with_terms AS (
                    %(charge)s
                )
                SELECT due.id, due.call_day, due.billed_seconds,
                       COALESCE(with_terms.included_seconds, 0) AS included_seconds,
                       COALESCE(with_terms.charge_amount, due.amount) AS charge_amount,
                       dense_rank() OVER (ORDER BY due.service_id, due.partner_id,
                                                   due.currency_id, due.class_id) AS group_id,
                       due.service_id, due.partner_id, due.currency_id, due.class_id
                  FROM due LEFT JOIN with_terms USING (id)
                """,
                due=query.subselect(),
                plans=plans,
                company=company.id,
                charge=charge_select(
                    SQL(
                        """
                        SELECT id, call_time, month, service_id, partner_id, plan_id, class_id,
                               billed_seconds, amount, NULL::int AS charged_included
                          FROM due WHERE plan_id = ANY(%(plans)s)
                         UNION ALL
                        SELECT * FROM before
                        """,
                        plans=plans,
                    )
                ),
            )
        )
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE usage_charge ON COMMIT DROP AS
                SELECT group_id, %(company)s AS company_id, service_id, partner_id, currency_id,
                       class_id, min(call_day) AS first_day, max(call_day) AS last_day,
                       count(*) AS calls, sum(billed_seconds) AS seconds,
                       sum(included_seconds) AS included, sum(charge_amount) AS amount,
                       'usage:' || service_id || ':' || COALESCE(class_id, 0) || ':' || min(id)
                           AS source_key
                  FROM usage_call
                 GROUP BY group_id, service_id, partner_id, currency_id, class_id
                """,
                company=company.id,
            )
        )

    def _usage_rows(self, services):
        """Return the charges' rows of what ``usage_charge`` holds."""
        self.env.cr.execute("SELECT * FROM usage_charge ORDER BY group_id")
        found = self.env.cr.dictfetchall()
        classes = self.env["cdr.rate.class"].browse({row["class_id"] for row in found} - {None})
        classes = {record.id: record for record in classes}
        by_id = {service.id: service for service in services}
        texts = UsageTexts(self.env)
        partners = self.env["res.partner"].browse({row["partner_id"] for row in found})
        languages = {partner.id: partner.lang for partner in partners}
        coins = {
            currency.id: smallest_coin(currency)
            for currency in self.env["res.currency"].browse({row["currency_id"] for row in found})
        }
        rows = []
        for row in found:
            service, rate_class = by_id[row["service_id"]], classes.get(row["class_id"])
            product = (rate_class and rate_class.product_id) or service.tariff_id.product_id
            amount = round_amount(Decimal(row["amount"]), coins[row["currency_id"]])
            rows.append(
                one_unit(amount)
                | {
                    "kind": "usage",
                    "partner_id": row["partner_id"],
                    "company_id": row["company_id"],
                    "currency_id": row["currency_id"],
                    "service_id": service.id,
                    "product_id": product.id,
                    "usage_class_id": row["class_id"],
                    "name": texts.text(languages[row["partner_id"]], service, rate_class, row),
                    "period_start": row["first_day"],
                    "period_end": row["last_day"] + timedelta(days=1),
                    "source_key": row["source_key"],
                }
            )
        return rows
