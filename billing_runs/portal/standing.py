"""How a bill stands with its customer, and how its documents are collected. Plain Python."""

from datetime import date
from typing import NamedTuple

#: states of a bill in which its customer has it
SHOWN_STATES = ("posted", "done", "undone")
#: how a bill stands, where something is to be paid
OPEN_CODES = ("open", "partly", "overdue", "collected", "processing")


class Collection(NamedTuple):
    """How the company collects a document itself."""

    #: one sentence for the customer, in the customer's language
    note: str
    #: day on which it is collected, where that is known
    day: date | None = None
    #: whether the money may have been asked for already: then nothing else may be paid
    under_way: bool = False


class Standing(NamedTuple):
    """How a bill stands."""

    #: ``open``, ``partly``, ``overdue``, ``collected``, ``processing``, ``paid``, ``credited``,
    #: ``credit``, ``undone`` or ``none``
    code: str
    #: the same in words
    text: str
    #: what is open; negative where the customer has a credit
    amount: float = 0.0
    #: by when it is to be paid, None where there is no such day
    due: date | None = None
    #: how what is open is collected: a sentence for each way
    notes: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.code in OPEN_CODES
