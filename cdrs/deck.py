"""A deck of rates as a CSV file, and what it changes.

Pure text and arithmetic without the ORM. ``read_deck`` understands the headings that decks come with;
``compare`` says of each prefix whether it becomes dearer, cheaper, new or ends.
"""

import csv
import io
import re
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from .rating_reference import Price, billed_seconds, call_amount

#: the heading of a column, in small letters without what is no letter
HEADINGS = {
    "prefix": ("prefix", "code", "dialcode", "dialingcode", "areacode", "countrycode", "digits"),
    "name": ("destination", "name", "description", "country", "destinationname"),
    "class_name": ("class", "rateclass", "type", "calltype", "category"),
    "band_name": ("band", "timeband", "period", "time"),
    "price_minute": (
        *("price", "rate", "priceminute", "priceaminute", "priceperminute", "permin"),
        *("rateperminute", "ratemin", "pricemin", "perminute", "minuteprice"),
    ),
    "connect_fee": ("connectfee", "connection", "connectionfee", "setup", "setupfee", "connect"),
    "initial_seconds": ("firstseconds", "initial", "initialseconds", "initialincrement", "first"),
    "step_seconds": (
        *("step", "stepseconds", "stepsofseconds", "steps", "increment", "interval"),
        *("billingincrement", "subsequent", "nextincrement"),
    ),
    "minimum": ("minimum", "minimumacall", "min", "minimumcharge", "mincharge"),
}
FIELD_BY_HEADING = {heading: name for name, many in HEADINGS.items() for heading in many}
REQUIRED = ("prefix", "price_minute")
#: the call by which two prices are compared
TYPICAL_SECONDS = 180
MAX_ROWS = 500_000
PREFIX = re.compile(r"[0-9*#]{0,20}")


class DeckRow(NamedTuple):
    """One line of a deck."""

    line: int
    prefix: str
    name: str
    class_name: str
    band_name: str
    price: Price


class DeckProblem(NamedTuple):
    """What could not be read: the line, a code, and the text that it is about.

    Codes: ``no_heading``, ``no_rows``, ``too_many``, ``bad_prefix``, ``no_price``, ``bad_number``,
    ``negative``, ``twice``.
    """

    line: int
    code: str
    text: str


class Change(NamedTuple):
    """What the deck does to one prefix and band: ``new``, ``dearer``, ``cheaper``, ``changed`` (a
    typical call costs the same), ``same`` or ``ended``."""

    kind: str
    old: object
    new: DeckRow | None
    old_amount: Decimal | None
    new_amount: Decimal | None


def read_deck(text: str) -> tuple[list[DeckRow], list[DeckProblem]]:
    """Return the rows of a deck and what could not be read of it."""
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=_delimiter(text))
    places, rows, problems, seen = None, [], [], {}
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            line = reader.line_num
            if places is None:
                places = _places(cells)
                missing = [name for name in REQUIRED if name not in places]
                if missing:
                    return [], [DeckProblem(line, "no_heading", ", ".join(missing))]
                continue
            if len(rows) >= MAX_ROWS:
                return rows, [*problems, DeckProblem(line, "too_many", str(MAX_ROWS))]
            row = _row(line, {name: _cell(cells, place) for name, place in places.items()})
            if isinstance(row, DeckProblem):
                problems.append(row)
            elif (key := (row.prefix, row.band_name.casefold())) in seen:
                problems.append(DeckProblem(line, "twice", row.prefix))
            else:
                seen[key] = line
                rows.append(row)
    except csv.Error as error:
        problems.append(DeckProblem(reader.line_num, "bad_number", str(error)))
    if not rows and not problems:
        problems.append(DeckProblem(1, "no_rows", ""))
    return rows, problems


def compare(old: dict, new: dict, complete: bool) -> list[Change]:
    """Return what changes, for each key of either.

    :param old: ``{key: rate with a ``price``}`` that counts today
    :param new: ``{key: DeckRow}``
    :param complete: what the deck does not name ends
    """
    changes = []
    for key, row in new.items():
        before = old.get(key)
        amount = typical_amount(row.price)
        if before is None:
            changes.append(Change("new", None, row, None, amount))
            continue
        old_amount = typical_amount(before.price)
        if amount != old_amount:
            kind = "dearer" if amount > old_amount else "cheaper"
        else:
            kind = "same" if before.price == row.price else "changed"
        changes.append(Change(kind, before, row, old_amount, amount))
    if complete:
        changes += [
            Change("ended", rate, None, typical_amount(rate.price), None)
            for key, rate in old.items()
            if key not in new
        ]
    return changes


def typical_amount(price: Price) -> Decimal:
    """Return what an answered call of three minutes costs, by which prices are compared."""
    seconds = billed_seconds(TYPICAL_SECONDS, price.initial_seconds, price.step_seconds)
    return call_amount(price, seconds)


def _delimiter(text):
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(";,\t|", key=first.count)


def _places(cells):
    """Where the columns stand, by their headings; the first of several wins."""
    places = {}
    for place, cell in enumerate(cells):
        name = FIELD_BY_HEADING.get(re.sub(r"[^a-z]", "", cell.lower()))
        if name:
            places.setdefault(name, place)
    return places


def _cell(cells, place):
    return cells[place].strip() if place < len(cells) else ""


def _row(line, cells):
    prefix = re.sub(r"[\s().\-/]", "", cells["prefix"])
    prefix = prefix[1:] if prefix.startswith("+") else prefix.removeprefix("00")
    if not PREFIX.fullmatch(prefix):
        return DeckProblem(line, "bad_prefix", cells["prefix"])
    if not cells["price_minute"]:
        # What costs nothing says 0: an empty cell is more likely forgotten.
        return DeckProblem(line, "no_price", prefix)
    numbers = {}
    for name in Price._fields:
        text = cells.get(name, "")
        try:
            value = _number(text) if text else Decimal(1 if name.endswith("seconds") else 0)
        except InvalidOperation:
            return DeckProblem(line, "bad_number", text)
        if value < 0 or (name == "step_seconds" and value < 1):
            return DeckProblem(line, "negative", text)
        if name.endswith("seconds"):
            if value != int(value) or value > 86_400:
                return DeckProblem(line, "bad_number", text)
            value = int(value)
        numbers[name] = value
    names = (cells.get("name", "") or prefix, cells.get("class_name", ""))
    return DeckRow(line, prefix, *names, cells.get("band_name", ""), Price(**numbers))


def _number(text):
    """The number in a cell: of two signs the last is the decimal point, a lone comma is one too."""
    text = re.sub(r"[^\d,.\-]", "", text)
    if "," in text and "." in text:
        thousands = "," if text.rindex(".") > text.rindex(",") else "."
        text = text.replace(thousands, "")
    value = Decimal(text.replace(",", "."))
    if not value.is_finite() or abs(value) > 1_000_000 or value != round(value, 6):
        raise InvalidOperation
    return value
