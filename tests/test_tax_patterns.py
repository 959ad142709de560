"""Taxes by patterns: documents like one that Odoo computed come to what Odoo would say, to the bit."""

import math
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.fields import Command
from odoo.tests import tagged

from ..billing_runs.invoicing import percentages
from ..billing_runs.invoicing.amounts import InvoiceAmounts
from ..billing_runs.invoicing.tax_patterns import TaxPatterns
from .invoice_common import InvoiceBuilderCase

prices = st.decimals("-300", "2500", places=2).map(float) | st.decimals(
    "0.0001", "9", places=4
).map(float)
lines = st.fixed_dictionaries(
    {
        "price_unit": prices,
        "quantity": st.sampled_from((1.0, 1.0, 3.0, 0.0))
        | st.decimals("0.01", "99", places=2).map(float),
        "discount": st.sampled_from((0.0, 0.0, 5.0, 33.33, 100.0)),
        "taxes": st.sampled_from(("none", "full", "full", "reduced", "both", "odd")),
        "distribution": st.booleans(),
    }
)
documents = st.lists(lines, min_size=1, max_size=7)


@tagged("post_install", "-at_install")
class TestTaxPatterns(InvoiceBuilderCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        percents = (15.0, 5.5, 7.7)
        full, reduced, odd = cls.env["account.tax"].create(
            [{"name": f"{percent} %", "amount": percent} for percent in percents]
        )
        odd.invoice_repartition_line_ids.account_id = cls.company_data["default_account_tax_sale"]
        tag = cls.env["account.account.tag"].create({"name": "Base", "applicability": "taxes"})
        full.invoice_repartition_line_ids.tag_ids = tag
        none = cls.env["account.tax"]
        cls.taxes = {
            "none": none,
            "full": full,
            "reduced": reduced,
            "both": full | reduced,
            "odd": odd,
        }
        plan = cls.env["account.analytic.plan"].create({"name": "Sites"})
        account = cls.env["account.analytic.account"].create({"name": "North", "plan_id": plan.id})
        cls.distribution = {str(account.id): 100.0}

    def items(self, document):
        return [
            {
                "display_type": "product",
                "name": "Hosting",
                "product_id": self.product_a.id,
                "product_uom_id": self.product_a.uom_id.id,
                "account_id": self.company_data["default_account_revenue"].id,
                "tax_ids": self.taxes[line["taxes"]]._ids,
                "analytic_distribution": self.distribution if line["distribution"] else False,
                "price_unit": line["price_unit"],
                "quantity": line["quantity"],
                "discount": line["discount"],
            }
            for line in document
        ]

    def amounts(self):
        return InvoiceAmounts(self.env, self.company, values=None)

    def by_odoo(self, items, sign=-1):
        """Return what Odoo says, with no pattern kept."""
        return self.amounts()._ask_odoo(None, self.company.currency_id, 1.0, sign, items)

    def by_pattern(self, example, items, sign=-1):
        """Return what the pattern says that is learned from an example; None: there is none."""
        amounts, currency = self.amounts(), self.company.currency_id
        key = amounts._patterns.key(currency, 1.0, sign, example)
        amounts._ask_odoo(key, currency, 1.0, sign, example)
        return amounts._patterns.find(key, sign, items)

    @settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate, Phase.target),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        document=documents,
        prices=st.lists(prices, min_size=7, max_size=7),
        method=st.sampled_from(("round_per_line", "round_globally")),
        step=st.sampled_from((0.01, 0.01, 0.001, 1.0, 0.05)),
        sign=st.sampled_from((-1, -1, 1)),
    )
    def test_a_document_like_another_comes_to_what_odoo_says(
        self, document, prices, method, step, sign
    ):
        self.company.tax_calculation_rounding_method = method
        self.set_step(step)
        items = self.items(document)
        example = [
            item | {"price_unit": price, "quantity": 1.0, "discount": 0.0}
            for item, price in zip(items, prices, strict=False)
        ]
        found = self.by_pattern(example, items, sign)
        self.assertIsNotNone(found)
        self.assertEqual(found, self.by_odoo(items, sign))

    def set_step(self, step):
        """Give the company's currency another smallest unit, which Odoo refuses with entries."""
        currency = self.company.currency_id
        places = -math.floor(math.log10(step)) if step < 1 else 0
        currency.flush_recordset()
        self.env.cr.execute(
            "UPDATE res_currency SET rounding = %s, decimal_places = %s WHERE id = %s",
            [step, places, currency.id],
        )
        currency.invalidate_recordset()

    def refused(self, **values):
        tax = self.taxes["full"].copy({"name": f"Another {values}", **values})
        items = self.items(
            [
                {
                    "price_unit": 33.33,
                    "quantity": 1.0,
                    "discount": 0.0,
                    "taxes": "full",
                    "distribution": False,
                }
            ]
        )
        items[0]["tax_ids"] = tax._ids
        return self.by_pattern(items, items) is None

    def test_taxes_of_other_kinds_are_left_to_odoo(self):
        self.assertFalse(self.refused())
        self.assertTrue(self.refused(amount_type="fixed", amount=3.0))
        self.assertTrue(self.refused(amount_type="division"))
        self.assertTrue(self.refused(price_include_override="tax_included"))
        self.assertTrue(self.refused(include_base_amount=True))
        halves = [
            Command.clear(),
            Command.create({"repartition_type": "base"}),
            Command.create({"repartition_type": "tax", "factor_percent": 50}),
            Command.create({"repartition_type": "tax", "factor_percent": 50}),
        ]
        self.assertTrue(
            self.refused(invoice_repartition_line_ids=halves, refund_repartition_line_ids=halves)
        )

    def test_documents_in_another_currency_are_left_to_odoo(self):
        patterns = TaxPatterns(self.env, self.company)
        items = self.items([])
        self.assertIsNone(patterns.key(self.euro, 1.0, -1, items))
        self.assertIsNone(patterns.key(self.company.currency_id, 0.9, -1, items))
        self.assertIsNotNone(patterns.key(self.company.currency_id, 1.0, -1, items))

    def test_an_addon_that_changes_the_arithmetic_is_obeyed(self):
        changed = "odoo.addons.billing_operations.billing_runs.invoicing.tax_patterns"
        with patch(f"{changed}.changed_methods", return_value=[("other", "account.tax", "x")]):
            patterns = TaxPatterns(self.env, self.company)
        self.assertIsNone(patterns.key(self.company.currency_id, 1.0, -1, self.items([])))

    def test_what_does_not_come_to_odoos_figures_is_no_pattern(self):
        items = self.items(
            [
                {
                    "price_unit": 10.0,
                    "quantity": 1.0,
                    "discount": 0.0,
                    "taxes": "full",
                    "distribution": False,
                }
            ]
        )
        spoiled = "odoo.addons.billing_operations.billing_runs.invoicing.tax_patterns.line_amounts"
        right = percentages.line_amounts
        with patch(
            spoiled,
            lambda *args: [line._replace(included=line.included + 1) for line in right(*args)],
        ):
            self.assertIsNone(self.by_pattern(items, items))
