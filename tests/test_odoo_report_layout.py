"""Odoo's report, many bills a print: each bill says what it says when it is printed alone."""

import base64
import io
from datetime import date, timedelta
from unittest.mock import patch

import pikepdf
import pypdfium2
from PIL import Image

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.base.models.ir_actions_report import IrActionsReport as BaseReport

from ..billing_runs.layouts import ir_actions_report as reports_file
from ..billing_runs.layouts import odoo_report, printers
from ..billing_runs.layouts.children import PrintError
from ..billing_runs.layouts.odoo_report import OdooReport
from ..billing_runs.layouts.sheets import Sheet
from .common import BillingCase, needs_program
from .printers import any_printer, beyond, chromium, close, pages, picture, plain, webkit

LOGGER = "odoo.addons.billing_operations.billing_runs.layouts"
ENGLISH_NUMBERS = ("90.00", "13.50", "103.50")


def _kind(item):
    return str(item.get("/Type", "")) if isinstance(item, pikepdf.Dictionary) else ""


@needs_program("wkhtmltopdf", "chromium")
class OdooReportCase(BillingCase):
    """A company whose bills are Odoo's report, and the printers for them."""

    @classmethod
    def setUpClass(cls):
        cls.real_find, cls.real_missing = (
            staticmethod(printers.find),
            staticmethod(printers.missing),
        )
        super().setUpClass()
        cls.company.write(
            {
                "billing_bill_layout": "odoo",
                "country_id": cls.env.ref("base.de").id,
                "street": "Hafenstrasse 12",
                "zip": "20457",
                "city": "Hamburg",
                "vat": "DE136695976",
                "company_details": False,
                "report_footer": "<p>Amtsgericht Hamburg</p>",
            }
        )
        cls.env = cls.env(context={**cls.env.context, "force_report_rendering": True})
        cls.company = cls.company.with_env(cls.env)
        cls.customer = cls.make_customer("Kaffeehaus", street="Marktplatz 3", city="Bonn")
        cls.report = cls.env.ref("account.account_invoices")
        cls.by(any_printer(), cls)

    @classmethod
    def tearDownClass(cls):
        close()
        super().tearDownClass()

    @staticmethod
    def by(printer, test):
        """Have a printer used by a test, or by a class of tests."""
        changed = patch.object(printers, "find", lambda: printer)
        test.enterClassContext(changed) if isinstance(test, type) else test.enterContext(changed)

    @classmethod
    def make_move(cls, *lines, **values):
        """Return a posted invoice with lines of values, of one for 90.00 unless said otherwise."""
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": cls.customer.id,
                "invoice_date": date(2026, 1, 1),
                "invoice_line_ids": [
                    Command.create({"product_id": cls.product.id, "name": "Hosting"} | line)
                    for line in lines or ({"quantity": 2, "price_unit": 45.0},)
                ],
                **values,
            }
        )
        move.action_post()
        return move

    def later(self):
        """Let time go on: what a stylesheet's address says of its content is a time."""
        self.env.flush_all()
        self.env.cr._now = self.env.cr.now() + timedelta(seconds=1)

    def render(self, moves):
        return self.right(OdooReport().render(moves, self.report))

    def right(self, found):
        for content in found.values():
            if isinstance(content, Exception):
                raise content
        return found

    def by_each(self, moves):
        """Yield ``(printer, {document: PDF})`` for each printer, in a subtest."""
        prepared = self.right(OdooReport().prepare(moves, self.report))
        for printer in (webkit(), chromium()):
            name = type(printer).__name__
            with self.subTest(printer=name), patch.object(printers, "find", lambda p=printer: p):
                made = OdooReport().compile(list(prepared.values()))
                yield printer, self.right(dict(zip(prepared, made, strict=True)))

    def assertSays(self, text, *parts):
        for part in parts:
            self.assertIn(plain(part), text)


@tagged("post_install", "-at_install")
class TestOdooReport(OdooReportCase):
    @needs_program("wkhtmltopdf")
    @needs_program("chromium")
    def test_a_batch_of_different_bills_says_all_of_each(self):
        moves = self._different_bills()
        batch = self.env["account.move"].concat(*(move for move, _says in moves.values()))
        with self.assertNoLogs(f"{LOGGER}.odoo_report", "WARNING"):
            printed = list(self.by_each(batch))
        for _printer, found in printed:
            for name, (move, says) in moves.items():
                with self.subTest(name):
                    self._assert_whole(pages(found[move]), move.name, *says)
                    self.assertFalse(beyond(found[move]))
            self.assertLess(len(found[moves["plain"][0]]), 80_000)
            self.assertGreater(len(pages(found[moves["500 lines"][0]])), 5)

    def _assert_whole(self, texts, *says):
        self.assertSays("".join(texts), *says)
        for page, text in enumerate(texts, start=1):
            self.assertSays(text, "Test Provider", "Hafenstrasse 12", "20457", "Hamburg")
            self.assertSays(text, "DE136695976", "Amtsgericht Hamburg")
            self.assertSays(text, f"Page {page} / {len(texts)}")

    def _different_bills(self):
        """Return ``{what is special: (invoice, what it says)}``."""
        included = self.make_tax("15% incl.", 15, price_include_override="tax_included")
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "company_id": self.company.id, "name": "2025-12-01", "rate": 2}
        )
        half = {"value": "percent", "value_amount": 50, "delay_type": "days_after"}
        instalments, discount = self.env["account.payment.term"].create(
            [
                {
                    "name": "Half and half",
                    "company_id": self.company.id,
                    "note": "Half in ten days",
                    "line_ids": [Command.create(half | {"nb_days": days}) for days in (10, 40)],
                },
                {
                    "name": "2 %",
                    "company_id": self.company.id,
                    "early_discount": True,
                    "discount_percentage": 2,
                    "discount_days": 7,
                    "line_ids": [Command.create(half | {"value_amount": 100, "nb_days": 30})],
                },
            ]
        )
        self.env["res.lang"]._activate_lang("ar_001")
        self.env["res.lang"]._activate_lang("de_DE")
        arabic = self.make_customer("مقهى النيل", lang="ar_001")
        german = self.make_customer("Gasthof", lang="de_DE")
        long_name = "Colocation of a very long rack " * 12
        many = [{"name": f"Call no {n}", "quantity": 1, "price_unit": n} for n in range(1, 501)]
        plain_move = self.make_move()
        note = plain_move._reverse_moves([{"invoice_date": date(2026, 1, 5)}])
        note.action_post()
        tax_included = {"price_unit": 11.5, "tax_ids": [Command.set(included.ids)]}
        return {
            "plain": (plain_move, ("Kaffeehaus", "Marktplatz 3", *ENGLISH_NUMBERS)),
            "discount": (
                self.make_move({"quantity": 3, "price_unit": 1234.5, "discount": 12.5}),
                ("1,234.50", "12.5", "3,240.56", "486.08", "3,726.64"),
            ),
            "tax included": (self.make_move(tax_included), ("11.50", "10.00", "1.50")),
            "euro": (self.make_move(currency_id=euro.id), ("90.00 €", "103.50 €")),
            "instalments": (
                self.make_move(invoice_payment_term_id=instalments.id),
                ("Half in ten days", "51.75"),
            ),
            "early discount": (self.make_move(invoice_payment_term_id=discount.id), ("101.43",)),
            "credit note": (note, ("Credit Note", "103.50")),
            "arabic": (self.make_move(partner_id=arabic.id), ("90.00",)),
            "german": (self.make_move(partner_id=german.id), ("Gasthof", "90,00", "103,50")),
            "long name": (self.make_move({"name": long_name, "price_unit": 7.0}), (long_name,)),
            "60 lines": (self.make_move(*many[:60]), ("Call no 1", "Call no 60", "1,830.00")),
            "500 lines": (self.make_move(*many), ("Call no 500", "125,250.00", "144,037.50")),
        }

    @needs_program("wkhtmltopdf")
    @needs_program("chromium")
    def test_every_document_layout_and_paper_has_its_header_on_each_page(self):
        lines = [{"name": f"Line {n}", "price_unit": n} for n in range(1, 70)]
        moves = self.make_move() | self.make_move(*lines)
        layouts = self.env["report.layout"].search([])
        self.assertGreaterEqual(len(layouts), 7)
        papers = self.env.ref("base.paperformat_euro") | self.env.ref("base.paperformat_us")
        for number, layout in enumerate(layouts):
            self.later()
            paper = papers[number % 2]
            self.company.write(
                {"external_report_layout_id": layout.view_id.id, "paperformat_id": paper.id}
            )
            for printer, found in self.by_each(moves):
                with self.subTest(layout.view_id.key, printer=printer):
                    for move, content in found.items():
                        texts = pages(content)
                        self._assert_whole(texts, move.name, "Kaffeehaus")
                        self.assertEqual(len(texts) > 1, move == moves[1])
                        width = pypdfium2.PdfDocument(content)[0].get_width()
                        self.assertAlmostEqual(width, (595, 612)[number % 2], delta=1.5)

    @needs_program("wkhtmltopdf")
    @needs_program("chromium")
    def test_the_body_is_that_of_a_single_print_pixel_for_pixel(self):
        moves = self.make_move()
        for n in range(1, 6):
            moves |= self.make_move(*[{"name": f"Item {n}", "price_unit": n}] * n * 4)
        documents = OdooReport().prepare(moves, self.report)
        for printer, found in self.by_each(moves):
            for move, content in found.items():
                [sheet] = documents[move].sheets
                body = Sheet(sheet.piece, sheet.paper)
                [alone] = printer.print_all([body], documents[move].fonts)
                self.assertEqual(len(pages(content)), len(pages(alone)))
                for page in range(len(pages(alone))):
                    self.assertTrue(
                        picture(content, page, sheet.paper) == picture(alone, page, sheet.paper)
                    )

    def test_a_bill_that_fails_goes_odoos_way_alone_and_says_so(self):
        self.env["ir.ui.view"].create(
            {
                "name": "fails for one customer",
                "type": "qweb",
                "inherit_id": self.env.ref("account.report_invoice_document").id,
                "arch": """<xpath expr="//div[@name='comment']" position="before">
                    <t t-if="o.partner_id.name == 'Broken'" t-out="1 / 0"/></xpath>""",
            }
        )
        broken = self.make_move(partner_id=self.make_customer("Broken").id)
        moves = self.make_move() | broken | self.make_move()
        with self.assertLogs(LOGGER, "WARNING") as logs:
            found = OdooReport().render(moves, self.report)
        self.assertIn(f"{broken.display_name} is printed Odoo's own way alone", logs.output[0])
        self.assertIn("division by zero", str(found[broken]))
        for move in moves - broken:
            self.assertSays("".join(pages(found[move])), move.name, *ENGLISH_NUMBERS)

    def test_a_bill_that_no_printer_prints_is_tried_by_odoos_own(self):
        move = self.make_move()
        own = type(self.env["ir.actions.report"])
        with (
            patch.object(own, "_run_wkhtmltopdf", return_value=b"%PDF Odoo's own") as run,
            self.assertLogs(LOGGER, "WARNING"),
        ):
            content = OdooReport().rescue(move, self.report, PrintError("no"))
        self.assertEqual(content, b"%PDF Odoo's own")
        self.assertEqual(run.call_count, 1)
        error = OdooReport().explain(move, PrintError("wkhtmltopdf ended with 1"))
        self.assertEqual(
            str(error), f"{move.display_name} could not be printed: wkhtmltopdf ended with 1"
        )

    @needs_program("wkhtmltopdf")
    def test_odoos_own_way_has_the_seller_on_page_1_too(self):
        self.company.company_details = "<p>Your partner for servers</p>"
        move = self.make_move()
        with self.assertLogs(LOGGER, "WARNING"):
            content = OdooReport().rescue(move, self.report, PrintError("no"))
        first = pages(content)[0]
        self.assertSays(first, "Test Provider", "Hafenstrasse 12", "20457 Hamburg", "DE136695976")
        self.assertSays(first, "Amtsgericht Hamburg", move.name, *ENGLISH_NUMBERS)

    def test_where_odoos_own_way_prints_headers_they_are_left_to_it(self):
        move = self.make_move()
        for patched in (True, False):
            info = reports_file._wkhtml()._replace(state="ok", is_patched_qt=patched)
            with (
                patch.object(reports_file, "_wkhtml", lambda info=info: info),
                patch.object(BaseReport, "_run_wkhtmltopdf", return_value=b"%PDF") as run,
                self.assertLogs(LOGGER, "WARNING"),
            ):
                OdooReport().rescue(move, self.report, PrintError("no"))
            [body], header = run.call_args.args[0], run.call_args.kwargs["header"]
            self.assertEqual("DE136695976" in body, not patched)
            self.assertNotIn("Page", body)
            self.assertEqual("DE136695976" in (header or ""), patched)

    def test_what_is_added_of_the_seller_is_in_the_customers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customer.lang = "fr_FR"
        germany = self.company.country_id
        germany.with_context(lang="fr_FR").vat_label = "N° TVA"
        [document] = OdooReport().prepare(self.make_move(), self.report).values()
        self.assertIn("N° TVA: DE136695976", document.sheets[0].header.html)

    @needs_program("wkhtmltopdf")
    @needs_program("chromium")
    def test_a_company_whose_details_lack_its_address_has_it_on_its_bills(self):
        self.company.company_details = "<p>Your partner for servers</p>"
        for _printer, found in self.by_each(self.make_move()):
            [content] = found.values()
            self.assertSays(pages(content)[0], "Hafenstrasse 12", "20457 Hamburg", "DE136695976")

    def test_an_addon_that_overrides_the_rendering_has_its_way(self):
        moves = self.make_move() | self.make_move()
        own = type(self.env["ir.actions.report"])
        original = own._render_qweb_pdf_prepare_streams

        def stamped(reports, report_ref, data, res_ids=None):
            streams = original(reports, report_ref, data, res_ids=res_ids)
            for stream in streams.values():
                stream["stream"] = io.BytesIO(stream["stream"].getvalue() + b"% stamped")
            return streams

        with patch.object(own, "_render_qweb_pdf_prepare_streams", stamped):
            found = self.render(moves)
        for move, content in found.items():
            self.assertTrue(content.endswith(b"% stamped"))
            self.assertSays(pages(content)[0], move.name, "Hafenstrasse 12", "Page 1 / 1")

    def test_an_addon_whose_override_concerns_some_invoices_has_its_way_with_those(self):
        moves = self.make_move() | self.make_move()
        with (
            patch.object(odoo_report, "_overriding", lambda reports: ["some"]),
            patch.dict(odoo_report.SOME, {"some": lambda move, report: move == moves[0]}),
        ):
            self.assertEqual(OdooReport()._together(moves, self.report), moves[1])
        with patch.object(odoo_report, "_overriding", lambda reports: ["another"]):
            self.assertFalse(OdooReport()._together(moves, self.report))

    def test_pictures_come_from_the_database_and_nothing_from_elsewhere(self):
        move = self.make_move()
        image = self.env["ir.attachment"].create(
            {"name": "x.png", "raw": b"\x89PNG\r\n\x1a\n", "mimetype": "image/png"}
        )
        self.company.report_footer = (
            f'<p><img src="/web/content/{image.id}"/><img src="/web/static/img/logo.png"/>'
            '<img src="/report/barcode/QR/hello"/><img src="http://192.0.2.1/spy.png"/></p>'
        )
        with self.assertLogs(LOGGER, "WARNING") as logs:
            [document] = OdooReport().prepare(move, self.report).values()
        self.assertEqual(len(logs.output), 1)
        self.assertIn("http://192.0.2.1/spy.png is left out", logs.output[0])
        [sheet] = document.sheets
        self.assertEqual(sheet.footer.html.count('src="data:image/png;base64,'), 3)
        for piece in (sheet.piece, sheet.header, sheet.footer):
            for text in (piece.html, piece.css):
                self.assertNotRegex(text, r"""(src=|url\()["']?(/|http)""")

    @needs_program("wkhtmltopdf")
    @needs_program("chromium")
    def test_a_background_image_is_printed(self):
        stream = io.BytesIO()
        Image.new("RGB", (120, 160), (10, 200, 30)).save(stream, format="PNG")
        self.company.write(
            {
                "layout_background": "Custom",
                "layout_background_image": base64.b64encode(stream.getvalue()),
            }
        )
        move = self.make_move()
        for _printer, found in self.by_each(move):
            pixels = pypdfium2.PdfDocument(found[move])[0].render(scale=1.0).to_pil()
            colours = pixels.convert("RGB").getcolors(1 << 24)
            greens = sum(count for count, colour in colours if colour == (10, 200, 30))
            self.assertGreater(greens, 10_000)

    def test_text_in_odoos_own_fonts_is_text(self):
        self.later()
        self.company.font = "Oswald"
        [content] = self.render(self.make_move()).values()
        with pikepdf.open(io.BytesIO(content)) as pdf:
            fonts = [str(font.get("/BaseFont")) for font in pdf.objects if "Font" in _kind(font)]
        self.assertTrue(any("Oswald" in font for font in fonts), fonts)

    def test_companies_of_one_batch_have_their_own_headers(self):
        other = self.make_company("Second Provider")
        other.vat = "DE811569869"
        env = self.env(context={**self.env.context, "allowed_company_ids": other.ids})
        move = self.make_move()
        second = (
            env["account.move"]
            .with_company(other)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.customer.id,
                    "invoice_line_ids": [Command.create({"name": "Hosting", "price_unit": 5})],
                }
            )
        )
        second.action_post()
        found = self.render((move | second).with_env(self.env))
        self.assertSays(pages(found[move])[0], "Test Provider", "DE136695976")
        self.assertSays(pages(found[second])[0], "Second Provider", "DE811569869")

    def test_what_the_server_lacks_is_said_in_settings_and_on_the_panel(self):
        nothing = printers._wkhtml()._replace(state="install")
        found = patch.object(printers, "_wkhtml", lambda: nothing)
        with found, patch("shutil.which", lambda name: None):
            printers_find = type(self).real_find
            printers_find.cache_clear()
            self.assertIsNone(printers_find())
            with patch.object(printers, "find", printers_find):
                said = type(self).real_missing(self.env)
        printers_find.cache_clear()
        self.assertIn("needs wkhtmltopdf or chromium-headless-shell", said)
        with patch.object(printers, "missing", lambda env: said):
            self.assertTrue(self.company._bill_layout("odoo").missing(self.env))
            settings = self.env["res.config.settings"].create({"billing_bill_layout": "odoo"})
            self.assertEqual(settings.billing_bill_layout_missing, said)
            run = self.make_run(self.make_cycle(self.make_scheme()))
            texts = [problem["text"] for problem in run._readiness_problems()]
            self.assertIn(said, texts)
        with patch.object(printers.frames, "is_available", lambda: False):
            printers_find.cache_clear()
            self.assertIsNone(printers_find())
            with patch.object(printers, "find", printers_find):
                self.assertIn("pip install pikepdf", type(self).real_missing(self.env))
        printers_find.cache_clear()

    def test_odoos_print_button_goes_the_same_way(self):
        moves = self.make_move() | self.make_move()
        content, kind = self.env["ir.actions.report"]._render_qweb_pdf(
            self.report.report_name, moves.ids
        )
        self.assertEqual(kind, "pdf")
        texts = pages(content)
        self.assertEqual(len(texts), 2)
        for text, move in zip(texts, moves, strict=True):
            self.assertSays(text, move.name, "Hafenstrasse 12", "DE136695976", "Page 1 / 1")

    @needs_program("chromium")
    def test_all_of_odoos_reports_are_printed_where_there_is_no_wkhtmltopdf(self):
        self.by(chromium(), self)
        reports = self.env["ir.actions.report"]
        nothing = reports_file._wkhtml()._replace(state="install")
        companies = self.company | self.make_company("Second Provider")
        with (
            patch.object(reports_file, "_wkhtml", lambda: nothing),
            patch("odoo.addons.base.models.ir_actions_report._wkhtml", lambda: nothing),
        ):
            self.assertEqual(reports.get_wkhtmltopdf_state(), "ok")
            content, kind = reports._render_qweb_pdf(
                "web.preview_externalreport", companies[:1].ids
            )
            [text] = pages(content)
            self.assertEqual(kind, "pdf")
            self.assertSays(text, "sample of an external report", "Test Provider", "Page 1 / 1")
            streams = reports._render_qweb_pdf_prepare_streams(
                self.report.report_name, {}, (self.make_move() | self.make_move()).ids
            )
            self.assertEqual(len(streams), 2)
            with patch.object(printers, "find", lambda: None):
                self.assertEqual(reports.get_wkhtmltopdf_state(), "install")
