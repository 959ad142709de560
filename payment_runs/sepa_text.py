"""Texts as the SEPA schemes allow them. No database, no ORM."""

import re
import unicodedata

#: all that may stand in a text of a file
ALLOWED = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")
#: identifiers may hold the same without spaces; a slash must not begin, end or stand twice
IDENTIFIER = re.compile(r"(?!/)(?!.*//)[A-Za-z0-9/\-?:().,'+]+(?<!/)")
#: what has a better Latin spelling than its letter without the accent
SPELLINGS = str.maketrans(
    {
        "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ẞ": "SS",
        "Æ": "Ae", "æ": "ae", "Ø": "O", "ø": "o", "Å": "A", "å": "a", "Œ": "Oe", "œ": "oe",
        "Þ": "Th", "þ": "th", "Ð": "D", "ð": "d", "Ł": "L", "ł": "l", "Đ": "D", "đ": "d",
        "ı": "i", "İ": "I", "&": "+", "€": "EUR", "@": "(at)", "_": "-", ";": ",", "*": ".",
        "’": "'", "‘": "'", "`": "'", "´": "'", "\"": "'", "“": "'", "”": "'", "„": "'",
        "–": "-", "—": "-", "\u2011": "-", "[": "(", "]": ")", "{": "(", "}": ")",
        "\\": "/", "|": "/", "#": ".", "!": ".", "=": "-", "<": "(", ">": ")", "~": "-",
    }
)  # fmt: skip
#: what takes the place of a text of which nothing is left
NOTHING = "NOTPROVIDED"


def _latin(text):
    """Return a text in Latin letters, as far as that can be found out."""
    text = unicodedata.normalize("NFC", text).translate(SPELLINGS)
    if text.isascii():
        return text
    try:
        from text_unidecode import unidecode
    except ImportError:
        parts = unicodedata.normalize("NFKD", text)
        return "".join(c for c in parts if not unicodedata.combining(c)).translate(SPELLINGS)
    return unidecode(text).translate(SPELLINGS)


def sepa_text(text: str | None, length: int, empty: str = NOTHING) -> str:
    """Return a text with allowed characters only, of that length at most, and never empty.

    :param empty: what it becomes where nothing is left
    """
    text = re.sub(r"[^A-Za-z0-9/\-?:().,'+ ]", " ", _latin(text or ""))
    # A slash at either end, or two of them, have a meaning of their own.
    text = re.sub(r"/{2,}", "/", re.sub(r"\s+", " ", text)).strip(" /")
    return text[:length].strip(" /") or empty[:length]


def sepa_name(name: str | None, also: str | None = None) -> str:
    """Return a name of a person or firm for a file.

    :param also: what to name them by where nothing is left of the name: a number, say
    """
    name = sepa_text(name, 70, "")
    return name if re.search(r"[A-Za-z0-9]", name) else sepa_text(also, 70)


def is_identifier(text: str | None) -> bool:
    """Return whether a text can be the reference of a mandate or of a payment."""
    return len(text or "") <= 35 and bool(IDENTIFIER.fullmatch(text or ""))


def is_allowed(text: str | None) -> bool:
    """Return whether a text may stand in a file as it is."""
    text = text or ""
    return bool(text and ALLOWED.fullmatch(text) and text == text.strip()) and "//" not in text
