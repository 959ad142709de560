"""Whole bills drawn by chance: what the writer makes of them is what Odoo makes of them."""

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from .invoice_common import InvoiceBuilderCase

DAYS = ("2026-01-31", "2026-02-28", "2026-12-31")
#: names of what `setUpClass` makes
TERMS = ("at_once", "net_30", "instalments", "early_discount")
TAXES = ("none", "on_top", "inside", "fixed_first", "two", "grouped", "split", "reverse")

amounts = st.decimals("0.01", "2500", places=2).map(float)
prices = amounts | st.decimals("0.0001", "9", places=4).map(float)
lines = st.fixed_dictionaries(
    {
        "price": prices,
        "quantity": st.sampled_from((1.0, 2.0, 12.0))
        | st.decimals("0.01", "99", places=2).map(float),
        "discount": st.sampled_from((0.0, 0.0, 5.0, 33.33, 100.0)),
        "taxes": st.sampled_from(TAXES),
        "text": st.sampled_from(("Hosting", "Domain, January", "Mailboxes\nthree of them")),
    }
)
bills = st.fixed_dictionaries(
    {
        "move_type": st.sampled_from(("out_invoice", "out_invoice", "out_refund")),
        "currency": st.sampled_from(("company", "euro")),
        "day": st.sampled_from(DAYS),
        "term": st.sampled_from(TERMS),
        "customer": st.integers(0, 3),
        "lines": st.lists(lines, min_size=1, max_size=5),
    }
)


def worth(bill):
    """Return whether a bill comes to more than nothing, whatever its taxes are."""
    return any(
        line["price"] * line["quantity"] * (100 - line["discount"]) > 100 for line in bill["lines"]
    )


@tagged("post_install", "-at_install")
class TestWholeBills(InvoiceBuilderCase):
    """Taxes, currencies, terms, discounts and credits in every mixture."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tax_number = 0
        percent = {"value": "percent"}
        cls.terms = {"at_once": cls.env["account.payment.term"], "net_30": cls.net_30}
        cls.terms["instalments"], cls.terms["early_discount"] = cls.env[
            "account.payment.term"
        ].create(
            [
                {
                    "name": "In three parts",
                    "line_ids": [
                        Command.create(percent | {"value_amount": share, "nb_days": days})
                        for share, days in ((30, 0), (33.33, 30), (36.67, 60))
                    ],
                },
                {
                    "name": "2 % within 10 days",
                    "early_discount": True,
                    "discount_percentage": 2,
                    "discount_days": 10,
                    "line_ids": [Command.create(percent | {"value_amount": 100, "nb_days": 30})],
                },
            ]
        )
        reverse = [
            Command.create({"repartition_type": "base"}),
            Command.create({"factor_percent": 100}),
            Command.create({"factor_percent": -100}),
        ]
        shares = [
            Command.create({"repartition_type": "base"}),
            Command.create({"factor_percent": 40}),
            Command.create({"factor_percent": 60}),
        ]

        def both(parts):
            return {"invoice_repartition_line_ids": parts, "refund_repartition_line_ids": parts}

        on_top, second = cls.tax(15.0), cls.tax(7.75, sequence=3)
        base = cls.tax(10.0, include_base_amount=True, sequence=1)
        children = cls.tax(5.0, type_tax_use="none") + cls.tax(9.975, type_tax_use="none")
        cls.taxes = {
            "none": cls.env["account.tax"],
            "on_top": on_top,
            "inside": cls.tax(21.0, price_include_override="tax_included"),
            "fixed_first": on_top
            + cls.tax(0.35, amount_type="fixed", include_base_amount=True, sequence=0),
            "two": base + second,
            "grouped": cls.tax(
                0.0, amount_type="group", children_tax_ids=[Command.set(children.ids)]
            ),
            "split": cls.tax(20.0, **both(shares)),
            "reverse": cls.tax(19.0, **both(reverse)),
        }

    @classmethod
    def tax(cls, amount, **values):
        cls.tax_number += 1
        named = {"name": f"Drawn {cls.tax_number}", "amount": amount, "type_tax_use": "sale"}
        return cls.env["account.tax"].create(named | values)

    def drawn(self, bill):
        """Return the spec of a bill that was drawn."""
        day = fields.Date.to_date(bill["day"])
        term = self.terms[bill["term"]]
        return self.spec(
            self.customers[bill["customer"]],
            [
                self.line(
                    line["price"],
                    name=line["text"],
                    quantity=line["quantity"],
                    discount=line["discount"],
                    tax_ids=self.taxes[line["taxes"]].ids,
                )
                for line in bill["lines"]
            ],
            move_type=bill["move_type"],
            currency_id=(self.euro if bill["currency"] == "euro" else self.company.currency_id).id,
            invoice_payment_term_id=term.id,
            # A run says when what has no term is due.
            invoice_date_due=False if term else day,
            invoice_date=day,
            date=day,
        )

    @given(st.lists(bills, min_size=1, max_size=3))
    @settings(
        max_examples=25,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),  # a bill as it was drawn tells enough
        suppress_health_check=list(HealthCheck),
    )
    def test_any_bill_is_written_as_odoo_makes_it(self, drawn):
        # What comes to nothing is paid as soon as it is posted, and left to Odoo.
        assume(all(map(worth, drawn)))
        self.assert_same_as_plain(*map(self.drawn, drawn))
