"""What another system said, made fit to be kept. Plain functions, no database."""

import math
from datetime import date, datetime

MAX_TEXT = 300


def readable(said, limit: int = MAX_TEXT) -> str:
    """Return somebody else's text without what no database takes, cut to ``limit`` characters.

    >>> readable("no \\x00space \\ud800left", 12)
    'no space ?le'
    """
    text = str(said or "").replace("\0", "")
    return text.encode("utf-8", "replace").decode()[:limit]


def fits(row: dict, value) -> bool:
    """Can the parameter that ``row`` of a tariff's definition describes hold ``value``? None and
    False empty it.

    >>> [fits({"type": "integer"}, value) for value in (4, None, "4", True)]
    [True, True, False, False]
    """
    kind = row["type"]
    if value is None or value is False:
        return kind != "separator"
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "selection":
        return value in [option[0] for option in row.get("selection") or []]
    if kind == "tags":
        known = [tag[0] for tag in row.get("tags") or []]
        return isinstance(value, list) and all(tag in known for tag in value)
    if kind == "many2many":
        return isinstance(value, list) and all(type(item) is int for item in value)
    if kind in ("integer", "many2one"):
        return type(value) is int
    if kind in ("float", "monetary"):
        return type(value) in (int, float) and math.isfinite(value)
    if not isinstance(value, str):
        return False
    if kind in ("date", "datetime"):
        return _is_moment(date if kind == "date" else datetime, value)
    return kind != "separator"


def accepted(definition: list[dict], values: dict) -> tuple[dict, list[str]]:
    """Return (the values that the parameters can hold, the names of the others).

    >>> accepted([{"name": "php", "type": "integer"}], {"php": 4, "evil": 1})
    ({'php': 4}, ['evil'])
    """
    rows = {row["name"]: row for row in definition}
    kept, others = {}, []
    for name, value in values.items():
        if name in rows and fits(rows[name], value):
            kept[name] = readable(value, len(value)) if isinstance(value, str) else value
        else:
            others.append(readable(name, 60))
    return kept, others


def _is_moment(kind, value):
    try:
        kind.fromisoformat(value)
    except ValueError:
        return False
    return True
