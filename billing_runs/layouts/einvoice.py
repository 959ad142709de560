"""What a structured invoice leaves out that is known here is put into it: no ORM.

Two syntaxes, Cross Industry Invoice (Factur-X) and UBL: each line gets its service period, a name
where it has none, and its whole price; the document gets how it will be paid. Prices have two
decimals there at most: a price of a fraction of a cent is that of ten, a hundred, a thousand units.
Amounts of lines and totals are read and never written.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from lxml import etree

from .einvoice_payment import pay_cii, pay_ubl
from .elements import CAC, CBC, RAM, UDT, append, insert, new, number_of, place_after
from .means import PaymentMeans

CENT = Decimal("0.01")
HALF_A_CENT = CENT / 2
#: a price is that of a million units at most
POWERS = range(7)

UBL_LINES = (f"{CAC}InvoiceLine", f"{CAC}CreditNoteLine", f"{CAC}DebitNoteLine")
UBL_QUANTITIES = (f"{CBC}InvoicedQuantity", f"{CBC}CreditedQuantity", f"{CBC}DebitedQuantity")


class Line(NamedTuple):
    """What is known of one line."""

    #: for a line that has no name otherwise
    name: str
    #: of one unit, before discount
    price: Decimal
    #: percent
    discount: Decimal
    #: first and last day of what it is for
    period: tuple[date, date] | None


class Invoice(NamedTuple):
    """What is known of a document."""

    #: in the order of the document, without sections and notes
    lines: list[Line]
    #: first and last day of all that it is for
    period: tuple[date, date] | None
    #: how it will be paid, None for as the customer likes
    means: PaymentMeans | None = None


class Price(NamedTuple):
    """A price in whole cents."""

    before_discount: Decimal
    after_discount: Decimal
    #: units that it is for
    base: int


def complete(xml: bytes, invoice: Invoice) -> bytes:
    """Return a structured invoice with what is known besides."""
    root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    kind = etree.QName(root).localname
    if kind == "CrossIndustryInvoice":
        _complete_cii(root, invoice)
    elif kind in ("Invoice", "CreditNote", "DebitNote"):
        _complete_ubl(root, invoice)
    else:
        return xml
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def find_price(
    price: Decimal, discount: Decimal, quantity: Decimal, total: Decimal
) -> Price | None:
    """Return the ``Price`` at which a quantity comes to a total, for as few units as it takes;
    None where no such price has whole cents.

    :param price: of one unit, before discount; where it has tax in it, the total says what it is
        without
    :param discount: in percent

    >>> find_price(Decimal("0.012345"), Decimal(0), Decimal(1000), Decimal("12.35"))
    Price(before_discount=Decimal('123.45'), after_discount=Decimal('123.45'), base=10000)
    """
    quantity, total, price = abs(quantity), abs(total), abs(price)
    if not quantity:
        return None
    rest = 1 - discount / 100
    if abs(price * rest * quantity - total) > HALF_A_CENT:
        price = total / quantity / rest if rest else price
    close = None
    for power in POWERS:
        base = 10**power
        found = Price(_cents(price * base), _cents(price * rest * base), base)
        if abs(found.after_discount * quantity / base - total) > HALF_A_CENT:
            continue
        if found.before_discount == price * base:
            return found
        close = close or found
    return close


def _cents(amount):
    return amount.quantize(CENT, ROUND_HALF_UP)


# === CROSS INDUSTRY INVOICE === #


def _complete_cii(root, invoice):
    items = root.iter(f"{RAM}IncludedSupplyChainTradeLineItem")
    for item, line in zip(items, invoice.lines, strict=False):
        _name_cii_line(item, line)
        _price_cii_line(item, line)
        if line.period:
            _put_cii_period(item.find(f"{RAM}SpecifiedLineTradeSettlement"), line.period)
    if invoice.period:
        settlement = next(root.iter(f"{RAM}ApplicableHeaderTradeSettlement"))
        _put_cii_period(settlement, invoice.period)
    if invoice.means:
        pay_cii(root, invoice.means)


def _name_cii_line(item, line):
    product = item.find(f"{RAM}SpecifiedTradeProduct")
    if product is None:
        product = new(item, f"{RAM}SpecifiedTradeProduct")
        insert(item, product, (f"{RAM}AssociatedDocumentLineDocument",))
    if product.find(f"{RAM}Name") is None:
        before = [f"{RAM}{name}" for name in ("ID", "GlobalID", "SellerAssignedID")]
        insert(product, new(product, f"{RAM}Name", line.name), before)


def _price_cii_line(item, line):
    agreement = item.find(f"{RAM}SpecifiedLineTradeAgreement")
    gross = agreement.find(f"{RAM}GrossPriceProductTradePrice")
    net = agreement.find(f"{RAM}NetPriceProductTradePrice")
    billed = item.find(f"{RAM}SpecifiedLineTradeDelivery/{RAM}BilledQuantity")
    settlement = item.find(f"{RAM}SpecifiedLineTradeSettlement")
    total = number_of(settlement.find(f".//{RAM}LineTotalAmount"))
    for charge in settlement.iter(f"{RAM}SpecifiedTradeAllowanceCharge"):
        is_charge = charge.findtext(f"{RAM}ChargeIndicator/{UDT}Indicator") == "true"
        amount = number_of(charge.find(f"{RAM}ActualAmount"))
        total += -amount if is_charge else amount
    quantity = number_of(billed)
    price = find_price(line.price, line.discount, quantity, total)
    if not price or gross is None:
        return
    for element, amount in ((gross, price.before_discount), (net, price.after_discount)):
        element.find(f"{RAM}ChargeAmount").text = str(amount)
        if price.base > 1:
            base = new(element, f"{RAM}BasisQuantity", str(price.base))
            _copy_unit(billed, base)
            insert(element, base, (f"{RAM}ChargeAmount",))
    rebate = gross.find(f"{RAM}AppliedTradeAllowanceCharge/{RAM}ActualAmount")
    if rebate is not None:
        rebate.text = str(price.before_discount - price.after_discount)
    if total and (total < 0) != (quantity < 0):
        billed.text = str(-quantity)


def _put_cii_period(settlement, period):
    for old in settlement.findall(f"{RAM}BillingSpecifiedPeriod"):
        settlement.remove(old)
    element = new(settlement, f"{RAM}BillingSpecifiedPeriod")
    insert(settlement, element, (f"{RAM}ApplicableTradeTax",), first=_before_taxes(settlement))
    for name, day in zip(("StartDateTime", "EndDateTime"), period, strict=True):
        moment = append(element, f"{RAM}{name}")
        append(moment, f"{UDT}DateTimeString", f"{day:%Y%m%d}").set("format", "102")


def _before_taxes(settlement):
    """Return where the period of a document or line without taxes stands: what may come before
    taxes is of the document alone."""
    before = ("PaymentReference", "TaxCurrencyCode", "InvoiceCurrencyCode", "PayeeTradeParty",
              "SpecifiedTradeSettlementPaymentMeans")  # fmt: skip
    return place_after(settlement, [f"{RAM}{name}" for name in before])


# === UBL === #


def _complete_ubl(root, invoice):
    items = root.iterchildren(*UBL_LINES)
    for item, line in zip(items, invoice.lines, strict=False):
        _name_ubl_line(item, line)
        _price_ubl_line(item, line)
        if line.period:
            before = ("ID", "UUID", "Note", "LineExtensionAmount", "TaxPointDate",
                      "AccountingCostCode", "AccountingCost", "PaymentPurposeCode")  # fmt: skip
            before = (*UBL_QUANTITIES, *(f"{CBC}{name}" for name in before))
            _put_ubl_period(item, line.period, place_after(item, before))
    if invoice.period:
        simple = [child for child in root.iterchildren(f"{CBC}*")]
        _put_ubl_period(root, invoice.period, root.index(simple[-1]) + 1 if simple else 0)
    # Who has no number for taxes has no scheme of such numbers: the standard refuses one without.
    for party in root.iter(f"{CAC}Party"):
        for scheme in party.findall(f"{CAC}PartyTaxScheme"):
            if scheme.find(f"{CBC}CompanyID") is None:
                party.remove(scheme)
    if invoice.means:
        pay_ubl(root, invoice.means)


def _name_ubl_line(item, line):
    product = item.find(f"{CAC}Item")
    if product is not None and product.find(f"{CBC}Name") is None:
        before = [f"{CBC}{name}" for name in ("Description", "PackQuantity", "PackSizeNumeric")]
        insert(product, new(product, f"{CBC}Name", line.name), before)


def _price_ubl_line(item, line):
    element = item.find(f"{CAC}Price")
    amount = element.find(f"{CBC}PriceAmount") if element is not None else None
    if amount is None or element.find(f"{CBC}BaseQuantity") is not None:
        return
    if _cents(number_of(amount)) == number_of(amount):
        return
    # The price is that before discount here, and the discount an amount of the line.
    total = number_of(item.find(f"{CBC}LineExtensionAmount"))
    for allowance in item.iterchildren(f"{CAC}AllowanceCharge"):
        is_charge = allowance.findtext(f"{CBC}ChargeIndicator") == "true"
        part = number_of(allowance.find(f"{CBC}Amount"))
        total += -part if is_charge else part
    billed = next(item.iterchildren(*UBL_QUANTITIES))
    price = find_price(line.price, Decimal(0), number_of(billed), total)
    if price and price.base > 1:
        amount.text = str(price.before_discount)
        base = new(element, f"{CBC}BaseQuantity", str(price.base))
        _copy_unit(billed, base)
        insert(element, base, (f"{CBC}PriceAmount",))


def _put_ubl_period(parent, period, place):
    for old in parent.findall(f"{CAC}InvoicePeriod"):
        parent.remove(old)
    element = new(parent, f"{CAC}InvoicePeriod")
    parent.insert(place, element)
    for name, day in zip(("StartDate", "EndDate"), period, strict=True):
        append(element, f"{CBC}{name}", day.isoformat())


def _copy_unit(source, target):
    if unit := source.get("unitCode"):
        target.set("unitCode", unit)
