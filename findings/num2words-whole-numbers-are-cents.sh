#!/bin/sh
# num2words 0.5.14, to="currency": a whole number is read as cents, the same amount as a float or
# Decimal as units. An invoice total of 100 that arrives as an int is written as "one euro".
# Seen: 100 -> "one euro, zero cents", 100.0 and Decimal("100.00") -> "one hundred euro, zero cents".
# In passing: the float 1.005 loses the cent that Decimal("1.005") rounds up to, and French writes
# the plural after zero ("zéro euros").
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check num2words==0.5.14
"$folder/venv/bin/python" - <<'PY'
from decimal import Decimal
from importlib.metadata import version

from num2words import num2words


def words(amount, lang="en"):
    return num2words(amount, to="currency", currency="EUR", lang=lang)


print("num2words", version("num2words"))
seen = {
    "int": words(100),
    "float": words(100.0),
    "Decimal": words(Decimal("100.00")),
    "half a cent, float": words(1.005),
    "half a cent, Decimal": words(Decimal("1.005")),
    "French": words(Decimal("0.50"), "fr"),
}
for name, text in seen.items():
    print(f"{name}: {text}")
assert seen == {
    "int": "one euro, zero cents",
    "float": "one hundred euro, zero cents",
    "Decimal": "one hundred euro, zero cents",
    "half a cent, float": "one euro, zero cents",
    "half a cent, Decimal": "one euro, one cent",
    "French": "zéro euros et cinquante centimes",
}, "num2words behaves differently now"
PY
