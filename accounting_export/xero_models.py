"""Customers and documents in the words of Xero's own SDK, and its answers as plain data.

Only what is sent is made of the SDK's models. Answers are read as the JSON that they are: the SDK
refuses an answer with a word that is new to it, long after Xero did what was asked.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import ModuleType

from .documents import Customer, Document
from .matching import Contact

#: documents and contacts in one request
BATCH = 50
#: records that one page of an answer holds
PAGE = 100
_MS_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


def models() -> ModuleType:
    """Return the SDK's models.

    :raise ImportError: the SDK is not installed
    """
    from xero_python.accounting import models as found

    return found


def contact(customer: Customer) -> object:
    """Return a customer as Xero's contact."""
    xero = models()
    values = {
        "name": customer.name[:255],
        "contact_number": customer.reference[:50],
        "account_number": customer.code[:50] or None,
        "email_address": customer.email[:255] or None,
        "tax_number": customer.vat[:50] or None,
        "company_number": customer.company_number[:50] or None,
    }
    address = {
        "address_line1": customer.street[:500],
        "address_line2": customer.street2[:500],
        "city": customer.city[:255],
        "region": customer.region[:255],
        "postal_code": customer.zip[:50],
        "country": customer.country[:50],
    }
    if any(address.values()):
        filled = {name: value for name, value in address.items() if value}
        values["addresses"] = [
            xero.Address(address_type=kind, **filled) for kind in ("STREET", "POBOX")
        ]
    if customer.phone:
        values["phones"] = [xero.Phone(phone_type="DEFAULT", phone_number=customer.phone[:50])]
    return xero.Contact(**{name: value for name, value in values.items() if value is not None})


def document(made: Document, status: str) -> object:
    """Return an invoice or a credit note as Xero's.

    :param status: ``AUTHORISED`` or ``DRAFT``
    """
    xero = models()
    values = {
        "contact": xero.Contact(contact_id=made.customer),
        "date": made.date,
        "line_amount_types": xero.LineAmountTypes.EXCLUSIVE,
        "line_items": [_line(line) for line in made.lines],
        "currency_code": xero.CurrencyCode(made.currency),
        "status": status,
    }
    if made.reference:
        values["reference"] = made.reference[:255]
    if made.rate is not None:
        values["currency_rate"] = made.rate
    if made.kind == "credit":
        return xero.CreditNote(type="ACCRECCREDIT", credit_note_number=made.number, **values)
    return xero.Invoice(
        type="ACCREC", invoice_number=made.number, due_date=made.due_date or made.date, **values
    )


def _line(line):
    xero = models()
    tracking = [xero.LineItemTracking(name=name, option=option) for name, option in line.tracking]
    return xero.LineItem(
        description=line.description[:4000] or ".",
        quantity=line.quantity,
        unit_amount=line.unit_price,
        line_amount=line.amount,
        tax_amount=line.tax,
        tax_type=line.tax_type,
        account_code=line.account,
        tracking=tracking or None,
    )


def knows_currency(code: str) -> bool:
    """Return whether Xero has a currency."""
    try:
        models().CurrencyCode(code)
    except ValueError:
        return False
    return True


# === ANSWERS === #


def results(answer: dict, key: str) -> list[dict]:
    """Return what became of each contact, invoice or credit note of a request, in its order.

    :param key: ``Contacts``, ``Invoices`` or ``CreditNotes``
    """
    single = key[:-1]
    found = []
    for entry in answer.get(key) or ():
        errors = [e.get("Message") or "" for e in entry.get("ValidationErrors") or ()]
        refused = bool(errors) or entry.get("StatusAttributeString") == "ERROR"
        identity = entry.get(f"{single}ID")
        if identity in (None, "", "00000000-0000-0000-0000-000000000000"):
            identity, refused = None, True
        found.append(
            {
                "reference": entry.get("ContactNumber") if single == "Contact" else None,
                "number": entry.get(f"{single}Number") if single != "Contact" else None,
                "id": None if refused else identity,
                "name": entry.get("Name"),
                "customer": (entry.get("Contact") or {}).get("ContactID"),
                "total": _text(entry.get("Total")),
                "paid": _text(paid_amount(entry)),
                "status": entry.get("Status") or entry.get("ContactStatus"),
                "errors": errors or ([""] if refused else []),
            }
        )
    return found


def paid_amount(entry: dict) -> Decimal | None:
    """Return what of an invoice or credit note is paid, credited or used, None where it is not said."""
    if entry.get("Total") is None:
        return None
    left = entry.get("AmountDue", entry.get("RemainingCredit"))
    if left is None:
        return None
    return decimal(entry["Total"]) - decimal(left)


def contacts(answer: dict) -> list[Contact]:
    """Return the contacts of a page."""
    return [
        Contact(
            id=entry["ContactID"],
            name=entry.get("Name") or "",
            email=entry.get("EmailAddress") or "",
            vat=entry.get("TaxNumber") or "",
            reference=entry.get("ContactNumber") or "",
            archived=entry.get("ContactStatus") not in (None, "ACTIVE"),
        )
        for entry in answer.get("Contacts") or ()
        if entry.get("ContactID")
    ]


def payments(answer: dict) -> list[dict]:
    """Return the payments of a page, as plain JSON."""
    found = []
    for entry in answer.get("Payments") or ():
        document = entry.get("Invoice") or entry.get("CreditNote") or {}
        account = entry.get("Account") or {}
        found.append(
            {
                "id": entry.get("PaymentID"),
                "document": document.get("InvoiceID") or document.get("CreditNoteID"),
                "number": document.get("InvoiceNumber") or document.get("CreditNoteNumber"),
                "currency": document.get("CurrencyCode"),
                "kind": entry.get("PaymentType"),
                "date": _day(entry.get("Date")),
                "amount": _text(entry.get("Amount")),
                "account": account.get("Code") or account.get("AccountID") or entry.get("Code"),
                "reference": entry.get("Reference") or "",
                "status": entry.get("Status") or "AUTHORISED",
                "updated": _moment(entry.get("UpdatedDateUTC")),
            }
        )
    return [entry for entry in found if entry["id"]]


def choices(answer: dict, kind: str) -> list[dict]:
    """Return what of Xero's can be mapped to, as values of choices."""
    if kind == "account":
        return [
            {
                "kind": "bank"
                if entry.get("Type") == "BANK" or entry.get("EnablePaymentsToAccount")
                else "account",
                "code": entry.get("Code") or entry.get("AccountID"),
                "name": entry.get("Name") or "",
            }
            for entry in answer.get("Accounts") or ()
            if entry.get("Status", "ACTIVE") == "ACTIVE"
        ]
    if kind == "tax":
        return [
            {
                "kind": "tax",
                "code": entry.get("TaxType"),
                "name": entry.get("Name") or "",
                "rate": _text(entry.get("EffectiveRate")),
            }
            for entry in answer.get("TaxRates") or ()
            if entry.get("Status", "ACTIVE") == "ACTIVE" and entry.get("CanApplyToRevenue", True)
        ]
    return [
        {
            "kind": "tracking",
            "code": option.get("Name"),
            "name": option.get("Name"),
            "category": category.get("Name"),
        }
        for category in answer.get("TrackingCategories") or ()
        if category.get("Status", "ACTIVE") == "ACTIVE"
        for option in category.get("Options") or ()
        if option.get("Status", "ACTIVE") == "ACTIVE"
    ]


def last_page(answer: dict, key: str, size: int = PAGE) -> bool:
    """Return whether no page follows one: by what it says of pages, else by how full it is."""
    said = answer.get("pagination") or {}
    if said.get("pageCount") is not None and said.get("page") is not None:
        return int(said["page"]) >= int(said["pageCount"])
    return len(answer.get(key) or ()) < size


def decimal(value) -> Decimal:
    """Return a number of an answer."""
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))


def _text(value):
    return None if value is None else str(value)


def _moment(value):
    """Return a time of Xero's as ISO text in UTC, None where it is none."""
    match = _MS_DATE.match(value or "")
    if match:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(match[1]))
        return when.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    try:
        when = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return when.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def _day(value):
    moment = _moment(value)
    return moment[:10] if moment else None


def as_date(text: str | None) -> date | None:
    """Return the day of an answer's plain data."""
    return date.fromisoformat(text) if text else None
