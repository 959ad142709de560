"""From the fields of a line to the values of a call. No database, no ORM.

``CallReader`` is asked for millions of lines: what comes again (a minute, a number, a price) is worked
out once and kept, within bounds.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from hashlib import md5
from itertools import repeat
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
TWO_DIGITS = frozenset(f"{number:02}" for number in range(60))


class LineProblem(Exception):
    """A line holds no call that can be understood.

    :param code: which problem, see ``line_texts.py``.
    :param values: what its text names.
    """

    def __init__(self, code: str, **values):
        super().__init__(code)
        self.code = code
        self.values = values


class CallReader:
    """Makes calls of rows by one layout.

    :param position: gives the index of a source in the rows, ``LineReader.position``.
    """

    def __init__(self, layout: Layout, position):
        self.layout = layout
        self.legs = [_Leg(layout, position, 1)]
        if any(column.leg == 2 for column in layout.columns):
            self.legs.append(_Leg(layout, position, 2, first=self.legs[0]))

    def take(self, block, calls: list) -> list:
        """Append the calls of a block to ``calls``.

        :return: the problems of its lines.
        """
        if len(self.legs) == 1 and block.rows:
            found = self.legs[0].calls(block.numbers, block.texts, block.rows)
            if found is not None:
                calls += found
                return list(block.problems)
        problems = list(block.problems)
        first, *more = [leg.call for leg in self.legs]
        append = calls.append
        for number, text, row in zip(block.numbers, block.texts, block.rows, strict=True):
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
        return problems


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

    def calls(self, numbers, texts, rows):
        """Return the calls of many rows at once, column by column; None where one of them needs a look
        of its own."""
        try:
            if min(map(len, rows)) < self.width or not self.clock.by_minute:
                return None
            columns = () if self.fixed else tuple(zip(*rows, strict=False))
            column = partial(self._column, columns, rows)
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
                ways = repeat(self.direction, len(rows))
                own, other = (callees, callers) if self.direction == "in" else (callers, callees)
            seconds = list(map(self.durations.__getitem__, column("seconds")))
            costs = list(map(self.costs.__getitem__, column("cost"))) if self.cost else column("")
            found = list(map(self.normalise.__getitem__, other))
        except LineProblem:
            return None
        identifiers = [pair[0] for pair in map(self.normalise.__getitem__, own)]
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
            keys = [_key(key, text) for key, text in zip(keys, texts, strict=True)]
        return zip(
            numbers, keys, times, days, ways, callers, callees, identifiers,
            [pair[0] for pair in found], [pair[1] for pair in found], answered, seconds, costs,
            strict=True,
        )  # fmt: skip

    def _column(self, columns, rows, target):
        """Return the texts of one value in all rows."""
        place = self.places.get(target)
        if place is None:
            return [""] * len(rows)
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
        destination, withheld = self.normalise[other]
        account = self.account(row) if self.account else ""
        identifier = account.lower() if account else self.normalise[own][0]
        key = self.unique(row) if self.unique else ""
        key = _key(key, text)
        if self.first:
            key += "/2"
        return (
            number, key, call_time, call_day, direction, caller, callee, identifier, destination,
            withheld, answered, max(seconds, 0),
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
    """Reads moments: gives UTC as text and the day in the company's zone."""

    def __init__(self, form, zone, company_zone):
        self.form = form
        self.zone = ZoneInfo(zone)
        self.company_zone = ZoneInfo(company_zone)
        # Where the text ends with the seconds, all moments of a minute are worked out at once.
        self.by_minute = form.endswith("%S")
        self.kept = {}

    def __call__(self, text):
        if self.by_minute:
            seconds = text[-2:]
            minute = self.kept.get(text[:-2])
            if minute is not None and seconds in TWO_DIGITS:
                return minute[0] + seconds, minute[1]
        elif (found := self.kept.get(text)) is not None:
            return found
        moment = self._moment(text)
        day = moment.astimezone(self.company_zone).date()
        if not FIRST_DAY <= day < LAST_DAY:
            raise LineProblem("date", text=text, form=self.form)
        if len(self.kept) >= MAX_KEPT:
            self.kept.clear()
        if self.by_minute and text[-2:] in TWO_DIGITS:
            self.kept[text[:-2]] = f"{moment:%Y-%m-%d %H:%M:}", f"{day}"
        elif not self.by_minute:
            self.kept[text] = f"{moment:%Y-%m-%d %H:%M:%S}", f"{day}"
        return f"{moment:%Y-%m-%d %H:%M:%S}", f"{day}"

    def many(self, texts):
        """Return ``(times, days)`` of many moments, where their texts end with the seconds."""
        seconds = [text[-2:] for text in texts]
        if not TWO_DIGITS.issuperset(seconds):
            raise LineProblem("date", text="", form=self.form)
        starts = [text[:-2] for text in texts]
        new = set(starts).difference(self.kept)
        if len(self.kept) + len(new) > MAX_KEPT:
            self.kept.clear()
            new = set(starts)
        for start in new:
            self(start + "00")
        minutes = list(map(self.kept.__getitem__, starts))
        times = [minute[0] + second for minute, second in zip(minutes, seconds, strict=True)]
        return times, [minute[1] for minute in minutes]

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
