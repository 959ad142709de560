"""How a bill by the billing layout looks: where the address lies, fonts, papers, logos, lines."""

import base64
import io
import json
from datetime import date

import pikepdf
import pypdfium2

from odoo.tests import tagged

from ..billing_runs.layouts import typst_engine
from ..billing_runs.layouts.envelopes import WINDOWS, window_of
from .test_structured_invoice import StructuredCase

MILLIMETRE = 72 / 25.4
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="40" height="20"%s/></svg>'


@tagged("post_install", "-at_install")
class TestBillLooks(StructuredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.billing_bill_archive = False
        cls.customer.write(
            {"name": "Kaffeehaus am Markt", "street": "Marktplatz 3", "street2": "Hinterhaus"}
        )

    def made(self, move):
        content = self.render(move)[move]
        if isinstance(content, Exception):
            raise content
        return content

    def job(self, move):
        return typst_engine.BillingLayout().jobs(move)[move]

    def data(self, move):
        return json.loads(self.job(move)["data"])

    def box(self, content, words):
        """Where words stand on page 1, in millimetres from its upper left corner."""
        page = pypdfium2.PdfDocument(content)[0]
        text = page.get_textpage()
        found = text.search(words).get_next()
        self.assertTrue(found, words)
        boxes = [text.get_charbox(found[0] + place) for place in range(len(words))]
        left, bottom, right, top = (
            pick(box[side] for box in boxes)
            for side, pick in enumerate((min, min, max, max))
        )  # fmt: skip
        height = page.get_height()
        return [side / MILLIMETRE for side in (left, height - top, right, height - bottom)]

    def test_the_address_lies_in_the_window_of_the_countrys_envelope(self):
        for code in ("DE", "FR", "GB", "US"):
            self.company.country_id = self.env["res.country"].search([("code", "=", code)])
            window = window_of(code)
            content = self.made(self.make_move())
            for words in (self.customer.name, "Marktplatz 3", "Hinterhaus", "53111 Bonn"):
                left, top, right, bottom = self.box(content, words)
                with self.subTest(code, words=words):
                    self.assertGreaterEqual(left, window.left - 0.5)
                    self.assertLessEqual(right, window.left + window.width)
                    self.assertGreaterEqual(top, window.top)
                    self.assertLessEqual(bottom, window.top + window.height)
        self.assertIn("FR", WINDOWS)

    def test_a_language_from_right_to_left_leaves_the_window_where_it_is(self):
        self.env["res.lang"]._activate_lang("ar_001")
        self.customer.lang = "ar_001"
        left, top, _right, _bottom = self.box(self.made(self.make_move()), "Marktplatz")
        self.assertGreaterEqual(left, window_of("DE").left - 0.5)
        self.assertGreaterEqual(top, window_of("DE").top)

    def test_the_paper_is_the_companys(self):
        move = self.make_move()
        for xml_id, (width, height) in (
            ("base.paperformat_euro", (210, 297)),
            ("base.paperformat_us", (215.9, 279.4)),
        ):
            self.company.paperformat_id = self.env.ref(xml_id)
            page = pypdfium2.PdfDocument(self.made(move))[0]
            self.assertAlmostEqual(page.get_width() / MILLIMETRE, width, delta=0.1)
            self.assertAlmostEqual(page.get_height() / MILLIMETRE, height, delta=0.1)

    def test_the_font_is_the_companys(self):
        move = self.make_move()
        for font in ("Lato", "Oswald", "Montserrat"):
            self.company.font = font
            with pikepdf.open(io.BytesIO(self.made(move))) as pdf:
                names = [
                    str(item.get("/BaseFont"))
                    for item in pdf.objects
                    if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/Font"
                ]
            self.assertTrue(any(font in name for name in names), names)

    def test_the_texts_of_the_document_layout_are_on_it(self):
        self.company.write(
            {
                "company_details": "<p>Lagerhaus 7<br/>Amtsgericht Hamburg</p>",
                "report_header": "<p>Servers since 1996</p>",
                "report_footer": "<p>Managing director: A. Example</p>",
            }
        )
        [first] = self.pages(self.make_move())
        self.assertSays(first, "Lagerhaus 7", "Amtsgericht Hamburg", "Servers since 1996")
        self.assertSays(first, "Managing director: A. Example", "Hafenstrasse 12", "20457 Hamburg")

    def test_a_drawing_is_a_logo_unless_it_reaches_outside(self):
        move = self.make_move()
        for inside, drawn in (
            (' fill="#123456"', True),
            (' fill="url(http://192.0.2.1/a.svg#b)"', False),
        ):
            self.company.logo = base64.b64encode((SVG % inside).encode())
            self.assertEqual("logo.svg" in self.job(move)["files"], drawn)
            self.assertSays(self.text(move), "Test Provider")

    def test_lines_of_one_service_stand_together_with_their_period_once(self):
        scheme = self.make_scheme()
        service = self.make_service(self.customer, self.make_tariff(scheme, 10.0))
        self.charge()  # of December, and of no service
        self.charge(
            name="Licence", kind="adjustment", quantity=1, price_unit=5, amount=5,
            service_id=service.id, period_start=date(2026, 1, 1), period_end=date(2026, 2, 1),
        )  # fmt: skip
        run = self.make_run(self.make_cycle(scheme))
        run._execute("posting")
        move = self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])
        [group] = [group for group in self.data(move)["groups"] if group["title"]]
        self.assertEqual(group["title"], service.display_name)
        self.assertEqual(group["period"], "01/01/2026 – 01/31/2026")
        self.assertEqual([row["period"] for row in group["rows"]], [None, None])
        self.assertEqual(group["subtotal"], "15.00")
        said = self.text(move)
        self.assertEqual(said.count("01/01/2026–01/31/2026"), 1)
        self.assertSays(said, "Billing Period: 12/01/2025 – 01/31/2026", service.display_name)

    def test_the_customers_account_is_said_from_opening_to_closing_balance(self):
        self.make_move(invoice_date=date(2025, 12, 1))
        self.charge()
        said = self.text(self.billed())
        self.assertSays(said, "Opening Balance $ 103.50", "This Bill $ 14.20")
        self.assertSays(said, "Closing Balance $ 117.70")
