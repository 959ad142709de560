"""What Xero refuses, as codes that people have words for. No database."""

import re

#: what a message of Xero's is about, the first that fits
_KINDS = (
    (
        "number_taken",
        r"invoice (?:#|number) must be unique|(?:credit note|document) number.*(?:unique|exists)",
    ),
    ("name_taken", r"contact name .* already|name.*already assigned|contact already exists"),
    ("locked", r"lock date|period lock|locked period|end of year"),
    ("archived", r"contact.*archived|archived contact"),
    ("account", r"account code|account.*(?:not a valid|archived|invalid)"),
    ("tax", r"tax ?type|tax rate|tax code|tax amount|line tax"),
    ("currency", r"currency"),
    ("tracking", r"tracking"),
    ("email", r"e-?mail"),
    ("line_total", r"line total|line amount"),
)
_COMPILED = tuple((code, re.compile(pattern, re.IGNORECASE)) for code, pattern in _KINDS)


def code_of(message: str) -> str:
    """Return what a message is about; ``refused`` where it is about something else.

    >>> code_of("Invoice # must be unique."), code_of("Something new")
    ('number_taken', 'refused')
    """
    return next((code for code, pattern in _COMPILED if pattern.search(message or "")), "refused")
