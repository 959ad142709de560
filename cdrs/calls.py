"""From the fields of a line to the values of a call. No database, no ORM.

``CallReader`` is asked for millions of lines: what comes again (a minute, a number, a price) is worked
out once and kept, within bounds.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from hashlib import md5
from operator import not_
from zoneinfo import ZoneInfo

from . import numbers
from .layout import Layout
from .parsing import Problem

#: the columns of one call, in the order in which they are loaded
CALL_COLUMNS = (
    "line_number", "record_key", "call_time", "call_day", "direction", "caller", "callee",
    "identifier", "destination", "withheld", "answered", "seconds", "cost",
)  # fmt: skip
MAX_KEPT = 200_000
MAX_SECONDS = 31 * 24 * 3600
MAX_NUMBER = 256
MAX_KEY = 200
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 1, 1)
AMOUNT = re.compile(r"[+-]?\d{1,18}(\.\d{1,10})?", re.ASCII)
#: what ``fromisoformat`` reads exactly as ``strptime`` does, in a tenth of the time
ISO_FORM = "%Y-%m-%d %H:%M:%S"
ISO_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
#: how moments may end, by what their form ends with: so many letters that mean the same in all zones
TAILS = {
    "%M:%S": frozenset(f"{number // 60:02}:{number % 60:02}" for number in range(3600)),
    "%S": frozenset(f"{number:02}" for number in range(60)),
}
LAST_OF = {"%M:%S": "59:59", "%S": "59"}
ZEROS = str.maketrans("59", "00")


class LineProblem(Exception):
    """A line holds no call that can be understood.

    :param code: which problem, see ``line_texts.py``.
    :param values: what its text names.
    """

    def __init__(self, code: str, **values):
        super().__init__(code)
        self.code = code
        self.values = values


class Calls:
    """Calls, column by column in the order of ``CALL_COLUMNS``; iterating gives them one by one."""

    def __init__(self, columns):
        self.columns = columns

    @classmethod
    def of_rows(cls, rows: list) -> "Calls":
        """Return calls of tuples."""
        return cls(list(map(list, zip(*rows, strict=True))) or [[]] * len(CALL_COLUMNS))

    def __len__(self):
        return len(self.columns[0])

    def __iter__(self):
        return zip(*self.columns, strict=True)


class CallReader:
    """Makes calls of rows by one layout.

    :param position: gives the index of a source in the rows, ``LineReader.position``.
    """

    def __init__(self, layout: Layout, position):
        self.layout = layout
        self.legs = [_Leg(layout, position, 1)]
        if any(column.leg == 2 for column in layout.columns):
            self.legs.append(_Leg(layout, position, 2, first=self.legs[0]))

    def take(self, block) -> tuple[Calls, list]:
        """Return the calls of a block, and the problems of its lines."""
        problems = list(block.problems)
        if len(self.legs) == 1 and block.numbers:
            found = self.legs[0].calls(block)
            if found is not None:
                return Calls(found), problems
        calls: list = []
        first, *more = [leg.call for leg in self.legs]
        append = calls.append
        for number, text, row in block.lines():
            if not row:
                continue
            try:
                call = first(number, text, row)
                if more:
                    second = more[0](number, text, row)
                    if second is not None:
                        append(call)
                        call = second
                append(call)
            except LineProblem as problem:
                if not (number == 1 and self.legs[0].is_header(row)):
                    problems.append(Problem(number, text[:2000], problem.code, problem.values))
        return Calls.of_rows(calls), problems


class _Leg:
    """One of the calls that a line holds."""

    def __init__(self, layout, position, leg, first=None):
        self.layout = layout
        self.leg = leg
        self.first = first
        self.fixed = layout.kind == "fixed"
        self.width = 0
        self.places: dict = {}
        take = partial(self._taker, layout, position, leg)
        self.date, self.time = take("date"), take("time")
        if first and not self.date:
            self.date, self.time = first.date, first.time
        self.caller, self.callee = take("caller"), take("callee")
        self.account, self.seconds = take("account"), take("seconds")
        self.cost, self.unique = take("cost"), take("unique_id")
        self.way, self.answer = take("direction"), take("answered")
        if first:
            self.unique = first.unique
        column = layout.source_of("date", leg) or layout.source_of("date")
        self.clock = _Clock(
            (column and column.date_format) or layout.date_format, layout.zone, layout.company_zone
        )
        self.durations = _Kept(_duration(layout.duration_unit))
        self.costs = _Kept(partial(read_cost, layout))
        self.normalise = numbers.Normaliser.of(
            layout.country, layout.calling_code, layout.number_style
        )
        self.incoming = {value.casefold() for value in layout.incoming_values}
        self.answers = {value.casefold() for value in layout.answered_values}
        self.direction = layout.second_direction if first else layout.direction

    def _taker(self, layout, position, leg, target):
        """Return the function that takes a value out of a row, None where lines do not hold it."""
        column = layout.source_of(target, leg)
        if column is None:
            return None
        if self.fixed:
            begin, end = map(int, column.source.split("-"))
            self.places[target] = begin - 1, end
            self.width = max(self.width, begin)
            return lambda row: row[begin - 1 : end].strip()
        index = self.places[target] = position(column.source)
        self.width = max(self.width, index + 1)
        return lambda row: row[index].strip()

    def calls(self, block):
        """Return the columns of the calls of a block; None where one of its lines needs a look of its
        own."""
        rows, columns = block.rows, block.columns
        count = len(block.numbers)
        try:
            if (len(columns) if columns else min(map(len, rows))) < self.width:
                return None
            if not columns and not self.fixed:
                columns = list(zip(*rows, strict=False))
            column = partial(self._column, columns, rows, count)
            moments = column("date")
            if self.time:
                moments = [
                    f"{day} {time}" for day, time in zip(moments, column("time"), strict=True)
                ]
            times, days = self.clock.many(moments)
            callers, callees = column("caller"), column("callee")
            if max(map(len, callers)) > MAX_NUMBER or max(map(len, callees)) > MAX_NUMBER:
                return None
            if self.direction == "column":
                incoming = self.incoming
                ways = [
                    "in" if way.casefold() in incoming else "out" for way in column("direction")
                ]
                pairs = [
                    (callee, caller) if way == "in" else (caller, callee)
                    for way, caller, callee in zip(ways, callers, callees, strict=True)
                ]
                own, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            else:
                ways = [self.direction] * count
                own, other = (callees, callers) if self.direction == "in" else (callers, callees)
            seconds = list(map(self.durations.__getitem__, column("seconds")))
            costs = list(map(self.costs.__getitem__, column("cost"))) if self.cost else column("")
            destinations = list(map(self.normalise.__getitem__, other))
        except LineProblem:
            return None
        identifiers = list(map(self.normalise.__getitem__, own))
        if self.account:
            accounts = column("account")
            identifiers = [
                account.lower() or number
                for account, number in zip(accounts, identifiers, strict=True)
            ]
        if self.answer and self.answers:
            answered = [answer.casefold() in self.answers for answer in column("answered")]
        else:
            answered = [number > 0 for number in seconds]
        if min(seconds) < 0:
            seconds = [max(number, 0) for number in seconds]
        keys = column("unique_id")
        if "" in keys or max(map(len, keys)) > MAX_KEY:
            keys = [_key(key, text) for key, text in zip(keys, block.texts, strict=True)]
        return [
            block.numbers, keys, times, days, ways, callers, callees, identifiers,
            destinations, list(map(not_, destinations)), answered, seconds, costs,
        ]  # fmt: skip

    def _column(self, columns, rows, count, target):
        """Return the texts of one value in all rows."""
        place = self.places.get(target)
        if place is None:
            return [""] * count
        if self.fixed:
            begin, end = place
            return [row[begin:end].strip() for row in rows]
        return list(map(str.strip, columns[place]))

    def is_header(self, row):
        """Is a line that holds no call a first line with the columns' names?"""
        if self.date is None or len(row) < self.width:
            return False
        return not any(char.isdigit() for char in self.date(row))

    def call(self, number, text, row):
        """Return the values of a call in the order of ``CALL_COLUMNS``, None where there is no second
        one."""
        if len(row) < self.width:
            raise LineProblem("too_short", have=len(row), want=self.width)
        callee = self.callee(row) if self.callee else ""
        if self.first and not callee:
            return None
        moment = self.date(row)
        if self.time:
            moment = f"{moment} {self.time(row)}"
        call_time, call_day = self.clock(moment)
        caller = self.caller(row) if self.caller else ""
        direction = self.direction
        if direction == "column":
            incoming = self.way is not None and self.way(row).casefold() in self.incoming
            direction = "in" if incoming else "out"
        if self.first and not caller:
            # The second leg goes out from the number that was called.
            caller = (
                self.first.callee(row) if self.first.direction == "in" else self.first.caller(row)
            )
        own, other = (callee, caller) if direction == "in" else (caller, callee)
        if len(caller) > MAX_NUMBER or len(callee) > MAX_NUMBER:
            raise LineProblem("long_number")
        seconds = self.durations[self.seconds(row)] if self.seconds else 0
        if self.answer and self.answers:
            answered = self.answer(row).casefold() in self.answers
        else:
            answered = seconds > 0
        destination = self.normalise[other]
        account = self.account(row) if self.account else ""
        identifier = account.lower() if account else self.normalise[own]
        key = self.unique(row) if self.unique else ""
        key = _key(key, text)
        if self.first:
            key += "/2"
        return (
            number, key, call_time, call_day, direction, caller, callee, identifier, destination,
            not destination, answered, max(seconds, 0),
            self.costs[self.cost(row)] if self.cost else "",
        )  # fmt: skip


def _key(key, text):
    """Return what a call is known by: the carrier's number of it, or a fingerprint of its line."""
    if key and len(key) <= MAX_KEY:
        return key
    return md5((key or text).encode(), usedforsecurity=False).hexdigest()


class _Kept(dict):
    """What a function says of a text, kept for the next time."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def __missing__(self, text):
        if len(self) >= MAX_KEPT:
            self.clear()
        value = self[text] = self.function(text)
        return value


class _Clock:
    """Reads moments: gives UTC as text and the day in the company's zone.

    Where the text ends with minutes and seconds, all moments of an hour are worked out at once, or those
    of a minute where an hour is cut by a change of the clocks or of the day.
    """

    def __init__(self, form, zone, company_zone):
        self.form = form
        self.zone = ZoneInfo(zone)
        self.company_zone = ZoneInfo(company_zone)
        self.kept = {}
        #: beginnings of moments, by how the form ends: ``{text: (UTC, day)}``, None where they differ
        self.starts = {end: {} for end in TAILS if form.endswith(end)}

    def __call__(self, text):
        """Return ``(time, day)`` of one moment.

        :raise LineProblem: it is none.
        """
        for end, starts in self.starts.items():
            width = len(LAST_OF[end])
            head, tail = text[:-width], text[-width:]
            if tail in TAILS[end] and (start := starts.get(head)):
                return start[0] + tail, start[1]
        if (found := self.kept.get(text)) is None:
            found = self._keep(self.kept, text, self._worked_out(text))
            for end, starts in self.starts.items():
                head = text[: -len(LAST_OF[end])]
                if text[len(head) :] in TAILS[end]:
                    self._keep(starts, head, self._start(head, end))
        return found

    def many(self, texts):
        """Return ``(times, days)`` of many moments.

        :raise LineProblem: one of them is none.
        """
        for end, starts in self.starts.items():
            width = len(LAST_OF[end])
            tails = [text[-width:] for text in texts]
            if not TAILS[end].issuperset(tails):
                continue
            heads = [text[:-width] for text in texts]
            new = set(heads).difference(starts)
            if len(starts) + len(new) > MAX_KEPT:
                starts.clear()
                new = set(heads)
            starts.update((head, self._start(head, end)) for head in new)
            found = list(map(starts.__getitem__, heads))
            if None in found:
                continue
            times = [start[0] + tail for start, tail in zip(found, tails, strict=True)]
            return times, [start[1] for start in found]
        found = list(map(self, texts))
        return [moment[0] for moment in found], [moment[1] for moment in found]

    def _start(self, head, end):
        """Return what UTC begins with and the day of all moments that begin alike, None where they do
        not have these in common."""
        last = LAST_OF[end]
        first = last.translate(ZEROS)
        first_time, first_day = self._worked_out(head + first)
        last_time, last_day = self._worked_out(head + last)
        start = first_time[: -len(first)]
        same = (first_time, last_time, first_day) == (start + first, start + last, last_day)
        return (start, first_day) if same else None

    @staticmethod
    def _keep(kept, text, value):
        if len(kept) >= MAX_KEPT:
            kept.clear()
        kept[text] = value
        return value

    def _worked_out(self, text):
        moment = self._moment(text)
        day = moment.astimezone(self.company_zone).date()
        if not FIRST_DAY <= day < LAST_DAY:
            raise LineProblem("date", text=text, form=self.form)
        return f"{moment:%Y-%m-%d %H:%M:%S}", f"{day}"

    def _moment(self, text):
        """Return a moment in UTC. Of a local time that comes twice in autumn it is the first one."""
        try:
            if self.form in ("unix", "unix_ms"):
                number = int(text) / (1000 if self.form == "unix_ms" else 1)
                return datetime.fromtimestamp(number, UTC)
            if self.form == "iso" or (self.form == ISO_FORM and ISO_MOMENT.fullmatch(text)):
                moment = datetime.fromisoformat(text)
            else:
                moment = datetime.strptime(text, self.form)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self.zone)
            return moment.astimezone(UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise LineProblem("date", text=text[:100], form=self.form) from error


def _duration(unit):
    return {"minutes": _minutes, "clock": _clock_seconds}.get(unit, _seconds)


def _seconds(text):
    """Return the seconds of a call; less than none says that it was not answered."""
    if not text:
        return 0
    number = text.partition(".")[0] if text.count(".") == 1 else text
    sign, digits = (-1, number[1:]) if number[:1] == "-" else (1, number)
    if not (digits.isdecimal() and digits.isascii() and len(digits) < 9):
        raise LineProblem("seconds", text=text[:100])
    if text != number and not text[len(number) + 1 :].isdecimal():
        raise LineProblem("seconds", text=text[:100])
    return _within(sign * int(digits), text)


def _minutes(text):
    if not text:
        return 0
    if not AMOUNT.fullmatch(text):
        raise LineProblem("seconds", text=text[:100])
    return _within(int((Decimal(text) * 60).to_integral_value("ROUND_HALF_UP")), text)


def _clock_seconds(text):
    if not text:
        return 0
    parts = text.split(":") if ":" in text else [text[:-4] or "0", text[-4:-2], text[-2:]]
    if len(parts) > 3 or not all(part.isdecimal() and len(part) < 7 for part in parts):
        raise LineProblem("seconds", text=text[:100])
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return _within(total, text)


def _within(seconds, text):
    if seconds > MAX_SECONDS:
        raise LineProblem("seconds", text=text[:100])
    return seconds


def read_cost(layout: Layout, text: str) -> str:
    """Return a price as a decimal text in units of the currency."""
    if not text:
        return ""
    number = text.replace(",", ".") if layout.decimal_mark == "," else text
    if layout.cost_unit == "units" and AMOUNT.fullmatch(number):
        return number
    try:
        if not AMOUNT.fullmatch(number):
            raise LineProblem("cost", text=text[:100])
        shift = {"hundredths": 2, "implied": layout.cost_decimals}.get(layout.cost_unit, 0)
        return f"{Decimal(number).scaleb(-shift):f}"
    except InvalidOperation as error:
        raise LineProblem("cost", text=text[:100]) from error
