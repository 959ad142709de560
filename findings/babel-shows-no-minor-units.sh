#!/bin/sh
# Babel 2.19.0, format_currency(): some currencies that have minor units in ISO 4217 are shown
# without them, and a half goes to the even number. 12.50 forints on an invoice are written as 12,
# and 13.50 as 14, while the booked amount keeps its fillér.
# Seen: HUF, COP and IDR with no digits, two in ISO 4217 (iso4217 1.16.20260101); IQD none for
# three. currency_digits=False keeps the digits of the locale's pattern, whatever the currency:
# with it the yen gets two.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    babel==2.19.0 iso4217==1.16.20260101
"$folder/venv/bin/python" - <<'PY'
from decimal import Decimal
from importlib.metadata import version

from babel.numbers import format_currency, get_currency_precision
from iso4217 import Currency


def shown(amount, currency, **options):
    return format_currency(Decimal(amount), currency, "¤¤ #,##0.00", locale="en", **options)


print("Babel", version("babel"), "iso4217", version("iso4217"))
digits = {
    code: (get_currency_precision(code), Currency(code).exponent)
    for code in ("EUR", "HUF", "COP", "IDR", "IQD", "JPY")
}
texts = [
    shown("12.50", "HUF"),
    shown("13.50", "HUF"),
    shown("12.50", "HUF", currency_digits=False),
    shown("12", "JPY", currency_digits=False),
]
print(digits, texts, sep="\n")
assert digits == {
    "EUR": (2, 2),
    "HUF": (0, 2),
    "COP": (0, 2),
    "IDR": (0, 2),
    "IQD": (0, 3),
    "JPY": (0, 0),
}, "Babel knows other digits now"
assert texts == ["HUF 12", "HUF 14", "HUF 12.50", "JPY 12.00"], "Babel rounds differently now"
PY
