"""Whether a customer is on the other side already: by name, tax number or e-mail."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .documents import Customer, folded

#: how sure a match is, the surest first
REASONS = ("reference", "vat", "name", "email")
_NOT_IN_VAT = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True)
class Contact:
    """A customer as the other side has it."""

    id: str
    name: str
    email: str = ""
    vat: str = ""
    reference: str = ""
    archived: bool = False


def plain_vat(vat: str) -> str:
    """Return a tax number as it is compared: letters and digits only.

    >>> plain_vat("DE 123.456-789")
    'DE123456789'
    """
    return _NOT_IN_VAT.sub("", (vat or "").upper())


class Index:
    """Finds which of some customers a contact may be."""

    def __init__(self, customers: Iterable[tuple[int, Customer]]):
        """:param customers: pairs of a key and a customer"""
        self._found = {reason: {} for reason in REASONS}
        for key, customer in customers:
            for reason, value in self._values(
                customer.reference, customer.vat, customer.name, customer.email
            ):
                self._found[reason].setdefault(value, []).append(key)

    @staticmethod
    def _values(reference, vat, name, email):
        values = (reference, plain_vat(vat), folded(name), folded(email))
        return [(reason, value) for reason, value in zip(REASONS, values, strict=True) if value]

    def find(self, contact: Contact) -> list[tuple[int, str]]:
        """Return ``[(key, reason)]`` of the customers that a contact may be, each once, by the surest
        reason."""
        found = {}
        values = self._values(contact.reference, contact.vat, contact.name, contact.email)
        for reason, value in values:
            for key in self._found[reason].get(value, ()):
                found.setdefault(key, reason)
        return list(found.items())
