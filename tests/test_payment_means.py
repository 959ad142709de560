"""How a bill will be paid, on its PDF and in its structured invoice: what collects fills one slot."""

import io
from datetime import date
from unittest.mock import patch

import pikepdf
from lxml import etree

from odoo.fields import Command
from odoo.tests import tagged

from ..billing_runs.layouts.means import SEPA_DIRECT_DEBIT, PaymentMeans
from .test_einvoice import text
from .test_structured_invoice import StructuredCase

NOTE = "We collect $ 103.50 on 01/15/2026 from your account."


class DirectDebits:
    """What a floor above does: some invoices are collected by direct debit."""

    def __init__(self, case, *moves):
        self.collected = case.env["account.move"].union(*moves)
        self.asked = []
        original = type(self.collected)._billing_payment_means

        def means(moves):
            self.asked.append(len(moves))
            return {
                **original(moves),
                **{move: self.means(move) for move in moves if move in self.collected},
            }

        case.enterContext(patch.object(type(self.collected), "_billing_payment_means", means))

    @staticmethod
    def means(move):
        return PaymentMeans(
            code=SEPA_DIRECT_DEBIT,
            note=NOTE,
            day=date(2026, 1, 15),
            mandate="MANDATE-0815",
            creditor="DE98ZZZ09999999999",
            account="DE02120300000000202051",
        )


@tagged("post_install", "-at_install")
class TestPaymentMeans(StructuredCase):
    def setUp(self):
        super().setUp()
        self.bank = self.env["res.partner.bank"].search(
            [("partner_id", "=", self.company.partner_id.id)], limit=1
        )
        self.move = self.make_move(partner_bank_id=self.bank.id)

    def test_nothing_is_said_until_something_fills_the_slot(self):
        self.assertEqual(self.move._billing_payment_means(), {})
        self.assertSays(self.text(self.move), self.bank.acc_number)

    def test_the_bill_says_how_it_is_collected_instead_of_where_to_pay_to(self):
        DirectDebits(self, self.move)
        said = self.text(self.move)
        self.assertSays(said, NOTE, "Collection Date", "01/15/2026", "MANDATE-0815")
        self.assertSays(said, "Creditor ID", "DE98ZZZ09999999999", "Debited Account", "DE02 … 2051")
        self.assertNotIn("120300000000", said, "bills pass through many hands")
        self.assertNotIn(self.bank.acc_number, said)

    def test_what_is_collected_has_no_code_to_scan(self):
        picture = "data:image/png;base64,iVBORw0KGgo="
        self.move.display_qr_code = True
        DirectDebits(self, self.move)
        with patch.object(type(self.move), "_generate_qr_code", lambda *a, **k: picture):
            self.assertNotIn("Scan", self.text(self.move))

    def test_other_bills_of_the_batch_say_where_to_pay_to(self):
        other = self.make_move(partner_bank_id=self.bank.id)
        slot = DirectDebits(self, self.move)
        self.assertSays(self.text(other), self.bank.acc_number)
        slot.asked.clear()
        self.company.billing_bill_archive = False
        self.render(self.move | other)
        self.assertEqual(slot.asked, [2], "asked once for all")

    def test_odoos_report_says_it_too(self):
        DirectDebits(self, self.move)
        report = self.env["ir.actions.report"].with_context(lang="en_US")
        html = report._render_qweb_html(self.report.report_name, self.move.ids)[0].decode()
        self.assertIn(NOTE, html)

    def test_factur_x_says_the_same(self):
        DirectDebits(self, self.move)
        root = self.embedded(self.move)
        settlement = next(root.iter("{*}ApplicableHeaderTradeSettlement"))
        for path, value in (
            ("ram:CreditorReferenceID", "DE98ZZZ09999999999"),
            ("ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode", "59"),
            ("ram:SpecifiedTradeSettlementPaymentMeans/ram:Information", NOTE),
            ("ram:PayerPartyDebtorFinancialAccount/ram:IBANID", "DE02120300000000202051"),
            ("ram:DirectDebitMandateID", "MANDATE-0815"),
        ):
            self.assertEqual(text(settlement, path), [value], path)
        self.assertFalse(text(settlement, "ram:PayeePartyCreditorFinancialAccount/ram:IBANID"))

    def test_factur_x_of_a_seller_without_a_bank_account_says_it_too(self):
        self.move = self.make_move(partner_bank_id=False, invoice_payment_term_id=False)
        DirectDebits(self, self.move)
        root = self.embedded(self.move)
        self.assertEqual(
            text(root, "ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode"), ["59"]
        )

    def test_ubl_says_the_same(self):
        DirectDebits(self, self.move)
        self.customer.invoice_edi_format = "ubl_bis3"
        root = self.ubl(self.move)
        for path, value in (
            ("cac:PaymentMeans/cbc:PaymentMeansCode", "59"),
            ("cac:PaymentMandate/cbc:ID", "MANDATE-0815"),
            ("cac:PaymentMandate/cac:PayerFinancialAccount/cbc:ID", "DE02120300000000202051"),
        ):
            self.assertEqual(text(root, path), [value], path)
        self.assertFalse(text(root, "cac:PayeeFinancialAccount/cbc:ID"))
        numbers = {
            number.get("schemeID"): number.text
            for number in root.iterfind("{*}AccountingSupplierParty//{*}PartyIdentification/{*}ID")
        }
        self.assertEqual(numbers["SEPA"], "DE98ZZZ09999999999")


@tagged("post_install", "-at_install")
class TestUblChecked(StructuredCase):
    """UBL invoices keep the schema of UBL 2.1 and the rules of EN 16931."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.invoice_edi_format = "ubl_bis3"

    def test_periods_and_base_quantities_keep_the_rules(self):
        self.charge()
        self.charge(name="Messages", quantity=300, price_unit=0.0725, amount=21.75)
        root = self.ubl(self.billed())
        self.assertEqual(text(root, "cac:InvoicePeriod/cbc:StartDate"), ["2025-12-01"] * 3)
        self.assertEqual(sorted(text(root, "cbc:BaseQuantity")), ["100", "10000"])

    def test_invoices_of_many_kinds_keep_the_rules(self):
        seven = self.make_tax("Sales 7%", 7)
        included = self.make_tax("15% incl.", 15, price_include_override="tax_included")
        reduced = {"price_unit": 3.333333, "quantity": 7, "tax_ids": [Command.set(seven.ids)]}
        with_tax = {"quantity": 3, "price_unit": 3.99, "tax_ids": [Command.set(included.ids)]}
        for name, lines in {
            "several taxes": ({"price_unit": 45.0}, reduced),
            "discount": ({"quantity": 3, "price_unit": 1234.5, "discount": 12.5},),
            "given away": ({"price_unit": 10.0, "discount": 100}, reduced),
            "with tax": (with_tax,),
            "below zero": ({"price_unit": 50.0}, {"price_unit": -0.012345, "quantity": 1000}),
        }.items():
            with self.subTest(name):
                move = self.make_move(*lines)
                root = self.ubl(move)
                self.assertEqual(text(root, "cbc:PayableAmount"), [f"{move.amount_total:.2f}"])

    def test_a_credit_note_keeps_the_rules(self):
        self.charge(quantity=-1000, amount=-12.35)
        root = self.ubl(self.billed(), "ubl-2.1-creditnote")
        self.assertEqual(etree.QName(root).localname, "CreditNote")
        self.assertEqual(text(root, "cbc:BaseQuantity"), ["10000"])


@tagged("post_install", "-at_install")
class TestMadeOnce(StructuredCase):
    """A structured invoice is made once in one sending, whoever asks for it."""

    def setUp(self):
        super().setUp()
        self.customer.invoice_edi_format = "facturx"
        self.made = []
        builder = type(self.env["account.edi.xml.cii"])
        export = builder._export_invoice

        def counted(builder, invoice, *args, **values):
            self.made.append(invoice.name)
            return export(builder, invoice, *args, **values)

        self.enterContext(patch.object(builder, "_export_invoice", counted))

    def test_by_a_run(self):
        self.charge()
        move = self.billed("formatting")
        self.assertEqual(self.made, [move.name])
        self.assertEqual(self.attached(move), self.embedded_xml(move))

    def test_by_odoos_send_button(self):
        move = self.make_move()
        self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=[])
        self.assertEqual(self.made, [move.name])
        self.assertEqual(self.attached(move), self.embedded_xml(move))

    def test_one_for_archives_that_nobody_wants_attached(self):
        self.customer.invoice_edi_format = False
        self.charge()
        move = self.billed("formatting")
        self.assertEqual(self.made, [move.name])
        self.assertFalse(move.ubl_cii_xml_id)

    def test_one_that_lacks_something_is_not_attached_and_odoo_says_what(self):
        self.company.phone = False
        self.charge()
        move = self.billed("formatting")
        self.assertFalse(move.ubl_cii_xml_id)
        self.assertIn("Phone", move.billing_bill_id.error_message)

    def attached(self, move):
        return move.ubl_cii_xml_id.raw

    def embedded_xml(self, move):
        with pikepdf.open(io.BytesIO(move.invoice_pdf_report_id.raw)) as pdf:
            return pdf.attachments["factur-x.xml"].get_file().read_bytes()
