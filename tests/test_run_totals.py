"""Totals of lists, pivots and graphs: what would be billed never adds to what was billed, and one
currency never to another."""

from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from .common import BillingCase


def is_ours(thing):
    return str(thing).startswith("billing_operations")


@tagged("post_install", "-at_install")
class TestTotals(BillingCase):
    def windows(self):
        """The addon's window actions."""
        known = self.env["ir.model.data"].search(
            [("module", "=", "billing_operations"), ("model", "=", "ir.actions.act_window")]
        )
        return self.env["ir.actions.act_window"].browse(known.mapped("res_id"))

    def stored(self, *types):
        for model in self.env.values():
            if model._abstract or model._transient:
                continue
            for field in model._fields.values():
                if field.type in types and field.store and is_ours(field._module):
                    yield model, field

    def test_no_list_of_reports_holds_both_phases(self):
        both = []
        for action in self.windows():
            model = self.env[action.res_model]
            if action.target == "new" or "phase" not in model._fields:
                continue
            domain = safe_eval(action.domain or "[]")
            if not {("phase", "=", "pre"), ("phase", "=", "post")} & set(domain):
                both.append(action.name)
        self.assertEqual(both, [])

    def test_the_totals_of_a_run_are_what_it_posted(self):
        scheme = self.make_scheme()
        tariff = self.make_tariff(scheme, 10.0)
        for name in ("One", "Two"):
            self.make_service(self.make_customer(name), tariff)
        run = self.make_run(self.make_cycle(scheme))
        run._make_report("pre")
        run._execute("posting")
        run._make_report("post")
        for name, field in (("customer", "amount"), ("line", "amount_untaxed")):
            for suffix in ("", "_pre"):
                action = self.env.ref(
                    f"billing_operations.action_billing_run_report_{name}{suffix}"
                )
                domain = [*safe_eval(action.domain), ("run_id", "=", run.id)]
                [[total]] = self.env[action.res_model]._read_group(domain, [], [f"{field}:sum"])
                self.assertEqual(total, 20.0, action.name)

    def test_money_in_several_currencies_is_converted_before_it_is_added(self):
        """As Odoo's lists, pivots and graphs do where a total holds more than one currency."""
        for model, field in self.stored("monetary"):
            if not field.aggregator:
                continue
            with self.subTest(f"{model._name}.{field.name}"):
                self.assertEqual(field.aggregator, "sum")
                currency = field.get_currency_field(model)
                model.formatted_read_group(
                    [], [], [f"{currency}:array_agg_distinct", f"{field.name}:sum_currency"]
                )

    def test_prices_and_percentages_have_no_total(self):
        names = ("price", "discount", "fee", "invoice_minimum", "percent", "limit_")
        summed = [
            f"{model._name}.{field.name}"
            for model, field in self.stored("float", "monetary")
            if field.aggregator
            and model._name != "res.company"
            and any(name in field.name for name in names)
        ]
        # What a price changes a bill by is an amount, and so is what a bank took.
        amounts = [
            "billing.payment.line.bank_fee",
            "billing.payment.return.line.fee",
            "billing.run.report.customer.bridge_price",
        ]
        self.assertEqual(sorted(summed), amounts)
