"""Customers and invoices as CSV, for any accounting software. The columns are documented in
``docs/accounting-export.md``."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from .documents import Customer, Document

CUSTOMER_COLUMNS = (
    "customer_reference", "customer_code", "name", "email", "vat_number", "company_number", "phone",
    "street", "street2", "city", "region", "zip", "country_code",
)  # fmt: skip
DOCUMENT_COLUMNS = (
    "document_type", "document_number", "document_date", "due_date", "customer_reference",
    "document_reference", "currency", "exchange_rate", "total_without_tax", "total_tax", "total",
    "line_number", "description", "quantity", "unit_price", "line_amount", "line_tax", "account_code",
    "tax_code", "tracking",
)  # fmt: skip
#: what a spreadsheet takes for a formula, or for the way into one
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Form:
    """How files are written."""

    delimiter: str = ","
    decimal_point: str = "."
    bom: bool = True


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before what could be one.

    >>> guarded("=1+1"), guarded("Alder Ltd")
    ("'=1+1", 'Alder Ltd')
    """
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def number(value: Decimal | None, form: Form) -> str:
    """Return a number as text: without exponent, groups or trailing zeros behind the fourth digit.

    >>> number(Decimal("-1234.50"), Form()), number(Decimal("0.5"), Form(decimal_point=","))
    ('-1234.50', '0,5')
    """
    if value is None:
        return ""
    return f"{value:f}".replace(".", form.decimal_point)


def customers_file(customers: Iterable[Customer], form: Form) -> bytes:
    """Return customers as a file."""
    rows = (
        (
            customer.reference, customer.code, customer.name, customer.email, customer.vat,
            customer.company_number, customer.phone, customer.street, customer.street2,
            customer.city, customer.region, customer.zip, customer.country,
        )
        for customer in customers
    )  # fmt: skip
    return _file(CUSTOMER_COLUMNS, ([guarded(text) for text in row] for row in rows), form)


def documents_file(documents: Iterable[Document], form: Form) -> bytes:
    """Return invoices and credit notes as a file, a row a line; a credit note's amounts are negative."""
    return _file(
        DOCUMENT_COLUMNS, (row for document in documents for row in _rows(document, form)), form
    )


def _rows(document, form):
    sign = -1 if document.kind == "credit" else 1
    head = [
        "credit_note" if document.kind == "credit" else "invoice",
        guarded(document.number),
        document.date.isoformat(),
        document.due_date.isoformat() if document.due_date else "",
        guarded(document.customer),
        guarded(document.reference),
        document.currency,
        number(document.rate, form),
        number(sign * document.untaxed, form),
        number(sign * document.tax, form),
        number(sign * document.total, form),
    ]
    for place, line in enumerate(document.lines, 1):
        yield [
            *head,
            str(place),
            guarded(line.description),
            number(line.quantity, form),
            number(sign * line.unit_price, form),
            number(sign * line.amount, form),
            number(sign * line.tax, form),
            guarded(line.account),
            guarded(line.tax_type),
            guarded("; ".join(f"{name}: {option}" for name, option in line.tracking)),
        ]


def _file(columns, rows, form):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=form.delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig" if form.bom else "utf-8")
