"""Bills for archives: PDF/A-3 and PDF/UA-1 with the structured invoice in them, which passes
Factur-X's own check and says what the run knows."""

import io
from datetime import date
from unittest.mock import patch

import pikepdf
from lxml import etree

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import config

from ..billing_runs.layouts import facturx, structured
from .invoice_check import InvoiceCheck
from .test_bill_layout import LayoutCase
from .test_einvoice import text

OUTLINE = ("H1", "H2", "H3")


class StructuredCase(LayoutCase):
    """A company in Hamburg that keeps its bills for archives, and a customer in Bonn."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        germany = cls.env.ref("base.de")
        cls.company.write(
            {
                "billing_bill_archive": True,
                "phone": "+49 40 1234567",
                "email": "billing@provider.example",
            }
        )
        cls.env["res.partner.bank"].create(
            {
                "acc_number": "DE89370400440532013000",
                "partner_id": cls.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        cls.customer.write({"country_id": germany.id, "zip": "53111"})
        cls.customer.invoice_edi_format = False
        cls.env["decimal.precision"].search([("name", "=", "Product Price")]).digits = 6
        cls.checker = InvoiceCheck()
        cls.addClassCleanup(cls.checker.close)

    def charge(self, **values):
        """Make a charge that the next run bills: 1000 calls of January unless said otherwise."""
        values = {
            "name": "Calls",
            "kind": "usage",
            "partner_id": self.customer.id,
            "company_id": self.company.id,
            "currency_id": self.company.currency_id.id,
            "product_id": self.product.id,
            "period_start": date(2025, 12, 1),
            "period_end": date(2026, 1, 1),
            "quantity": 1000,
            "price_unit": 0.012345,
            "amount": 12.35,
            **values,
        }
        values["source_key"] = f"test:{values['name']}"
        return self.env["billing.charge"].create(values)

    def billed(self, target="posting"):
        """Return the documents of a run over all that is due."""
        run = self.make_run(self.make_cycle(self.make_scheme()))
        run._execute(target)
        return self.env["account.move"].search([("billing_bill_id.run_id", "=", run.id)])

    def content(self, move):
        content = self.render(move)[move]
        if isinstance(content, Exception):
            raise content
        return content

    def embedded(self, move):
        """The structured invoice of a document's PDF, once it has passed the check."""
        with pikepdf.open(io.BytesIO(self.content(move))) as pdf:
            self.assertEqual(list(pdf.attachments), ["factur-x.xml"])
            xml = pdf.attachments["factur-x.xml"].get_file().read_bytes()
        self.assertEqual(self.checker.problems(xml), [])
        return etree.fromstring(xml)

    def ubl(self, move, flavor="ubl-2.1-invoice"):
        """The UBL invoice that a document is sent with, once it has passed the check."""
        self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=[])
        xml = move.ubl_cii_xml_id.raw
        self.assertEqual(self.checker.problems(xml, flavor), [])
        return etree.fromstring(xml)


@tagged("post_install", "-at_install")
class TestStructuredInvoice(StructuredCase):
    def test_a_price_of_a_fraction_of_a_cent_is_whole_by_its_base_quantity(self):
        self.charge()
        root = self.embedded(self.billed())
        self.assertEqual(text(root, "ram:NetPriceProductTradePrice/ram:ChargeAmount"), ["123.45"])
        self.assertEqual(text(root, "ram:NetPriceProductTradePrice/ram:BasisQuantity"), ["10000"])
        self.assertEqual(text(root, "ram:GrandTotalAmount"), ["14.20"])

    def test_lines_and_document_say_the_days_they_are_for(self):
        self.charge()
        self.make_service(self.customer, self.make_tariff(self.make_scheme("Other"), 10.0))
        self.charge(name="Hosting", kind="adjustment", period_start=date(2026, 1, 1),
                    period_end=date(2026, 2, 1), quantity=1, price_unit=10, amount=10)  # fmt: skip
        root = self.embedded(self.billed())
        days = text(root, "ram:BillingSpecifiedPeriod//udt:DateTimeString")
        self.assertCountEqual(
            [tuple(days[place : place + 2]) for place in range(0, len(days), 2)],
            [("20251201", "20251231"), ("20260101", "20260131"), ("20251201", "20260131")],
        )

    def test_a_line_without_product_has_a_name(self):
        root = self.embedded(
            self.make_move(
                {
                    "product_id": False,
                    "name": "Cables\nwhite",
                    "price_unit": 5.0,
                    "tax_ids": [Command.set(self.tax.ids)],
                }
            )  # fmt: skip
        )
        self.assertEqual(text(root, "ram:SpecifiedTradeProduct/ram:Name"), ["Cables"])

    def test_invoices_of_many_kinds_pass_the_check(self):
        seven = self.make_tax("Sales 7%", 7)
        included = self.make_tax("15% incl.", 15, price_include_override="tax_included")
        reduced = {"price_unit": 3.333333, "quantity": 7, "tax_ids": [Command.set(seven.ids)]}
        euro = self.env.ref("base.EUR")
        euro.active = True
        moves = {
            "several taxes": self.make_move({"price_unit": 45.0}, reduced),
            "discount": self.make_move({"quantity": 3, "price_unit": 1234.5, "discount": 12.5}),
            "given away": self.make_move({"price_unit": 10.0, "discount": 100}, reduced),
            "with tax": self.make_move(
                {"quantity": 3, "price_unit": 3.99, "tax_ids": [Command.set(included.ids)]}
            ),
            "below zero": self.make_move(
                {"price_unit": 50.0}, {"price_unit": -0.012345, "quantity": 1000}
            ),  # fmt: skip
            "euro": self.make_move({"price_unit": 0.5}, currency_id=euro.id),
        }
        for name, move in moves.items():
            with self.subTest(name):
                root = self.embedded(move)
                self.assertEqual(text(root, "ram:GrandTotalAmount"), [f"{move.amount_total:.2f}"])
                self.assert_lines_add_up(root)

    def test_a_credit_note_passes_the_check(self):
        self.charge(quantity=-1000, amount=-12.35)
        note = self.billed()
        self.assertEqual(note.move_type, "out_refund")
        root = self.embedded(note)
        self.assertEqual(text(root, "ram:TypeCode")[0], "381")
        self.assertEqual(text(root, "ram:LineTotalAmount")[0], "12.35")
        self.assert_lines_add_up(root)

    def assert_lines_add_up(self, root):
        """Each line's price and quantity come to its total, to the cent."""
        for item in root.iter("{*}IncludedSupplyChainTradeLineItem"):
            quantity = float(item.findtext(".//{*}BilledQuantity"))
            net = item.find(".//{*}NetPriceProductTradePrice")
            price = float(net.findtext("{*}ChargeAmount"))
            base = float(net.findtext("{*}BasisQuantity") or 1)
            total = float(item.findtext(".//{*}LineTotalAmount"))
            self.assertAlmostEqual(price * quantity / base, total, delta=0.00501)
            self.assertGreaterEqual(price, 0)

    def test_ubl_says_the_same(self):
        self.customer.invoice_edi_format = "ubl_bis3"
        self.charge()
        root = self.ubl(self.billed())
        self.assertEqual(text(root, "cac:InvoicePeriod/cbc:StartDate"), ["2025-12-01"] * 2)
        self.assertEqual(text(root, "cac:InvoicePeriod/cbc:EndDate"), ["2025-12-31"] * 2)
        self.assertEqual(text(root, "cbc:PriceAmount"), ["123.45"])
        self.assertEqual(text(root, "cbc:BaseQuantity"), ["10000"])
        self.assertEqual(text(root, "cbc:PayableAmount"), ["14.20"])

    def test_what_is_looked_at_before_sending_is_complete_too(self):
        self.customer.invoice_edi_format = "ubl_bis3"
        self.customer.country_id = self.env.ref("base.be")
        self.charge()
        found = self.billed()._get_invoice_legal_documents("ubl", allow_fallback=True)
        self.assertTrue(text(etree.fromstring(found["content"]), "cbc:BaseQuantity"))

    def test_the_attached_invoice_is_the_embedded_one(self):
        self.customer.invoice_edi_format = "facturx"
        self.company.billing_bill_archive = False
        self.charge()
        move = self.billed()
        self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=[])
        with pikepdf.open(io.BytesIO(move.invoice_pdf_report_id.raw)) as pdf:
            xml = pdf.attachments["factur-x.xml"].get_file().read_bytes()
        self.assertEqual(move.ubl_cii_xml_id.raw, xml)


@tagged("post_install", "-at_install")
class TestArchivedPdf(StructuredCase):
    def test_the_pdf_claims_both_standards_and_names_the_invoice(self):
        with pikepdf.open(io.BytesIO(self.content(self.make_move()))) as pdf:
            with pdf.open_metadata() as metadata:
                claims = {name.rpartition("}")[2]: value for name, value in metadata.items()}
                self.assertIn("PDF/A-3", f"PDF/A-{metadata.pdfa_status}")
            facts = ("DocumentType", "DocumentFileName", "Version", "ConformanceLevel")
            self.assertEqual(
                [claims[name] for name in facts], ["INVOICE", "factur-x.xml", "1.0", "EXTENDED"]
            )
            raw = pdf.Root.Metadata.read_bytes()
        for part in (b"<pdfuaid:part>1</pdfuaid:part>", b"<pdfaid:part>3</pdfaid:part>"):
            self.assertIn(part, raw)
        root = etree.fromstring(raw)
        schemas = list(root.iter("{http://www.aiim.org/pdfa/ns/extension/}schemas"))
        self.assertEqual(len(schemas), 1)
        prefixes = [node.text for node in schemas[0].iter("{*}prefix")]
        self.assertIn("fx", prefixes)

    def test_the_invoice_is_associated_once_as_the_alternative(self):
        with pikepdf.open(io.BytesIO(self.content(self.make_move()))) as pdf:
            [entry] = pdf.Root.AF
            self.assertEqual(entry.AFRelationship, "/Alternative")
            self.assertEqual((entry.F, entry.UF), ("factur-x.xml", "factur-x.xml"))
            file = entry.EF.F
            self.assertEqual(file.Subtype, "/text/xml")
            self.assertEqual(int(file.Params.Size), len(file.read_bytes()))
            names = pikepdf.NameTree(pdf.Root.Names.EmbeddedFiles)
            self.assertEqual(list(names), ["factur-x.xml"])
            self.assertEqual(names["factur-x.xml"].objgen, entry.objgen)

    def test_the_tags_are_those_of_a_bill(self):
        self.company.logo = self.picture()
        with pikepdf.open(
            io.BytesIO(self.content(self.make_move(*[{"price_unit": 1.0}] * 60)))
        ) as pdf:
            self.assertTrue(pdf.Root.MarkInfo.Marked)
            self.assertEqual(pdf.Root.Lang, "en-US")
            self.assertTrue(pdf.Root.ViewerPreferences.DisplayDocTitle)
            for page in pdf.pages:
                self.assertEqual(page.Tabs, "/S")
            elements = list(self.elements(pdf.Root.StructTreeRoot))
        kinds = [kind for kind, _element in elements]
        # The title comes before the table, that before what is said about paying.
        self.assertEqual([kind for kind in kinds if kind in OUTLINE], ["H1", "H2"])
        self.assertLess(kinds.index("H1"), kinds.index("Table"))
        self.assertLess(kinds.index("Table"), kinds.index("H2"))
        self.assertEqual(kinds.count("TH"), 5, "five columns")
        self.assertGreaterEqual(kinds.count("TD"), 5 * 60)
        self.assertEqual(kinds.count("Figure"), 1)

    def test_pictures_have_alternative_texts(self):
        self.company.logo = self.picture()
        with pikepdf.open(io.BytesIO(self.content(self.make_move()))) as pdf:
            texts = [
                str(element.get("/Alt"))
                for kind, element in self.elements(pdf.Root.StructTreeRoot)
                if kind == "Figure"
            ]
        self.assertEqual(texts, ["Test Provider"])

    def test_cells_of_the_heads_say_what_they_head(self):
        with pikepdf.open(io.BytesIO(self.content(self.make_move()))) as pdf:
            scopes = []
            for kind, element in self.elements(pdf.Root.StructTreeRoot):
                if kind == "TH":
                    attributes = element.A if isinstance(element.A, pikepdf.Array) else [element.A]
                    scopes += [str(part.Scope) for part in attributes if "/Scope" in part]
        self.assertEqual(set(scopes), {"/Column"})
        self.assertGreaterEqual(len(scopes), 5)

    def elements(self, node):
        """(kind, element) of all of a tree, in the order in which they are read."""
        if isinstance(node, pikepdf.Array):
            for child in node:
                yield from self.elements(child)
        elif isinstance(node, pikepdf.Dictionary):
            if "/S" in node:
                yield str(node.S)[1:], node
            if "/K" in node:
                yield from self.elements(node.K)

    @staticmethod
    def picture():
        from .test_bill_layout import PIXEL

        return PIXEL

    def test_a_bill_that_is_not_for_archives_has_nothing_embedded(self):
        self.company.billing_bill_archive = False
        with pikepdf.open(io.BytesIO(self.content(self.make_move()))) as pdf:
            self.assertFalse(list(pdf.attachments))
            self.assertNotIn(b"pdfaid", pdf.Root.Metadata.read_bytes())

    def test_a_draft_has_nothing_embedded(self):
        with pikepdf.open(io.BytesIO(self.content(self.make_move(post=False)))) as pdf:
            self.assertFalse(list(pdf.attachments))

    def test_where_odoo_makes_no_structured_invoices_the_pdf_has_none(self):
        with patch.object(structured, "can_make", lambda env: False):
            content = self.content(self.make_move())
        with pikepdf.open(io.BytesIO(content)) as pdf:
            self.assertFalse(list(pdf.attachments))
            self.assertIn(b"<pdfaid:part>3</pdfaid:part>", pdf.Root.Metadata.read_bytes())

    def test_without_pikepdf_bill_and_settings_say_so(self):
        move = self.make_move()
        settings = self.env["res.config.settings"].create({"company_id": self.company.id})
        self.assertFalse(settings.billing_bill_layout_missing)
        with patch.object(facturx, "is_available", lambda: False):
            self.assertIsInstance(self.render(move)[move], UserError)
            self.assertIn("pip install pikepdf", str(self.render(move)[move]))
            settings = self.env["res.config.settings"].create({"company_id": self.company.id})
            self.assertIn("pip install pikepdf", settings.billing_bill_layout_missing)

    def test_an_invoice_that_cannot_be_made_is_the_error_of_its_document_alone(self):
        odd, plain = self.make_move(), self.make_move()
        make = structured.make

        def failing(move, known=None):
            if move == odd:
                raise ValueError("no such tax")
            return make(move, known)

        with patch.object(structured, "make", failing):
            contents = self.render(odd | plain)
        self.assertIn("no such tax", str(contents[odd]))
        self.assertTrue(contents[plain].startswith(b"%PDF"))


@tagged("post_install", "-at_install")
class TestSentPdf(StructuredCase):
    """What is stored and sent: the bytes that were laid out, whatever Odoo does to PDFs."""

    def send(self, move, **settings):
        # As outside of tests, where Odoo writes each PDF anew.
        with patch.dict(config.options, {"test_enable": False}):
            self.env["account.move.send"]._generate_and_send_invoices(
                move, sending_methods=[], **settings
            )
        return move.invoice_pdf_report_id

    def laid_out(self):
        """Note the PDFs that are made: they are returned in the list."""
        made = []
        layout = type(self.company._bill_layout())
        compile_all = layout.compile

        def compiled(engine, prepared):
            made.extend(compile_all(engine, prepared))
            return made[-len(prepared) :]

        self.startPatcher(patch.object(layout, "compile", compiled))
        return made

    def test_what_is_laid_out_is_stored_to_the_byte(self):
        made = self.laid_out()
        for archive in (True, False):
            for wanted in (False, "ubl_bis3", "facturx"):
                self.company.billing_bill_archive = archive
                self.customer.invoice_edi_format = wanted
                stored = self.send(self.make_move())
                with self.subTest(archive=archive, wanted=wanted):
                    self.assertEqual(stored.raw, made[-1])
                    with pikepdf.open(io.BytesIO(stored.raw)) as pdf:
                        embeds = archive or wanted == "facturx"
                        self.assertEqual(len(pdf.Root.get("/AF", [])), int(embeds))

    def test_the_network_gets_the_same_pdf(self):
        made = self.laid_out()
        self.customer.invoice_edi_format = "ubl_bis3"
        move = self.make_move()
        self.send(move)
        root = etree.fromstring(move.ubl_cii_xml_id.raw)
        [inside] = text(root, "cbc:EmbeddedDocumentBinaryObject")
        import base64

        self.assertEqual(base64.b64decode(inside), made[-1])

    def test_odoos_report_stays_odoos(self):
        self.company.billing_bill_layout = "odoo"
        move = self.make_move()
        with patch.object(
            type(self.env["ir.actions.report"]), "_pre_render_qweb_pdf", self.one_pdf
        ):
            stored = self.send(move)
        with pikepdf.open(io.BytesIO(stored.raw)) as pdf:
            self.assertEqual(list(pdf.attachments), ["factur-x.xml"])

    def one_pdf(self, report_ref, res_ids=None, data=None):
        pdf = pikepdf.new()
        pdf.add_blank_page()
        stream = io.BytesIO()
        pdf.save(stream)
        return {res_id: {"stream": stream, "attachment": None} for res_id in res_ids}, "pdf"

    def test_without_pikepdf_a_customer_who_wants_facturx_gets_it_in_odoos_way(self):
        self.company.billing_bill_archive = False
        self.customer.invoice_edi_format = "facturx"
        with patch.object(facturx, "is_available", lambda: False):
            stored = self.send(self.make_move())
        with pikepdf.open(io.BytesIO(stored.raw)) as pdf:
            self.assertEqual(list(pdf.attachments), ["factur-x.xml"])


@tagged("post_install", "-at_install")
class TestRenderedOnce(LayoutCase):
    """A document is rendered once; one that is made again says why."""

    def send(self, move):
        self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=[])
        return move.invoice_pdf_report_id

    def notes(self, move):
        return [body for body in move.message_ids.mapped("body") if "made again" in body]

    def test_sending_again_sends_the_same(self):
        move = self.make_move()
        first = self.send(move)
        content = first.raw
        self.assertEqual(self.send(move), first)
        self.assertEqual(first.raw, content)
        self.assertFalse(self.notes(move))

    def test_a_pdf_that_somebody_deleted_is_made_again_with_the_reason(self):
        move = self.make_move()
        name = self.send(move).name
        move.invoice_pdf_report_id.unlink()
        self.send(move)
        [note] = self.notes(move)
        self.assertIn(f"{name} was deleted by {self.env.user.name}.", note)
        self.assertFalse(move.billing_pdf_gone)

    def test_a_document_that_was_a_draft_again_says_so(self):
        move = self.make_move()
        name = self.send(move).name
        move.button_draft()
        move.action_post()
        self.send(move)
        [note] = self.notes(move)
        self.assertIn(f"{name} was set aside when {self.env.user.name} reset", note)

    def test_deleting_a_document_leaves_no_trouble(self):
        move = self.make_move()
        self.send(move)
        move.button_draft()
        move.unlink()
        self.assertFalse(move.exists())
