"""Every number and text of Odoo's report is in the billing layout: both are read and compared."""

import re
from datetime import date

from lxml import html

from odoo.fields import Command
from odoo.tests import tagged

from .test_bill_layout import LayoutCase

#: how Odoo's report puts it: the billing layout has other words for the same
SAID_OTHERWISE = (
    "Payment Communication:",
    "on this account:",
    "Scan this QR Code with",
    "your banking application",
    "Total amount in words:",
)


@tagged("post_install", "-at_install")
class TestBillLayoutComplete(LayoutCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("uom.group_uom")
        cls.customer.write({"vat": "DE123456788", "ref": "C-0815"})
        cls.euro = cls.env.ref("base.EUR")
        cls.euro.active = True
        cls.env["res.currency.rate"].create(
            {
                "currency_id": cls.euro.id,
                "company_id": cls.company.id,
                "name": "2025-12-31",
                "rate": 0.5,
            }  # fmt: skip
        )
        bank = cls.env["res.bank"].create({"name": "Hafenbank", "bic": "HAFEDEHH"})
        cls.bank = cls.env["res.partner.bank"].create(
            {
                "acc_number": "DE89 3704 0044 0532 0130 00",
                "bank_id": bank.id,
                "partner_id": cls.company.partner_id.id,
                "allow_out_payment": True,
            }
        )

    def words(self, move, part="article"):
        content = self.env["ir.actions.report"]._render_qweb_html(
            self.report, move.ids, {"report_type": "pdf"}
        )[0]
        root = html.fromstring(content)
        # `d-none` is what no paper shows.
        [article] = root.xpath(f"//div[contains(concat(' ', @class, ' '), ' {part} ')]")
        for hidden in article.xpath(
            ".//*[contains(concat(' ', @class, ' '), ' d-none ')] | .//style | .//script"
        ):
            hidden.drop_tree()
        text = " ".join(" ".join(article.itertext()).split())
        for sentence in SAID_OTHERWISE:
            text = text.replace(sentence, " ")
        text = text.replace("Installment of", " ")
        return text.split()

    def assert_complete(self, move, parts=("article",)):
        said = self.text(move)
        words = [word for part in parts for word in self.words(move, part)]
        missing = [word for word in words if not self.is_said(word, said)]
        self.assertEqual(missing, [], f"of {move.name} is not in the billing layout")

    def is_said(self, word, said):
        if word in said or word in "-–:/" or word == "Page:":
            return True
        # 3.00 units are 3 units.
        return bool(re.fullmatch(r"[\d.,]+", word)) and word.rstrip("0").rstrip(".,") in said

    def test_odoos_document_layouts_on_two_papers(self):
        self.company.write(
            {
                "company_details": "<p>Test Provider<br/>Lagerhaus 7<br/>20457 Hamburg</p>",
                "report_header": "<p>Servers since 1996</p>",
                "report_footer": "<p>Amtsgericht Hamburg</p>",
            }
        )
        move = self.make_taxed()
        layouts = self.env["report.layout"].search([])
        self.assertGreaterEqual(len(layouts), 7)
        papers = self.env.ref("base.paperformat_euro") | self.env.ref("base.paperformat_us")
        for layout in layouts:
            for paper in papers:
                self.company.write(
                    {"external_report_layout_id": layout.view_id.id, "paperformat_id": paper.id}
                )
                with self.subTest(layout.view_id.key, paper=paper.name):
                    self.assert_complete(move, ("header", "article", "footer"))

    def test_taxes_excluded(self):
        self.assert_complete(self.make_taxed())

    def test_taxes_included(self):
        self.company.account_price_include = "tax_included"
        self.assert_complete(self.make_taxed())

    def make_taxed(self):
        seven = self.make_tax("Sales 7%", 7, tax_group_id=self.make_group("Reduced"))
        included = self.make_tax("19% incl.", 19, price_include_override="tax_included")
        return self.make_move(
            {"quantity": 3, "price_unit": 1234.5, "discount": 12.5},
            {"price_unit": 17.25, "tax_ids": [Command.set((self.tax | seven).ids)]},
            {"price_unit": 119.0, "tax_ids": [Command.set(included.ids)]},
            {"price_unit": 4.2, "tax_ids": [Command.clear()]},
        )

    def make_group(self, name):
        return (
            self.env["account.tax.group"].create({"name": name, "company_id": self.company.id}).id
        )

    def test_several_currencies(self):
        self.company.display_invoice_tax_company_currency = True
        self.company.display_invoice_amount_total_words = True
        self.assert_complete(self.make_move({"price_unit": 12345.67}, currency_id=self.euro.id))

    def test_terms_with_instalments_and_early_discount(self):
        terms = self.env["account.payment.term"]
        early = terms.create(
            {
                "name": "2 % in 7 days",
                "note": "<p>2 % within 7 days, net within 30</p>",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 7,
                "display_on_invoice": True,
            }
        )
        halves = terms.create(
            {
                "name": "Halves",
                "note": "<p>In two halves</p>",
                "display_on_invoice": True,
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days})
                    for days in (10, 40)
                ],
            }
        )
        for term in (early, halves):
            move = self.make_move(
                {"price_unit": 333.33}, invoice_payment_term_id=term.id,
                partner_bank_id=self.bank.id,
            )  # fmt: skip
            self.assert_complete(move)

    def test_credit_notes_and_what_was_paid(self):
        move = self.make_move(ref="PO 4711", invoice_origin="S00042", narration="<p>Thank you</p>")
        note = move._reverse_moves([{"invoice_date": date(2026, 1, 5)}])
        note.action_post()
        self.assert_complete(note)
        move = self.make_move()
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        wizard.create({"amount": 3.5, "payment_date": date(2026, 1, 2)}).action_create_payments()
        self.assert_complete(move)

    def test_a_language_from_right_to_left(self):
        self.env["res.lang"]._activate_lang("ar_001")
        self.customer.write({"lang": "ar_001", "name": "شركة النور", "city": "دبي"})
        move = self.make_move({"name": "خدمة", "quantity": 3, "price_unit": 1234.5})
        # Letters are joined and turned round in a PDF: what can be read there are numbers.
        said = self.text(move)
        for word in self.words(move):
            if re.search(r"\d", word) and not re.search(r"[\u0590-\u08ff\ufb1d-\ufefc]", word):
                self.assertTrue(self.is_said(word.strip("\u200e\u200f"), said), word)

    def test_long_names_and_everything_a_document_can_have(self):
        term = self.env["account.incoterms"].search([], limit=1)
        position = self.env["account.fiscal.position"].create(
            {"name": "Abroad", "note": "<p>Reverse charge</p>"}
        )
        self.tax.invoice_legal_notes = "<p>Article 196</p>"
        dozen = self.env.ref("uom.product_uom_dozen")
        long_name = "Rindfleischetikettierungsüberwachungsaufgabenübertragung " * 12
        self.customer.name = "Gesellschaft für außergewöhnlich lange Namen mbH & Co. KG " * 2
        move = self.make_move(
            {"name": long_name, "quantity": 2, "price_unit": 12345678.9, "product_uom_id": dozen.id,
             "tax_ids": [Command.set(self.tax.ids)]},
            invoice_incoterm_id=term.id,
            incoterm_location="Hamburg",
            delivery_date=date(2026, 1, 3),
            fiscal_position_id=position.id,
            narration="<p>Our <b>terms</b> apply</p>",
            partner_bank_id=self.bank.id,
        )  # fmt: skip
        self.assert_complete(move)

    def test_sections_with_their_notes_and_what_they_hide(self):
        seven = self.make_tax("Sales 7%", 7)
        lines = [
            {"display_type": "line_section", "name": "Open", "product_id": False},
            {"name": "First", "price_unit": 11.0},
            {"display_type": "line_note", "name": "To be seen", "product_id": False},
            {"display_type": "line_section", "name": "Summed", "product_id": False,
             "collapse_composition": True},
            {"name": "Second", "price_unit": 22.0},
            {"name": "Third", "price_unit": 33.0, "tax_ids": [Command.set(seven.ids)]},
            {"display_type": "line_section", "name": "Priceless", "product_id": False,
             "collapse_prices": True},
            {"name": "Fourth", "quantity": 4, "price_unit": 44.0},
        ]  # fmt: skip
        move = self.make_move(
            *({"sequence": number} | line for number, line in enumerate(lines, 10))
        )
        self.assert_complete(move)
        said = self.text(move)
        for hidden in ("Second", "Third", "44.00"):
            self.assertNotIn(hidden, said)

    def test_one_to_500_lines(self):
        for count in (1, 25, 500):
            lines = [
                {"name": f"Line{number}", "price_unit": 1 + number / 100} for number in range(count)
            ]
            self.assert_complete(self.make_move(*lines))
