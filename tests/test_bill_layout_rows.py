"""Rows of the billing layout whose height is known: the same document, without laying each out twice."""

import json

import pypdfium2

from odoo.fields import Command
from odoo.tests import tagged

from ..billing_runs.layouts.lines import LineValues
from ..billing_runs.layouts.typst_engine import BillingLayout, pool
from .test_bill_layout import LayoutCase

#: pixels of a point
SCALE = 2.0


@tagged("post_install", "-at_install")
class TestRowHeights(LayoutCase):
    def pictures(self, job):
        """The pages of a document as pictures."""
        [content] = pool().compile_all([job])
        if isinstance(content, Exception):
            raise content
        document = pypdfium2.PdfDocument(content[0])
        return [page.render(scale=SCALE).to_pil().tobytes() for page in document]

    def assertSameAsMeasured(self, move):
        """Compare a document with one whose rows are all measured by Typst; return its data."""
        job = BillingLayout().jobs(move)[move]
        data = json.loads(job["data"])
        measured = json.loads(job["data"]) | {"forms": []}
        for group in measured["groups"]:
            for row in group["rows"]:
                row["form"] = None
        known = self.pictures(job)
        self.assertEqual(known, self.pictures(job | {"data": json.dumps(measured)}))
        return data

    def test_rows_are_as_high_as_typst_would_make_them(self):
        names = [
            *(f"Extension {number}, 1/1/2026 to 1/31/2026" for number in range(60)),
            *(f"{'W' * count} {count}" for count in range(20, 50)),
            *(f"{'word ' * count}{count}" for count in range(8, 24)),
            "Two lines\nin one row",
            "Hosting und العربية",
        ]
        lines = [
            {"name": name, "price_unit": 10.0**power, "quantity": 1 + power}
            for power, name in zip([0, 1, 2, 3, 4] * 40, names, strict=False)
        ]
        data = self.assertSameAsMeasured(self.make_move(*lines))
        forms = {row["form"] for group in data["groups"] for row in group["rows"]}
        self.assertEqual(len(data["forms"]), len(forms - {None}))
        self.assertLess(len(data["forms"]), len(names) - 50)

    def test_names_of_taxes_that_want_several_lines_get_them(self):
        taxes = self.tax.browse()
        for number in range(4):
            taxes += self.tax.copy({"name": f"Tax of a long name {number}", "amount": number})
        taxes.invoice_label = "A long name on the invoice"
        self.assertSameAsMeasured(
            self.make_move({"price_unit": 5.0, "tax_ids": [Command.set(taxes.ids)]}, {})
        )

    def test_a_language_from_right_to_left_has_the_same_rows(self):
        self.env["res.lang"]._activate_lang("ar_001")
        self.customer.lang = "ar_001"
        lines = [{"name": f"خدمة {number}", "price_unit": number} for number in range(1, 40)]
        self.assertSameAsMeasured(self.make_move(*lines))

    def test_a_form_stands_for_all_rows_that_differ_by_their_digits(self):
        def row(text, **values):
            numbers = dict.fromkeys(("quantity", "price", "discount", "taxes", "amount"), "1")
            said = {"kind": "line", "text": text, "lead": None, "period": None}
            return said | numbers | values

        rows = [
            row("Line 1"),
            row("Line 7"),
            row("Line 10"),
            row("Line 2", quantity="1 box\n12 pieces"),
            row("word " * 40),
            {"kind": "note", "text": "Line 3"},
        ]
        titled = {"title": "Service", "rows": [row("Line 1")]}
        forms = LineValues(None, {}).forms([{"title": None, "rows": rows}, titled])
        self.assertEqual([one.get("form") for one in rows], [0, 0, 1, None, None, None])
        self.assertEqual(titled["rows"][0]["form"], 2)
        self.assertEqual([form["text"] for form in forms], ["Line 0", "Line 00", "Line 0"])
        self.assertEqual([form["titled"] for form in forms], [False, False, True])
