"""Where a month-end of many customers is booked: as Odoo says of each, without asking for each."""

import random
from datetime import date, datetime
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from ..billing_runs.closing import places
from .closing_common import APRIL, ClosingCase, ClosingUsageCase

LATE = date(2026, 4, 15)


class CountingMixin:
    def queries(self):
        """Return how many queries counting April takes with nothing read before."""
        closing = self.env["billing.closing"].create(
            {"company_id": self.company.id, "month": APRIL}
        )
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        closing._count()
        taken = self.env.cr.sql_log_count - before
        lines = len(closing.line_ids)
        closing.unlink()
        return taken, lines

    def customers(self, size):
        """Return customers of several places and tags."""
        countries = self.env["res.country"].search([], limit=3)
        return self.env["res.partner"].create(
            [
                {
                    "name": f"Customer {place}",
                    "country_id": countries[place % 3].id,
                    "zip": str(place),
                    "category_id": [Command.set(self.tags[place % 2].ids)],
                }
                for place in range(size)
            ]
        )

    def make_models(self):
        """Analytic distribution models of tags, and tags that none of them names."""
        self.tags = self.env["res.partner.category"].create([{"name": "Gold"}, {"name": "Old"}])
        plan = self.env["account.analytic.plan"].create({"name": "Plan"})
        self.analytic = self.env["account.analytic.account"].create(
            [{"name": name, "plan_id": plan.id, "company_id": False} for name in "ABCD"]
        )
        self.make_model(self.analytic[0], partner_category_id=self.tags[0].id)

    def make_model(self, analytic, **values):
        return self.env["account.analytic.distribution.model"].create(
            {
                "analytic_distribution": {str(analytic.id): 100},
                "company_id": self.company.id,
                **values,
            }
        )


@tagged("post_install", "-at_install")
class TestPlaces(CountingMixin, ClosingCase):
    def test_counting_takes_no_more_queries_for_many_customers_than_for_few(self):
        self.make_models()
        included = self.make_tax("Included 20%", 20, price_include_override="tax_included")
        gross = self.make_product("Gross", included)
        euro = self.env.ref("base.EUR")
        euro.active = True
        tariffs = (
            self.post,
            self.make_tariff(self.arrears, 36.0, product_id=gross.id),
            self.make_tariff(self.arrears, 30.0, currency_id=euro.id),
            self.tariff,
        )
        counts = []
        for size in (5, 50):
            for tariff in tariffs:
                services = self.env["billing.service"].create(
                    [
                        {"partner_id": customer.id, "tariff_id": tariff.id}
                        for customer in self.customers(size)
                    ]
                )
                services._activate(LATE)
            services._rate(LATE)
            counts.append(self.queries())
        (few, few_lines), (many, many_lines) = counts
        self.assertEqual((few_lines, many_lines), (20, 220))
        self.assertLessEqual(many, few)

    def plain(self, product, partner):
        """What Odoo says of one customer: the account, the analytic distribution."""
        positions = self.env["account.fiscal.position"].with_company(self.company)
        template = product.product_tmpl_id.with_company(self.company)
        position = positions._get_fiscal_position(partner)
        account = template.get_product_accounts(fiscal_pos=position)["income"]
        models = self.env["account.analytic.distribution.model"]
        arguments = {
            "product_id": product.id,
            "product_categ_id": product.categ_id.id,
            "partner_id": partner.id,
            "partner_category_id": partner.category_id.ids,
            "account_prefix": account.code,
            "company_id": self.company.id,
        }
        return account, models._get_distribution(arguments)

    def prepare(self):
        """Customers and products that differ in all that decides on accounts and distributions."""
        self.make_models()
        customers = self.customers(12)
        export = self.income.copy({"code": "499903", "name": "Export"})
        other = self.income.copy({"code": "488803", "name": "Other"})
        change = Command.create({"account_src_id": self.income.id, "account_dest_id": export.id})
        positions = self.env["account.fiscal.position"].create(
            [
                {
                    "name": name,
                    "company_id": self.company.id,
                    "account_ids": [change],
                    **values,
                }
                for name, values in (
                    ("Abroad", {"auto_apply": True, "country_id": customers[1].country_id.id}),
                    ("By hand", {}),
                )
            ]
        )
        customers[3].with_company(self.company).property_account_position_id = positions[1]
        customers[4].country_id = False
        products = self.product | self.make_product("Own account") | self.make_product("Own model")
        products[1].property_account_income_id = other
        self.make_model(self.analytic[1], product_id=products[2].id, sequence=5)
        self.make_model(self.analytic[2], partner_id=customers[2].id, sequence=1)
        self.make_model(self.analytic[3], account_prefix="4999", sequence=2)
        return customers, products

    def compare(self, customers, products):
        rows = [
            {"product_id": product.id, "partner_id": customer.id}
            for product in products
            for customer in customers
        ]
        random.Random(4).shuffle(rows)
        closing = self.env["billing.closing"].create(
            {"company_id": self.company.id, "month": APRIL}
        )
        asked = places.Places(closing, rows)
        found = {}
        for row in rows:
            key = row["product_id"], row["partner_id"]
            account = asked.account(*key)
            distribution = asked.distribution(*key, account)
            product = self.env["product.product"].browse(row["product_id"])
            customer = self.env["res.partner"].browse(row["partner_id"])
            plain_account, plain_distribution = self.plain(product, customer)
            self.assertEqual((account, distribution or {}), (plain_account.id, plain_distribution))
            found.setdefault(account, set()).add(str(distribution))
        closing.unlink()
        # The data tell accounts and distributions apart.
        self.assertEqual(len(found), 3)
        self.assertGreaterEqual(len(set.union(*found.values())), 4)

    def test_accounts_and_distributions_are_those_that_odoo_gives_to_each_customer(self):
        self.compare(*self.prepare())

    def test_where_an_addon_chooses_distributions_odoo_is_asked_for_each_customer(self):
        customers, products = self.prepare()
        models = type(self.env["account.analytic.distribution.model"])
        asked = []
        original = models._get_distribution

        def counting(model, vals):
            asked.append(vals["partner_id"])
            return original(model, vals)

        changed = [("addon", models._name, "_get_distribution")]
        with (
            patch.object(places, "changed_methods", return_value=changed),
            patch.object(models, "_get_distribution", counting),
        ):
            self.compare(customers, products)
        self.assertEqual(set(asked), set(customers.ids))
        # Once for the comparison, and once for each customer and product.
        self.assertEqual(len(asked), 2 * len(customers) * len(products))


@tagged("post_install", "-at_install")
class TestPlacesOfCalls(CountingMixin, ClosingUsageCase):
    def test_counting_calls_takes_no_more_queries_for_many_customers_than_for_few(self):
        self.make_models()
        # Calls are all that is counted.
        self.service._own().write({"rated_up_to": date(2026, 6, 1)})
        counts, number = [], 0
        for size in (5, 40):
            for customer in self.customers(size):
                number += 1
                service = self.make_service(customer, self.tariff)
                service._own().write({"rated_up_to": date(2026, 6, 1)})
                self.make_number(f"+44 20 7946 {1000 + number}", service)
                self.load(
                    self.call(
                        "442079461111",
                        call_time=datetime(2026, 4, 2, 12),
                        identifier=f"44207946{1000 + number}",
                    )
                )
            counts.append(self.queries())
        (few, few_lines), (many, many_lines) = counts
        self.assertEqual((few_lines, many_lines), (5, 45))
        self.assertLessEqual(many, few)
