"""How a document will be paid, put into its structured invoice: no ORM.

Where it is collected, nobody is to transfer it: the seller's account is taken out.
"""

from .elements import CAC, CBC, RAM, append, drop, insert, new, place_after
from .means import PaymentMeans

#: what the schema has before the element in question
CII_BEFORE_MEANS = [
    f"{RAM}{name}"
    for name in ("CreditorReferenceID", "PaymentReference", "TaxCurrencyCode",
                 "InvoiceCurrencyCode", "InvoiceIssuerReference", "InvoicerTradeParty",
                 "InvoiceeTradeParty", "PayeeTradeParty", "PayerTradeParty",
                 "TaxApplicableTradeCurrencyExchange")
]  # fmt: skip
CII_BEFORE_TERMS = [
    *CII_BEFORE_MEANS,
    *(f"{RAM}{name}"
      for name in ("SpecifiedTradeSettlementPaymentMeans", "ApplicableTradeTax",
                   "BillingSpecifiedPeriod", "SpecifiedTradeAllowanceCharge",
                   "SpecifiedLogisticsServiceCharge")),
]  # fmt: skip
CII_BEFORE_MANDATE = [f"{RAM}{name}" for name in ("ID", "Description", "DueDateDateTime")]
UBL_BEFORE_MEANS = [
    f"{CAC}{name}"
    for name in ("AccountingSupplierParty", "AccountingCustomerParty", "PayeeParty",
                 "BuyerCustomerParty", "SellerSupplierParty", "TaxRepresentativeParty", "Delivery",
                 "DeliveryTerms")
]  # fmt: skip
UBL_BEFORE_NAMES = [
    *(f"{CBC}{name}"
      for name in ("MarkCareIndicator", "MarkAttentionIndicator", "WebsiteURI", "LogoReferenceID",
                   "EndpointID", "IndustryClassificationCode")),
    f"{CAC}PartyIdentification",
]  # fmt: skip
#: the scheme of creditors' identifiers
SEPA = "SEPA"


def pay_cii(root, means: PaymentMeans) -> None:
    """Say how a Cross Industry Invoice will be paid."""
    settlement = next(root.iter(f"{RAM}ApplicableHeaderTradeSettlement"))
    paid = settlement.find(f"{RAM}SpecifiedTradeSettlementPaymentMeans")
    if paid is None:
        paid = new(settlement, f"{RAM}SpecifiedTradeSettlementPaymentMeans")
        insert(settlement, paid, CII_BEFORE_MEANS)
    for part in list(paid):
        paid.remove(part)
    append(paid, f"{RAM}TypeCode", means.code)
    append(paid, f"{RAM}Information", means.note)
    if means.account:
        append(
            append(paid, f"{RAM}PayerPartyDebtorFinancialAccount"), f"{RAM}IBANID", means.account
        )
    if means.creditor:
        drop(settlement, f"{RAM}CreditorReferenceID")
        settlement.insert(0, new(settlement, f"{RAM}CreditorReferenceID", means.creditor))
    if means.mandate:
        terms = settlement.find(f"{RAM}SpecifiedTradePaymentTerms")
        if terms is None:
            terms = new(settlement, f"{RAM}SpecifiedTradePaymentTerms")
            insert(settlement, terms, CII_BEFORE_TERMS)
        drop(terms, f"{RAM}DirectDebitMandateID")
        mandate = new(terms, f"{RAM}DirectDebitMandateID", means.mandate)
        insert(terms, mandate, CII_BEFORE_MANDATE)


def pay_ubl(root, means: PaymentMeans) -> None:
    """Say how a UBL invoice will be paid."""
    paid = root.find(f"{CAC}PaymentMeans")
    if paid is None:
        paid = new(root, f"{CAC}PaymentMeans")
        insert(root, paid, UBL_BEFORE_MEANS)
    drop(paid, f"{CBC}PaymentMeansCode", f"{CAC}PayeeFinancialAccount", f"{CAC}PaymentMandate")
    code = new(paid, f"{CBC}PaymentMeansCode", means.code)
    code.set("name", means.note)
    paid.insert(0, code)
    if means.mandate or means.account:
        mandate = append(paid, f"{CAC}PaymentMandate")
        if means.mandate:
            append(mandate, f"{CBC}ID", means.mandate)
        if means.account:
            append(append(mandate, f"{CAC}PayerFinancialAccount"), f"{CBC}ID", means.account)
    if means.creditor:
        _put_creditor(root, means.creditor)


def _put_creditor(root, creditor):
    """The seller is numbered by the scheme."""
    party = root.find(f"{CAC}AccountingSupplierParty/{CAC}Party")
    for known in party.findall(f"{CAC}PartyIdentification"):
        number = known.find(f"{CBC}ID")
        if number is not None and number.get("schemeID") == SEPA:
            party.remove(known)
    known = new(party, f"{CAC}PartyIdentification")
    append(known, f"{CBC}ID", creditor).set("schemeID", SEPA)
    party.insert(place_after(party, UBL_BEFORE_NAMES), known)
