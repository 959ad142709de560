from datetime import timedelta
from decimal import Decimal

from odoo import models
from odoo.fields import Domain

from ...services.proration import one_unit, round_amount, smallest_coin
from .texts import UsageTexts


class BillingRun(models.Model):
    """Charging usage: rated calls of a run's customers become charges, by sets."""

    _inherit = "billing.run"

    def _charge_usage(self, customers: Domain):
        """Make a charge of the rated calls of each service, customer and rate class.

        Calls up to the run's cutoff day are taken, see ``cdr.record._sum_usage``. A charge is
        rounded once. Repeating it, also from two workers at once, charges no call twice.

        :param customers: domain of the calls, by whose they are
        :return: the new charges
        """
        self.ensure_one()
        charges, records = self.env["billing.charge"], self.env["cdr.record"]
        found, services, due = records._sum_usage(
            self._usage_due_domain() & customers, self.company_id, self._take_usage_services
        )
        if not found:
            return charges
        made = charges._insert_rows(charges._price_usage(self._usage_rows(found, services)))
        made._set_charged_calls(due)
        if due is None:
            records._drop_usage_calls()
        return made

    def _take_usage_services(self, ids):
        """Return the services that the run bills, of those with these ids, and keep others out of
        them."""
        if not ids:
            return self.env["billing.service"]
        domain = Domain("id", "in", ids) & self._service_selection()
        found = self.env["billing.service"].sudo().search(domain, order="id")
        services = found.sudo(self.env.su)
        if services:
            services._lock_rows()
        return services

    def _usage_rows(self, found, services):
        """Return the charges' rows of sums of calls, see ``cdr.record._sum_usage``."""
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
