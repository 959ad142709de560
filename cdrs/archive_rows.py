"""Reads archives of call records: every column of the table under its own name. No database, no ORM.

A value that the table could not take becomes a problem with its line; the other lines are read.
"""

import re
from collections.abc import Iterator

from .layout import Layout
from .parsing import LineReader, Problem

#: what values of a column's type look like; texts may be anything
FORMS = {
    "int4": re.compile(r"-?\d{1,9}", re.ASCII),
    "numeric": re.compile(r"-?\d{1,18}(\.\d{1,30})?", re.ASCII),
    "bool": re.compile(r"[tf]"),
    "date": re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII),
    "timestamp": re.compile(
        r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
        r" ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?",
        re.ASCII,
    ),
}
#: a month may be shorter than what the form lets through
SHORT_MONTHS = re.compile(r"\d{4}-(02-3\d|0[469]-31|11-31|02-29)")
MAX_TEXT = 2000
#: the layout of every archive
ARCHIVE = Layout(kind="csv", header_rows=1)


class ArchiveReader:
    """Reads an archive of call records.

    :param columns: ``{name: type in the database}`` of the columns that can be taken
    :param needed: names without which it is no archive
    :ivar lines: how many lines were read so far
    """

    def __init__(self, content, columns: dict[str, str], needed: tuple[str, ...]):
        self._reader = LineReader(content, ARCHIVE)
        self._columns = columns
        self._needed = needed
        self._places: list[tuple] = []

    @property
    def lines(self) -> int:
        """How many lines were read so far."""
        return self._reader.lines

    def batches(self) -> Iterator[tuple[list, list]]:
        """Yield ``(rows, problems)``: rows are the line's number and the values of the columns in
        their order, empty where the archive does not hold one.

        :raise LayoutProblem: it is no archive of call records
        """
        for block in self._reader.blocks():
            if not self._places:
                self._find_columns()
            rows, problems = [], list(block.problems)
            for number, text, row in block.lines():
                if not row:
                    continue
                problem = self._problem(number, text, row)
                if problem:
                    problems.append(problem)
                else:
                    rows.append(
                        (
                            number,
                            *("" if at is None else row[at] for _name, at, _form in self._places),
                        )
                    )
            yield rows, problems

    def _find_columns(self):
        for name in self._needed:
            self._reader.position(name)
        held = {name: place for place, name in enumerate(self._reader.names)}
        self._places = [
            (name, held.get(name), FORMS.get(kind)) for name, kind in self._columns.items()
        ]

    def _problem(self, number, text, row):
        """Return what is wrong with a line, None where nothing is."""
        if len(row) != len(self._reader.names):
            values = {"have": len(row), "want": len(self._reader.names)}
            return Problem(number, text[:MAX_TEXT], "too_short", values)
        for name, place, form in self._places:
            value = "" if place is None else row[place]
            wrong = not value and name in self._needed
            wrong = wrong or bool(value and form and not form.fullmatch(value))
            if wrong or (value and form in _DAYS and not _is_day(value)):
                values = {"name": name, "text": value[:100]}
                return Problem(number, text[:MAX_TEXT], "archived_value", values)
        return None


_DAYS = (FORMS["date"], FORMS["timestamp"])


def _is_day(value):
    """Is the day of the month one that the month has?"""
    if not SHORT_MONTHS.match(value):
        return True
    year = int(value[:4])
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return value[5:10] == "02-29" and is_leap
