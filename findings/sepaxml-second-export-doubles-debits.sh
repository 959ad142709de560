#!/bin/sh
# sepaxml 2.7.0, SepaDD.export(): writing the file changes the object. Whoever exports a batch a
# second time, for example once to look at and once to send, gets every direct debit twice under
# the same end-to-end id, and the file passes the library's own schema check.
# Seen: two debits of 35.50 together; the second file has four, and its header says 6 and 106.50.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sepaxml==2.7.0 xmlschema==4.3.2
"$folder/venv/bin/python" - <<'PY'
import datetime
import re
from importlib.metadata import version

from sepaxml import SepaDD

debits = SepaDD(
    {
        "name": "Utility AG",
        "IBAN": "DE89370400440532013000",
        "BIC": "COBADEFFXXX",
        "batch": True,
        "creditor_id": "DE98ZZZ09999999999",
        "currency": "EUR",
    },
    schema="pain.008.001.02",
    clean=True,
)
for number, cents in enumerate((1050, 2500), start=1):
    debits.add_payment(
        {
            "name": f"Customer {number}",
            "IBAN": "DE02120300000000202051",
            "BIC": "BYLADEM1001",
            "amount": cents,
            "type": "RCUR",
            "collection_date": datetime.date(2030, 1, 2),
            "mandate_id": f"MANDATE-{number}",
            "mandate_date": datetime.date(2025, 1, 1),
            "description": f"Invoice {number}",
            "endtoend_id": f"INVOICE-{number}",
        }
    )


def figures():
    text = debits.export(validate=True).decode()
    head = re.search(r"<NbOfTxs>(.*?)</NbOfTxs>\s*<CtrlSum>(.*?)</CtrlSum>", text)
    return head.groups(), re.findall(r"<EndToEndId>(.*?)<", text)


print("sepaxml", version("sepaxml"))
first, second = figures(), figures()
print(first, second, sep="\n")
assert first == (("2", "35.50"), ["INVOICE-1", "INVOICE-2"])
assert second == (
    ("6", "106.50"),
    ["INVOICE-1", "INVOICE-2", "INVOICE-1", "INVOICE-2"],
), "a second export is different now"
PY
