"""Bank accounts and creditor identifiers of the SEPA schemes. No database, no ORM."""

import re

from stdnum.eu import at_02
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10

#: the countries that the schemes reach, with the length of their IBANs. ``stdnum.iban`` knows them
#: too, but cannot be imported where Odoo has put a loader of its own around ``stdnum``.
EEA_LENGTHS = {
    "AT": 20, "BE": 16, "BG": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24,
    "FI": 18, "FR": 27, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21,
    "LT": 20, "LU": 20, "LV": 21, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24,
    "SE": 24, "SI": 19, "SK": 24,
}  # fmt: skip
#: those outside of the European Economic Area: the debtor's address is needed there
OTHER_LENGTHS = {
    "AD": 24, "AL": 28, "CH": 21, "GB": 22, "GI": 23, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "RS": 22, "SM": 27, "VA": 22,
}  # fmt: skip
LENGTHS = EEA_LENGTHS | OTHER_LENGTHS
IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{5,30}")
BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")


def compact_iban(text: str | None) -> str:
    """Return an IBAN as banks write it in files: capital letters and digits only."""
    return re.sub(r"[\s\-._]", "", text or "").upper()


def iban_problem(text: str | None) -> str | None:
    """Return why an account cannot be debited, None where it can.

    Codes: ``missing``; ``wrong``: length, form or check digits; ``not_sepa``: no direct debit there.
    """
    iban = compact_iban(text)
    if not iban:
        return "missing"
    length = LENGTHS.get(iban[:2], len(iban))
    if not IBAN.fullmatch(iban) or len(iban) != length:
        return "wrong"
    try:
        mod_97_10.validate(iban[4:] + iban[:4])
    except ValidationError:
        return "wrong"
    return None if iban[:2] in LENGTHS else "not_sepa"


def is_bic(text: str | None) -> bool:
    """Return whether a text has the form of a BIC."""
    return bool(BIC.fullmatch(text or ""))


def compact_creditor_id(text: str | None) -> str:
    """Return a creditor identifier as it stands in files."""
    return re.sub(r"\s", "", text or "").upper()


def is_creditor_id(text: str | None) -> bool:
    """Return whether a creditor identifier has the right form and check digits."""
    number = compact_creditor_id(text)
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{3}[A-Z0-9]{1,28}", number):
        return False
    return at_02.is_valid(number)


def needs_address(iban: str) -> bool:
    """Return whether the debtor's address has to be in the file."""
    return compact_iban(iban)[:2] not in EEA_LENGTHS


def masked(iban: str | None) -> str:
    """Return an IBAN for mails and pages: its country and its last four characters."""
    number = compact_iban(iban)
    return f"{number[:4]} … {number[-4:]}" if len(number) > 8 else number
