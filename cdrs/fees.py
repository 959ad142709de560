"""From the lines of a wholesale file to fixed fees. No database, no ORM."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from .calls import MAX_NUMBER, LineProblem, read_cost
from .layout import Layout
from .parsing import LineReader, Problem

ONE_DAY = timedelta(days=1)
MONTH = relativedelta(months=1)
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 1, 1)
DAY_FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d")
MAX_TEXT = 500


class Fee(NamedTuple):
    """One line: the number as it stands there, and the days ``[period_start, period_end)``."""

    line_number: int
    identifier: str
    name: str
    cost: Decimal
    period_start: date
    period_end: date


class FeeFileReader:
    """Reads files of fixed fees.

    :param month: first day of the month that lines without days are for.
    :ivar lines: how many lines were read so far.
    """

    def __init__(self, layout: Layout, content, month: date):
        self.layout = layout
        self.month = month
        self._reader = LineReader(content, layout)

    @property
    def lines(self) -> int:
        """How many lines were read so far."""
        return self._reader.lines

    def batches(self) -> Iterator[tuple[list, list]]:
        """Yield ``(fees, problems)``."""
        take = None
        for block in self._reader.blocks():
            if take is None:
                take = self._takers()
            fees, problems = [], list(block.problems)
            for number, text, row in block.lines():
                if not row:
                    continue
                try:
                    fees.append(self._fee(number, row, take))
                except LineProblem as problem:
                    problems.append(Problem(number, text[:2000], problem.code, problem.values))
            yield fees, problems

    def _takers(self):
        """Return ``{target: function that takes its text out of a row}``."""
        takers = {}
        for column in self.layout.columns:
            if self.layout.kind == "fixed":
                begin, end = map(int, column.source.split("-"))
                takers[column.target] = partial(_slice, begin, end)
            else:
                takers[column.target] = partial(_cell, self._reader.position(column.source))
        return takers

    def _fee(self, number, row, take):
        def text(target):
            return take[target](row) if target in take else ""

        identifier = text("identifier")
        if not identifier:
            raise LineProblem("no_identifier")
        if len(identifier) > MAX_NUMBER:
            raise LineProblem("long_number")
        cost = read_cost(self.layout, text("cost"))
        if not cost:
            raise LineProblem("cost", text="")
        start = self._day("period_start", text("period_start")) or self.month
        last = self._day("period_end", text("period_end"))
        end = last + ONE_DAY if last else start + MONTH
        if end <= start:
            raise LineProblem("date", text=text("period_end"), form="> " + start.isoformat())
        return Fee(number, identifier, text("description")[:MAX_TEXT], Decimal(cost), start, end)

    def _day(self, target, text):
        if not text:
            return None
        column = self.layout.source_of(target)
        given = column.date_format or self.layout.date_format
        for form in (given, *DAY_FORMS):
            try:
                day = datetime.strptime(text, form).date()
            except ValueError:
                continue
            if FIRST_DAY <= day < LAST_DAY:
                return day
        raise LineProblem("date", text=text[:100], form=given)


def _slice(begin, end, row):
    return row[begin - 1 : end].strip()


def _cell(index, row):
    if index >= len(row):
        raise LineProblem("too_short", have=len(row), want=index + 1)
    return row[index].strip()
