"""One spelling for telephone numbers: the digits by which calls are matched and rated.

Numbers come out as international digits without ``+`` (442079460000). What is no public number keeps
what it is known by: short codes and extensions their digits, SIP identities and logins their name in
small letters. A number that nobody can place still gives its digits, so that it can be matched and
rated; the text of the file stays beside it.

The package ``phonenumbers`` knows the countries' rules; without it, numbers are told apart by their
prefixes alone.
"""

import re
from typing import ClassVar

try:
    import phonenumbers
except ImportError:
    phonenumbers = None

MAX_KEPT = 300_000
#: up to so many digits without a prefix are a short code or an extension
SHORT = 6
LONGEST = 15
WITHHELD = frozenset({
    "", "-", "anonymous", "unknown", "withheld", "restricted", "private", "unavailable",
    "no number", "number withheld", "anonymous.invalid",
})  # fmt: skip
SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015\u00a0]+")
#: what follows a number and is not part of it: an extension, digits dialled later, parameters
TAIL = re.compile(r"(?<=\d)[/;,xXpPwW#].*$")
URI = re.compile(r"<?\s*(sips?|tel):([^>]*)>?", re.IGNORECASE)


class Normaliser(dict):
    """``{raw text: digits or name}`` that fills itself, within bounds; empty where it was withheld.

    :param country: two letters; numbers without an international prefix belong to it.
    :param calling_code: the country's calling code, for where ``phonenumbers`` is not installed.
    :param style: ``international`` where numbers come as international digits without ``+``, ``national``
        where they never do, ``auto`` where they are told apart.
    """

    _all: ClassVar[dict[tuple, "Normaliser"]] = {}

    def __init__(self, country: str = "", calling_code: str = "", style: str = "auto"):
        super().__init__()
        self.rules = country, calling_code, style

    @classmethod
    def of(cls, country: str = "", calling_code: str = "", style: str = "auto") -> "Normaliser":
        """Return the one of these rules: a process works a number out once."""
        rules = country, calling_code, style
        return cls._all.setdefault(rules, cls(*rules))

    def __missing__(self, raw):
        if len(self) >= MAX_KEPT:
            self.clear()
        value, _withheld = normalised(raw, *self.rules)
        # The text itself where nothing is to change: one object to keep and to look at, not two.
        self[raw] = value = raw if value == raw else value
        return value


def normalised(
    raw: str, country: str = "", calling_code: str = "", style: str = "auto"
) -> tuple[str, bool]:
    """Return what a number is matched by, and whether it was withheld.

    >>> normalised("+44 (0)20 7946 0000"), normalised("118118", "GB"), normalised("sip:Bob@pbx.lan")
    (('442079460000', False), ('118118', False), ('bob@pbx.lan', False))
    """
    text = raw.strip()
    if text.casefold() in WITHHELD:
        return "", True
    if ":" in text and (uri := URI.search(text)):
        kind, rest = uri[1].lower(), uri[2].strip()
        user = rest.partition(";")[0].partition("@")[0]
        if kind != "tel" and not _is_dialled(user):
            name = rest.partition(";")[0].partition("?")[0].lower()
            return ("", True) if user.casefold() in WITHHELD else (name, False)
        if not user:
            return "", True
        text = user
    elif "@" in text:
        user = text.partition("@")[0]
        if not _is_dialled(user):
            return text.lower(), False
        text = user
    if text[:1] in "*#":
        # A service code of the exchange.
        return re.sub(r"\s", "", text), False
    number = SEPARATORS.sub("", TAIL.sub("", text.replace("(0)", "")))
    plus = number.startswith("+")
    digits = number.lstrip("+")
    if not (digits.isdecimal() and digits.isascii()):
        return text.lower(), False
    return _digits(digits, plus, country.upper(), calling_code.lstrip("+"), style), False


def _is_dialled(user):
    """Could the name in an address be a dialled number?"""
    return bool(re.fullmatch(r"\+?[\d\-.() ]+([,;#xpw].*)?", user))


def _digits(digits, plus, country, calling_code, style):
    if plus:
        return _international(digits)
    if digits.startswith("00") and len(digits) > SHORT:
        return _international(digits[2:])
    if len(digits) <= SHORT and not digits.startswith("0"):
        return digits
    if style == "international":
        return digits if digits.startswith("0") else _international(digits)
    return _national(digits, country, calling_code, style)


def _international(digits):
    """Return international digits as the country writes them."""
    # Benin's numbers of eight digits were given 01 in front.
    if digits.startswith("229") and len(digits) == 11:
        digits = f"22901{digits[3:]}"
    number = _parsed(f"+{digits}", None)
    return number or digits


def _national(digits, country, calling_code, style):
    if phonenumbers is None or country not in phonenumbers.SUPPORTED_REGIONS:
        if digits.startswith("0") and calling_code:
            return calling_code + digits[1:]
        return digits
    own = str(phonenumbers.country_code_for_region(country))
    # The country's own code in front, without +: the library would take it for an area code.
    if style == "auto" and digits.startswith(own) and (number := _parsed(f"+{digits}", None)):
        return number
    if number := _parsed(digits, country):
        return number
    if style == "auto" and not digits.startswith("0") and (number := _parsed(f"+{digits}", None)):
        return number
    # Not a number that the country gives out: its digits, in the spelling of its neighbours.
    return own + digits[1:] if digits.startswith("0") and own not in ("39", "378") else digits


def _parsed(text, country):
    """Return the digits of a valid number, None where the library knows none such."""
    if phonenumbers is None or len(text) > LONGEST + 2:
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
