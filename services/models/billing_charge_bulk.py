import uuid
from datetime import date
from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL

from ..charge_texts import ChargeTexts
from ..periods import ONE_DAY
from ..proration import one_unit


class BillingCharge(models.Model):
    """Many charges at once: completed from their services, inserted in one statement."""

    _inherit = "billing.charge"

    @api.model
    def _insert_rows(self, rows: list[dict]):
        """Insert charges in one statement; those whose source is charged already are left out.

        :param rows: value dicts (dates, Decimals, ids); see ``_complete_rows`` for what may be
            missing
        :return: the charges that are new
        """
        rows = self._complete_rows(rows)
        if not rows:
            return self.browse()
        names = sorted({name for row in rows for name in row})
        taken, arrays, columns = [], [], []
        for name in names:
            values = [row.get(name) for row in rows]
            kind = SQL(self._fields[name].column_type[1])  # pylint: disable=sql-injection
            if name != "source_key" and _is_one(values):
                taken.append(SQL("%s::%s", values[0], kind))
                continue
            taken.append(SQL("row.%s", SQL.identifier(name)))
            columns.append(SQL.identifier(name))
            arrays.append(SQL("%s::%s[]", values, kind))
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO billing_charge
                       (%s, create_uid, create_date, write_uid, write_date)
                SELECT %s, %s, %s, %s, %s
                  FROM unnest(%s) AS row (%s)
                    ON CONFLICT (company_id, source_key) WHERE state <> 'void' DO NOTHING
             RETURNING id
                """,
                SQL(", ").join(map(SQL.identifier, names)),
                SQL(", ").join(taken),
                self.env.uid,
                self.env.cr.now(),
                self.env.uid,
                self.env.cr.now(),
                SQL(", ").join(arrays),
                SQL(", ").join(columns),
            )
        )
        charges = self.browse(sorted(charge_id for [charge_id] in self.env.cr.fetchall()))
        credited = {}
        for row in rows:
            if row.get("credited_id") and row.get("full_start"):
                days = credited.get(row["credited_id"], row["period_start"]), row["period_start"]
                credited[row["credited_id"]] = min(days)
        self._cut(
            {
                charge.id: min(credited[charge.id], charge._charged_end())
                for charge in self.browse(credited)
            }
        )
        services = self.env["billing.service"].browse({row["service_id"] for row in rows} - {None})
        services.invalidate_recordset(["charge_ids", "charge_count"])
        return charges

    @api.model
    def _complete_rows(self, rows: list[dict]) -> list[dict]:
        """Fill what rows leave open from their service: customer, company, currency, text, and
        the price basis from the product. Rows without a service bring all but the basis."""
        services = self.env["billing.service"].browse(
            dict.fromkeys(row["service_id"] for row in rows if row.get("service_id"))
        )
        by_id = {
            service.id: (
                service,
                {
                    "partner_id": service.partner_id.id,
                    "company_id": service.company_id.id,
                    "currency_id": service.currency_id.id,
                },
            )
            for service in services
        }
        products = self.env["product.product"].browse(
            dict.fromkeys(row["product_id"] for row in rows)
        )
        products_by_id = {product.id: product for product in products}
        partners = {
            partner.id: partner
            for partner in self.env["res.partner"].browse(
                dict.fromkeys(row["partner_id"] for row in rows if row.get("partner_id"))
            )
        }
        texts = ChargeTexts(self.env, products.ids)
        basis = {}
        completed = []
        for row in rows:
            service, of_service = by_id.get(row.get("service_id"), (None, {}))
            row = {"state": "rated", "service_id": None} | row
            label = row.pop("label", None)
            row = of_service | row
            if service and "name" not in row:
                partner = partners.get(row["partner_id"]) or service.partner_id
                row["name"] = texts.text(service, partner, row, label)
            key = row["product_id"], row["company_id"]
            if key not in basis:
                product = products_by_id[key[0]]
                company = self.env["res.company"].browse(key[1])
                basis[key] = product._billing_price_includes_tax(company)
            row["price_includes_tax"] = basis[key]
            completed.append(row)
        return completed

    @api.model
    def _adjustment_row(
        self, partner, service, product, day: date, amount: Decimal, name: str, reason: str
    ) -> dict:
        """The row of an adjustment made by hand: ``amount`` below zero is a credit."""
        return one_unit(amount) | {
            "kind": "adjustment",
            "partner_id": partner.id,
            "service_id": service.id or None,
            "product_id": product.id,
            "name": name,
            "reason": reason,
            "period_start": day,
            "period_end": day + ONE_DAY,
            "source_key": f"manual:{uuid.uuid4().hex}",
        }


def _is_one(values: list) -> bool:
    """Are all values the same, so that it is enough to send one?"""
    first = values[0]
    return all(value is first or (value == first and str(value) == str(first)) for value in values)
