"""What is put into structured invoices, without a database: prices, periods, names, metadata."""

import unittest
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ..billing_runs.layouts import facturx
from ..billing_runs.layouts.einvoice import HALF_A_CENT, Invoice, Line, complete, find_price

MONTH = (date(2026, 1, 1), date(2026, 1, 31))
NAMES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
UBL = """
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" %(names)s>
  <cbc:ID>INV/1</cbc:ID><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:OrderReference><cbc:ID>1</cbc:ID></cac:OrderReference>
  <cac:InvoiceLine>
    <cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode="C62">1000</cbc:InvoicedQuantity>
    <cbc:LineExtensionAmount>%(total)s</cbc:LineExtensionAmount>%(allowance)s
    <cac:Item><cbc:Description>Calls</cbc:Description>
      <cac:ClassifiedTaxCategory/></cac:Item>
    <cac:Price><cbc:PriceAmount currencyID="EUR">0.012345</cbc:PriceAmount></cac:Price>
  </cac:InvoiceLine>
</Invoice>
"""
CII = """
<rsm:CrossIndustryInvoice
    xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100" %(names)s>
  <rsm:SupplyChainTradeTransaction>
    <ram:IncludedSupplyChainTradeLineItem>
      <ram:AssociatedDocumentLineDocument/>
      <ram:SpecifiedTradeProduct><ram:Description>Calls</ram:Description></ram:SpecifiedTradeProduct>
      <ram:SpecifiedLineTradeAgreement>
        <ram:GrossPriceProductTradePrice><ram:ChargeAmount>0.00</ram:ChargeAmount>
        </ram:GrossPriceProductTradePrice>
        <ram:NetPriceProductTradePrice><ram:ChargeAmount>0.00</ram:ChargeAmount>
        </ram:NetPriceProductTradePrice>
      </ram:SpecifiedLineTradeAgreement>
      <ram:SpecifiedLineTradeDelivery>
        <ram:BilledQuantity unitCode="C62">1000.0</ram:BilledQuantity>
      </ram:SpecifiedLineTradeDelivery>
      <ram:SpecifiedLineTradeSettlement>
        <ram:ApplicableTradeTax/>%(charge)s
        <ram:SpecifiedTradeSettlementLineMonetarySummation>
          <ram:LineTotalAmount>%(total)s</ram:LineTotalAmount>
        </ram:SpecifiedTradeSettlementLineMonetarySummation>
      </ram:SpecifiedLineTradeSettlement>
    </ram:IncludedSupplyChainTradeLineItem>
    <ram:ApplicableHeaderTradeSettlement>
      <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
      <ram:SpecifiedTradePaymentTerms/>
    </ram:ApplicableHeaderTradeSettlement>
  </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>
"""


def of(template, **values):
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMES.items())
    return (template % {"names": names, "allowance": "", "charge": "", **values}).encode()


def line(price="0.012345", discount="0", period=MONTH, name="Calls abroad"):
    return Line(name, Decimal(price), Decimal(discount), period)


def completed(xml, *lines, period=MONTH):
    return etree.fromstring(complete(xml, Invoice(list(lines), period)))


def text(root, path):
    return [element.text for element in root.iterfind(f".//{path}", NAMES)]


class TestPrices(unittest.TestCase):
    def price(self, *values):
        return find_price(*(Decimal(value) for value in values))

    def test_a_price_of_whole_cents_is_that_of_one(self):
        self.assertEqual(self.price("9.99", "0", "3", "29.97"), (Decimal("9.99"),) * 2 + (1,))

    def test_a_price_of_fractions_is_that_of_as_many_as_it_takes(self):
        found = self.price("0.012345", "0", "1000", "12.35")
        self.assertEqual(found, (Decimal("123.45"), Decimal("123.45"), 10000))
        self.assertEqual(self.price("0.5", "0", "3", "1.50").base, 1)
        self.assertEqual(self.price("0.00000001", "0", "1000000", "0.01").base, 1000000)

    def test_a_discount_is_taken_off_in_whole_cents_too(self):
        before, after, base = self.price("1234.5", "12.5", "3", "3240.56")
        self.assertEqual((before, after, base), (Decimal("12345.00"), Decimal("10801.88"), 10))
        self.assertEqual(self.price("10", "100", "2", "0.00"), (Decimal("10.00"), 0, 1))

    def test_a_price_with_tax_becomes_one_without(self):
        self.assertEqual(self.price("11.5", "0", "1", "10.00"), (10, 10, 1))
        before, _after, base = self.price("4", "0", "3", "10.00")
        self.assertEqual((before, base), (Decimal("33.33"), 10))

    def test_nothing_comes_to_no_price(self):
        self.assertIsNone(self.price("4", "0", "0", "0"))

    @settings(deadline=None)
    @given(
        st.decimals("-1000", "1000", places=6),
        st.decimals("0", "100", places=2),
        st.decimals("-5000", "5000", places=3),
    )
    def test_the_price_found_comes_to_the_total(self, price, discount, quantity):
        total = round(price * quantity * (1 - discount / 100), 2)
        found = find_price(price, discount, quantity, total)
        if quantity:
            reached = found.after_discount * abs(quantity) / found.base
            self.assertLessEqual(abs(reached - abs(total)), HALF_A_CENT)
            self.assertLessEqual(found.after_discount, found.before_discount)


class TestUbl(unittest.TestCase):
    def test_lines_and_document_say_what_days_they_are_for(self):
        root = completed(of(UBL, total="12.35"), line())
        self.assertEqual(text(root, "cac:InvoicePeriod/cbc:StartDate"), ["2026-01-01"] * 2)
        self.assertEqual(text(root, "cac:InvoicePeriod/cbc:EndDate"), ["2026-01-31"] * 2)
        self.assertEqual(
            [etree.QName(child).localname for child in root],
            ["ID", "DocumentCurrencyCode", "InvoicePeriod", "OrderReference", "InvoiceLine"],
        )
        self.assertEqual(
            [etree.QName(child).localname for child in root[-1]],
            ["ID", "InvoicedQuantity", "LineExtensionAmount", "InvoicePeriod", "Item", "Price"],
        )

    def test_without_charges_there_is_no_period(self):
        root = completed(of(UBL, total="12.35"), line(period=None), period=None)
        self.assertFalse(text(root, "cac:InvoicePeriod"))

    def test_a_price_of_fractions_gets_its_base_quantity(self):
        root = completed(of(UBL, total="12.35"), line())
        self.assertEqual(text(root, "cbc:PriceAmount"), ["123.45"])
        [base] = root.iterfind(".//cbc:BaseQuantity", NAMES)
        self.assertEqual((base.text, base.get("unitCode")), ("10000", "C62"))
        self.assertEqual(text(root, "cbc:LineExtensionAmount"), ["12.35"])

    def test_a_discount_is_an_amount_beside_the_price(self):
        allowance = (
            "<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator>"
            "<cbc:Amount>1.24</cbc:Amount></cac:AllowanceCharge>"
        )
        root = completed(of(UBL, total="11.11", allowance=allowance), line(discount="10"))
        self.assertEqual(text(root, "cbc:PriceAmount"), ["123.45"])

    def test_a_line_without_a_name_gets_one_behind_its_description(self):
        root = completed(of(UBL, total="12.35"), line())
        item = next(root.iterfind(".//cac:Item", NAMES))
        self.assertEqual(
            [etree.QName(child).localname for child in item],
            ["Description", "Name", "ClassifiedTaxCategory"],
        )
        self.assertEqual(item[1].text, "Calls abroad")

    def test_no_prefix_is_made_up(self):
        xml = complete(of(UBL, total="12.35"), Invoice([line()], MONTH))
        self.assertNotIn(b"ns0", xml)


class TestCrossIndustryInvoice(unittest.TestCase):
    def test_lines_and_document_say_what_days_they_are_for(self):
        root = completed(of(CII, total="12.35"), line())
        days = text(root, "ram:BillingSpecifiedPeriod//udt:DateTimeString")
        self.assertEqual(days, ["20260101", "20260131"] * 2)
        settlement = next(root.iterfind(".//ram:ApplicableHeaderTradeSettlement", NAMES))
        self.assertEqual(
            [etree.QName(child).localname for child in settlement],
            ["InvoiceCurrencyCode", "BillingSpecifiedPeriod", "SpecifiedTradePaymentTerms"],
        )

    def test_a_price_of_fractions_gets_its_base_quantity(self):
        root = completed(of(CII, total="12.35"), line())
        self.assertEqual(text(root, "ram:ChargeAmount"), ["123.45", "123.45"])
        self.assertEqual(text(root, "ram:BasisQuantity"), ["10000", "10000"])
        self.assertEqual(text(root, "ram:LineTotalAmount"), ["12.35"])

    def test_a_fixed_tax_on_the_line_is_no_part_of_the_price(self):
        charge = (
            "<ram:SpecifiedTradeAllowanceCharge><ram:ChargeIndicator><udt:Indicator>true"
            "</udt:Indicator></ram:ChargeIndicator><ram:ActualAmount>2.00</ram:ActualAmount>"
            "</ram:SpecifiedTradeAllowanceCharge>"
        )
        root = completed(of(CII, total="14.35", charge=charge), line())
        self.assertEqual(text(root, "ram:ChargeAmount"), ["123.45", "123.45"])

    def test_a_price_below_zero_becomes_a_quantity_below_zero(self):
        root = completed(of(CII, total="-1.00"), line("-0.001"))
        self.assertEqual(text(root, "ram:BilledQuantity"), ["-1000.0"])
        self.assertEqual(text(root, "ram:ChargeAmount"), ["0.01", "0.01"])

    def test_a_line_without_a_name_gets_one_before_its_description(self):
        root = completed(of(CII, total="12.35"), line())
        product = next(root.iterfind(".//ram:SpecifiedTradeProduct", NAMES))
        self.assertEqual([child.text for child in product], ["Calls abroad", "Calls"])

    def test_what_is_no_invoice_stays_as_it_is(self):
        self.assertEqual(complete(b"<Order/>", Invoice([], None)), b"<Order/>")


class TestFacturx(unittest.TestCase):
    def test_the_profile_is_what_the_invoice_says(self):
        for guideline, profile in (
            ("urn:cen.eu:en16931:2017", "EN 16931"),
            ("urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic", "BASIC"),
            ("urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended", "EXTENDED"),
            ("urn:factur-x.eu:1p0:basicwl", "BASIC WL"),
        ):
            xml = of(CII, total="1").replace(
                b"<rsm:SupplyChain",
                "<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>"
                f"<ram:ID>{guideline}</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>"
                "</rsm:ExchangedDocumentContext><rsm:SupplyChain".encode(),
                1,
            )
            self.assertEqual(facturx.profile_of(xml), profile)

    def test_metadata_with_other_schemas_get_one_more(self):
        rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        empty = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="{rdf}"/></x:xmpmeta>'
        once = facturx.describe(empty.encode(), "EXTENDED")
        twice = facturx.describe(once, "EXTENDED")
        for metadata, schemas in ((once, 1), (twice, 2)):
            root = etree.fromstring(metadata)
            [bag] = root.iter(f"{{{rdf}}}Bag")
            self.assertEqual(len(bag), schemas)
        self.assertIn(b"<fx:ConformanceLevel>EXTENDED</fx:ConformanceLevel>", once)
