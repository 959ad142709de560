"""Mandates from a CSV file, line by line. No database, no ORM."""

import csv
import io
import re
from datetime import date, datetime
from typing import NamedTuple

from .accounts import compact_iban, iban_problem, is_bic
from .sepa_text import is_identifier

#: the heading of a column, in small letters without what is no letter
HEADINGS = {
    "customer": ("customer", "client", "partner", "customernumber", "debtor", "customerreference"),
    "iban": ("iban", "account", "accountnumber", "bankaccount"),
    "bic": ("bic", "swift", "biccode"),
    "holder": ("holder", "accountholder", "name", "debtorname", "owner"),
    "reference": ("reference", "mandate", "mandatereference", "mandateid", "umr"),
    "signed_date": ("signed", "signeddate", "signaturedate", "dateofsignature", "date", "signedon"),
    "scheme": ("scheme", "instrument"),
    "kind": ("type", "kind", "mandatetype"),
    "last_collection_date": ("lastcollection", "lastcollected", "lastused", "lastcollectiondate"),
}
FIELD_BY_HEADING = {heading: name for name, many in HEADINGS.items() for heading in many}
REQUIRED = ("customer", "iban", "reference", "signed_date")
KINDS = {
    "": "recurrent", "recurrent": "recurrent", "recurring": "recurrent", "rcur": "recurrent",
    "one-off": "one_off", "oneoff": "one_off", "one_off": "one_off", "ooff": "one_off",
}  # fmt: skip
SCHEMES = {"": "CORE", "core": "CORE", "b2b": "B2B"}
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y%m%d")
MAX_ROWS = 50_000


class MandateRow(NamedTuple):
    """One line of the file: ``values`` by field, and codes of what is wrong with them.

    Codes: ``no_customer``, ``iban_missing``, ``iban_wrong``, ``iban_not_sepa``, ``bad_bic``,
    ``bad_reference``, ``twice``, ``bad_date``, ``future``, ``bad_last``, ``bad_scheme``, ``bad_kind``,
    ``broken``: the file cannot be read from here on.
    """

    line: int
    values: dict
    problems: list


class HeadingProblem(Exception):
    """The file's first line does not name the columns; ``names`` are the missing ones."""

    def __init__(self, names: list[str]):
        super().__init__(", ".join(names))
        self.names = names


def read_date(text: str) -> date | None:
    """Return the day that a text names in one of the usual ways, else None."""
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text.strip(), form).date()
        except ValueError:
            continue
    return None


def read_mandates(text: str, today: date) -> list[MandateRow]:
    """Return the lines of a file, with what is wrong with each.

    :raise HeadingProblem: columns that are needed are not there
    """
    sample = text[:4000].split("\n", 1)[0]
    delimiter = max(";,\t", key=sample.count)
    plain = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    rows = csv.reader(io.StringIO(plain), delimiter=delimiter)
    headings = [re.sub(r"[^a-z]", "", cell.lower()) for cell in next(rows, [])]
    columns = [FIELD_BY_HEADING.get(heading) for heading in headings]
    if missing := [name for name in REQUIRED if name not in columns]:
        raise HeadingProblem(missing)
    found, seen = [], set()
    for cells in _lines(rows):
        if cells is None:
            found.append(MandateRow(rows.line_num, _read_row(0, {}, today).values, ["broken"]))
            break
        if not any(cell.strip() for cell in cells):
            continue
        if len(found) >= MAX_ROWS:
            break
        raw = {
            name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name and cell
        }
        row = _read_row(rows.line_num, raw, today)
        key = row.values["reference"].upper()
        if key and key in seen:
            row.problems.append("twice")
        seen.add(key)
        found.append(row)
    return found


def _lines(rows):
    """Yield the cells of each line, and None where the file cannot be read on."""
    try:
        yield from rows
    except csv.Error:
        yield None


def _read_row(line, raw, today):
    problems = []
    iban = compact_iban(raw.get("iban"))
    bic = re.sub(r"\s", "", raw.get("bic", "")).upper()
    reference = raw.get("reference", "")
    signed = read_date(raw.get("signed_date", ""))
    last = raw.get("last_collection_date", "")
    last_date = read_date(last) if last else None
    scheme = SCHEMES.get(raw.get("scheme", "").lower())
    kind = KINDS.get(raw.get("kind", "").lower())
    if not raw.get("customer"):
        problems.append("no_customer")
    if code := iban_problem(iban):
        problems.append(f"iban_{code}")
    if bic and not is_bic(bic):
        problems.append("bad_bic")
    if not is_identifier(reference):
        problems.append("bad_reference")
    if not signed:
        problems.append("bad_date")
    elif signed > today:
        problems.append("future")
    if last and (not last_date or last_date > today or (signed and last_date < signed)):
        problems.append("bad_last")
    if not scheme:
        problems.append("bad_scheme")
    if not kind:
        problems.append("bad_kind")
    values = {
        "customer": raw.get("customer", ""),
        "iban": iban,
        "bic": bic,
        "holder": raw.get("holder", ""),
        "reference": reference,
        "signed_date": signed,
        "last_collection_date": last_date,
        "scheme": scheme,
        "kind": kind,
    }
    return MandateRow(line, values, problems)
