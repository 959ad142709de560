#!/bin/sh
# mt-940 5.1.1, parse(): banks put the statements of several accounts into one file. parse() gives
# their payments in one list, with the account number of the last statement alone: payments to
# the first account look as if the last one had got them. parse_statements() keeps them apart.
# Seen: two accounts with a payment each; two payments, account 37040044/0532013999.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mt-940==5.1.1
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import mt940

STATEMENT = """:20:STATEMENT
:25:37040044/{account}
:28C:1/1
:60F:C260101EUR100,00
:61:2601020102C50,00NTRFNONREF
:86:{text}
:62F:C260102EUR150,00
-
"""
text = STATEMENT.format(account="0532013000", text="Invoice 1")
text += STATEMENT.format(account="0532013999", text="Invoice 2")


def facts(statement):
    return (
        statement.data["account_identification"],
        [payment.data["transaction_details"] for payment in statement],
    )


together = facts(mt940.parse(text))
apart = [facts(statement) for statement in mt940.parse_statements(text)]
print("mt-940", version("mt-940"))
print(together, apart, sep="\n")
assert together == (
    "37040044/0532013999",
    ["Invoice 1", "Invoice 2"],
), "parse() is different now"
assert apart == [
    ("37040044/0532013000", ["Invoice 1"]),
    ("37040044/0532013999", ["Invoice 2"]),
], "parse_statements() is different now"
PY
