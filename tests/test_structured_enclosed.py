"""The structured invoice inside PDFs by Odoo's report: put there once, for a whole batch, and not by
writing each PDF anew as Odoo does."""

import io
from unittest.mock import patch

import pikepdf
from lxml import etree

from odoo.tests import tagged
from odoo.tools import config
from odoo.tools.pdf import OdooPdfFileWriter

from ..billing_runs.layouts import facturx, structured
from .test_einvoice import text
from .test_structured_invoice import StructuredCase

NAME = "factur-x.xml"


@tagged("post_install", "-at_install")
class TestEnclosed(StructuredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"billing_bill_layout": "odoo", "billing_bill_archive": False})

    def setUp(self):
        super().setUp()
        reports = type(self.env["ir.actions.report"])
        self.startPatcher(patch.object(reports, "_pre_render_qweb_pdf", self.one_pdf))
        # As outside of tests, where Odoo writes each PDF anew.
        self.startPatcher(patch.dict(config.options, {"test_enable": False}))
        self.writes = self.startPatcher(
            patch.object(
                OdooPdfFileWriter,
                "addAttachment",
                autospec=True,
                side_effect=OdooPdfFileWriter.addAttachment,
            )
        )

    def one_pdf(self, report_ref, res_ids=None, data=None):
        with pikepdf.new() as pdf:
            pdf.add_blank_page()
            content = io.BytesIO()
            pdf.save(content)
        return {res_id: {"stream": content, "attachment": None} for res_id in res_ids}, "pdf"

    def send(self, move):
        self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=[])

    def inside(self, move):
        """The one structured invoice in a document's stored PDF, once it has passed the check."""
        with pikepdf.open(io.BytesIO(move.invoice_pdf_report_id.raw)) as pdf:
            self.assertEqual(list(pdf.attachments), [NAME])
            self.assertEqual(len(pdf.Root.AF), 1)
            self.assertEqual(pdf.Root.AF[0].AFRelationship, "/Data")
            xml = pdf.attachments[NAME].get_file().read_bytes()
        self.assertEqual(self.checker.problems(xml), [])
        return etree.fromstring(xml)

    def test_a_bill_gets_it_when_it_is_formatted(self):
        self.charge()
        move = self.billed()
        move.billing_bill_id._format()
        self.assertEqual(move.billing_bill_id.state, "done")
        self.assertTrue(text(self.inside(move), "ram:BillingSpecifiedPeriod"))
        self.assertFalse(self.writes.called)

    def test_a_document_that_is_sent_alone_gets_the_same(self):
        for wanted in (False, "ubl_bis3"):
            self.customer.invoice_edi_format = wanted
            move = self.make_move()
            self.send(move)
            with self.subTest(wanted):
                self.assertEqual(text(self.inside(move), "ram:GrandTotalAmount"), ["103.50"])
                self.assertEqual(bool(move.ubl_cii_xml_id), bool(wanted))
        self.assertFalse(self.writes.called)

    def test_a_customer_who_wants_facturx_gets_odoos(self):
        self.customer.invoice_edi_format = "facturx"
        self.charge()
        move = self.billed()
        move.billing_bill_id._format()
        with pikepdf.open(io.BytesIO(move.invoice_pdf_report_id.raw)) as pdf:
            self.assertEqual(list(pdf.attachments), [NAME])
            self.assertEqual(len(pdf.Root.AF), 1)
        self.assertTrue(self.writes.called)

    def test_a_customer_who_wants_it_after_all_has_it_once(self):
        self.charge()
        move = self.billed()
        bill = move.billing_bill_id
        reading = bill._read_documents()
        contents = reading.compile()
        self.customer.invoice_edi_format = "facturx"
        bill._tie_documents(reading, contents)
        with pikepdf.open(io.BytesIO(move.invoice_pdf_report_id.raw)) as pdf:
            self.assertEqual(len(pdf.Root.AF), 1)

    def test_without_pikepdf_odoo_puts_it_there(self):
        with patch.object(facturx, "is_available", lambda: False):
            move = self.make_move()
            self.send(move)
        self.assertTrue(self.writes.called)

    def test_one_that_cannot_be_made_is_the_error_of_its_bill_alone(self):
        other = self.make_customer("Other", street="Marktplatz 4", city="Bonn", zip="53111")
        self.charge()
        self.charge(name="More calls", partner_id=other.id)
        moves = self.billed()
        odd = moves.filtered(lambda move: move.partner_id == other)
        make = structured.make

        def failing(move, known=None):
            if move == odd:
                raise ValueError("no such tax")
            return make(move, known)

        logger = "odoo.addons.billing_operations.billing_runs.bills.isolation"
        with patch.object(structured, "make", failing), self.assertLogs(logger, "ERROR"):
            moves.billing_bill_id._format()
        self.assertEqual(odd.billing_bill_id.state, "error")
        self.assertIn("no such tax", odd.billing_bill_id.error_message)
        self.inside(moves - odd)

    def test_a_pdf_that_cannot_be_read_is_printed_alone(self):
        self.charge()
        move = self.billed()
        reading = move.billing_bill_id._read_documents()
        reading._data[move.id] = b"no PDF"
        contents = reading.compile()
        self.assertIsInstance(contents[move.id], Exception)
        with self.assertLogs("odoo.addons.billing_operations", "WARNING"):
            move.billing_bill_id._tie_documents(reading, contents)
        self.inside(move)

    def test_odoo_asks_the_database_once_for_a_batch(self):
        few = self.make_move({}, {})
        many = self.make_move(*({"name": f"Line {number}"} for number in range(12)))
        counts = []
        for move in (few, many):
            structured.make(move)
            self.env.invalidate_all()
            move.invoice_line_ids.mapped("name")
            before = self.cr.sql_log_count
            structured.make(move)
            counts.append(self.cr.sql_log_count - before)
        self.assertLess(counts[1], counts[0] + 5)

    def test_what_was_asked_before_is_what_the_database_says(self):
        asked = structured.Known()
        units = self.env.ref("uom.product_uom_hour") + self.env.ref("uom.product_uom_day")
        own = self.env["uom.uom"].create({"name": "Seat"})
        for group in (units[0], units + own, own):
            group = group.with_context(billing_structured_known=asked)
            for _again in range(2):
                expected = group.with_context(billing_structured_known=None)
                self.assertEqual(group._get_external_ids(), expected._get_external_ids())
        europe = self.env.ref("base.europe").with_context(billing_structured_known=asked)
        gone = europe.browse(10**9)
        for _again in range(2):
            self.assertEqual(europe.exists(), europe)
            self.assertFalse(gone.exists())
