"""Cells of CSV files that people open with a spreadsheet. Plain Python."""

import csv
import io
import re
from collections.abc import Iterable, Iterator

#: what a spreadsheet takes for a formula; tab and line break lead to one as well
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
#: a number to call, or any other number: neither does anything
HARMLESS = re.compile(r"\+\d[\d ]*|-?\d+([.,]\d+)?")


def safe_cell(value) -> str:
    """Return a cell's text so that no spreadsheet runs it as a formula.

    What begins like a formula gets an apostrophe in front. A number with + in front of its country
    code stays as it is.
    """
    text = "" if value is None else str(value)
    if text.startswith(RISKY) and not HARMLESS.fullmatch(text):
        return "'" + text
    return text


def csv_parts(rows: Iterable, delimiter: str = ",", at_once: int = 1000) -> Iterator[bytes]:
    """Yield a CSV file that spreadsheets open with every letter right, some rows at a time."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    encoding = "utf-8-sig"  # the mark stands at the beginning alone
    for number, row in enumerate(rows, 1):
        writer.writerow([safe_cell(cell) for cell in row])
        if not number % at_once:
            yield text.getvalue().encode(encoding)
            text.seek(0)
            text.truncate()
            encoding = "utf-8"
    if left := text.getvalue():
        yield left.encode(encoding)


def write_csv(rows: Iterable, delimiter: str = ",") -> bytes:
    """Return rows as a CSV file that spreadsheets open with every letter right."""
    return b"".join(csv_parts(rows, delimiter))
