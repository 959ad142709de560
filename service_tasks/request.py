"""What a customer asks for, and what it comes to in money. Plain values, no database."""

import hashlib
from datetime import date
from typing import NamedTuple

from markupsafe import Markup

#: what customers may ask for of a service: the operation that becomes of it
OPERATIONS = {"change": "change", "suspend": "suspend", "resume": "resume", "end": "delete"}


class Wish(NamedTuple):
    """A request that was understood: the ``values`` for the operation, and from which ``day`` on it
    counts. Of an order also what the service is to be called (``name``) and its add-ons."""

    kind: str
    day: date
    values: dict
    name: str = ""
    addons: dict | None = None


class Effect(NamedTuple):
    """What a wish brings, for its customer to agree to: in words, as a table, which part of it is owed
    ``anyway``, and the price ``then``."""

    summary: list[str]
    money: Markup
    anyway: str
    then: str
    rows: list[dict]

    @property
    def fingerprint(self) -> str:
        """What tells whether somebody agreed to these amounts or to other ones."""
        amounts = [(row["name"], str(row["amount"])) for row in self.rows]
        return hashlib.sha256(repr((amounts, self.then)).encode()).hexdigest()
