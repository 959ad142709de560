from datetime import date
from decimal import Decimal

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ...services.periods import ONE_DAY
from ...services.proration import round_amount, smallest_coin, to_decimal
from ..usage.finding import calls_of, charges_with
from .places import together

#: what charges of calls are made of, before the boundary and in all; of corrected ones, and of those
#: that take them back, as the calls were charged then
PARTS = """
    SELECT charge_id, COALESCE(sum(amount) FILTER (WHERE call_day < %(boundary)s), 0)::text,
           sum(amount)::text
      FROM (SELECT charge_id, call_day, charged_amount AS amount
              FROM (%(calls)s) AS record
             UNION ALL
            SELECT earlier.charge_id, record.call_day, earlier.charged_amount
              FROM billing_usage_earlier AS earlier
              JOIN cdr_record AS record ON record.id = earlier.record_id
             WHERE earlier.charge_id = ANY(%(charges)s)
             UNION ALL
            SELECT earlier.back_id, record.call_day, earlier.charged_amount
              FROM billing_usage_earlier AS earlier
              JOIN cdr_record AS record ON record.id = earlier.record_id
             WHERE earlier.back_id = ANY(%(charges)s)) AS call
  GROUP BY charge_id
    HAVING bool_and(amount IS NOT NULL)
"""


class BillingClosing(models.Model):
    """Calls in a month-end: those that have a price and are not charged yet, and the part of a charge
    of calls that belongs to the month.

    Calls that are not charged are summed as a run would charge them: by service, customer, currency
    and rate class, after included minutes and tiers, rounded once. Calls of prepaid services
    are left to their wallets, and calls without a price to the billing errors.
    """

    _inherit = "billing.closing"

    def _usage_rows(self, boundary: date) -> list[dict]:
        """Return what calls before the boundary come to that no run has charged yet."""
        company = self.company_id
        days = self.env["cdr.open.day"].sudo()._domain(company, boundary - ONE_DAY)
        domain = Domain("state", "=", "rated") & days
        records = self.env["cdr.record"]
        found, services, due = records._sum_usage(domain, company, self._postpaid_services)
        if due is None:
            records._drop_usage_calls()
        products = self._usage_products(found, services)
        partners = together(self.env["res.partner"], (row["partner_id"] for row in found))
        rows = [
            self._usage_row(row, product, partners[row["partner_id"]])
            for row, product in zip(found, products, strict=True)
        ]
        return [row for row in rows if row["counted"]]

    def _postpaid_services(self, ids):
        """Return the services with these ids whose calls are billed on invoices."""
        return (
            self.env["billing.service"]
            .sudo()
            .with_context(prefetch_fields=False)
            .search(
                [
                    ("id", "in", sorted(ids)),
                    ("company_id", "=", self.company_id.id),
                    ("term_scheme_id.classification", "=", "postpaid"),
                ],
                order="id",
            )
        )

    def _usage_products(self, found: list[dict], services) -> list:
        """Return the product that each sum of calls is charged for: the class's, else the tariff's."""
        classes = self.env["cdr.rate.class"].sudo()
        by_class = {
            record.id: record.product_id
            for record in classes.browse({row["class_id"] for row in found} - {0})
        }
        by_service = {service.id: service.tariff_id.product_id for service in services}
        chosen = (by_class.get(row["class_id"]) or by_service[row["service_id"]] for row in found)
        return [product.with_env(self.env) for product in chosen]

    def _usage_row(self, row: dict, product, partner) -> dict:
        currency = self.env["res.currency"].browse(row["currency_id"])
        net = self._net(
            round_amount(to_decimal(row["amount"]), smallest_coin(currency)),
            product,
            partner,
            currency,
            product._billing_price_includes_tax(self.company_id),
        )
        return {
            "kind": "usage",
            "charge_id": None,
            "move_line_id": None,
            "service_id": row["service_id"],
            "partner_id": partner.id,
            "product_id": product.id,
            "currency_id": currency.id,
            "account_id": None,
            "analytic": None,
            "usage_class_id": row["class_id"] or None,
            "call_count": row["calls"],
            "period_start": row["first_day"],
            "period_end": row["last_day"] + ONE_DAY,
            "net": net,
            "counted": net,
        }

    def _usage_parts(self, charge_ids: list[int], boundary: date) -> dict[int, tuple]:
        """Return of charges of calls what these come to, ``{id: (before the boundary, all)}``, not
        rounded. Charges whose calls are archived are not among them."""
        if not charge_ids:
            return {}
        calls = calls_of(charges_with(charge_ids))
        self.env.cr.execute(SQL(PARTS, calls=calls, charges=charge_ids, boundary=boundary))
        return {
            charge_id: (Decimal(before), Decimal(whole))
            for charge_id, before, whole in self.env.cr.fetchall()
        }
