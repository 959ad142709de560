"""The fields of a request that customers fill in, and how what they typed is read. No database."""

import math
import re
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from odoo.exceptions import UserError
from odoo.tools import format_date

from .answers import readable

#: so many characters are taken of a text
LONGEST = {"char": 100, "text": 2000}
#: parameters of these types can be filled in by customers
KINDS = ("char", "text", "integer", "float", "boolean", "selection", "date")
#: so many of an add-on are asked for at most where its tariff has no limit
MOST = 1_000_000
NUMBER = re.compile(r"-?\d{1,15}([.,]\d{1,6})?")


class Field(NamedTuple):
    """One thing to fill in: its ``name`` in the form, its ``kind`` (one of ``KINDS``), what was
    ``typed``, and within which limits it lies."""

    name: str
    kind: str
    label: str
    typed: str = ""
    options: tuple = ()
    required: bool = False
    low: float | date | None = None
    high: float | date | None = None
    note: str = ""


class Unreadable(Exception):
    """What was typed is no value of its field; ``code`` says why."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def read(field: Field, text: str) -> str | float | bool | date | None:
    """Return the value that was typed; None where nothing was.

    >>> read(Field("a", "float", "Disk", high=10), "2,5")
    2.5
    >>> read(Field("a", "date", "From"), "2026-02-30")
    Traceback (most recent call last):
    ...
    service_tasks.request_form.Unreadable: date
    """
    if field.kind == "boolean":
        return text == "1"
    text = readable(text, 4000).strip()
    if not text:
        if field.required:
            raise Unreadable("required")
        return None
    value = _value(field, text)
    if field.low is not None and value < field.low:
        raise Unreadable("low")
    if field.high is not None and value > field.high:
        raise Unreadable("high")
    return value


def _value(field: Field, text: str):
    kind = field.kind
    if kind in LONGEST:
        if len(text) > LONGEST[kind]:
            raise Unreadable("long")
        return text
    if kind == "selection":
        if text not in [value for value, _label in field.options]:
            raise Unreadable("option")
        return text
    if kind == "date":
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise Unreadable("date") from None
    if not NUMBER.fullmatch(text) or not text.isascii():
        raise Unreadable("number")
    number = float(text.replace(",", "."))
    if kind == "float":
        return number
    if not number.is_integer():
        raise Unreadable("whole")
    return int(number)


def as_typed(value) -> str:
    """Return a value as its field would hold it typed.

    >>> [as_typed(value) for value in (2.0, 2.5, None, False, True, date(2026, 1, 31))]
    ['2', '2.5', '', '', '1', '2026-01-31']
    """
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    return str(value)


def as_json(value) -> str | float | bool:
    """Return a value that was read as it is kept in JSON.

    >>> [as_json(value) for value in (2.5, None, date(2026, 1, 31))]
    [2.5, False, '2026-01-31']
    """
    if isinstance(value, date):
        return value.isoformat()
    return False if value is None else value


def filled_in(fields: Iterable[Field], typed: dict) -> list[Field]:
    """Return the fields with what was typed in the form that was sent, whatever it is."""
    return [field._replace(typed=readable(typed.get(field.name) or "", 4000)) for field in fields]


def values_of(env, fields: Iterable[Field]) -> dict:
    """Return ``{name: value}`` of what was typed.

    :raise UserError: one message, of the first field that cannot be read
    """
    values = {}
    for field in fields:
        try:
            values[field.name] = read(field, field.typed)
        except Unreadable as error:
            raise UserError(_problem_text(env, field, error.code)) from None
    return values


def _problem_text(env, field: Field, code: str) -> str:
    """Return what is wrong with a field and what to do, in the reader's words."""
    label = field.label

    def shown(value):
        return format_date(env, value) if isinstance(value, date) else as_typed(value)

    texts = {
        "required": lambda: env._("Fill in “%s”.", label),
        "number": lambda: env._("“%s” is a number, for example 2 or 2.5.", label),
        "whole": lambda: env._("“%s” is a whole number.", label),
        "date": lambda: env._("“%s” is a day, for example 2026-01-31.", label),
        "option": lambda: env._("Choose one of the values that are offered for “%s”.", label),
        "long": lambda: env._(
            "“%(label)s” has %(count)s characters at most.",
            label=label,
            count=LONGEST.get(field.kind),
        ),
        "low": lambda: env._("“%(label)s” is %(low)s or more.", label=label, low=shown(field.low)),
        "high": lambda: env._(
            "“%(label)s” is %(high)s at most.", label=label, high=shown(field.high)
        ),
    }
    if isinstance(field.low, date):
        texts["low"] = lambda: env._(
            "“%(label)s” can be %(low)s or later.", label=label, low=shown(field.low)
        )
        texts["high"] = lambda: env._(
            "“%(label)s” can be %(high)s or earlier.", label=label, high=shown(field.high)
        )
    return texts[code]()
