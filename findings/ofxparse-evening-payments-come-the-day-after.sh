#!/bin/sh
# ofxparse 0.21: a posting time with a zone is turned into UTC and comes back without one. What a
# bank in New York posted in the evening of 31 January has the date of 1 February: a payment falls
# into the next month, and behind a due date. A bank that sends no zone keeps its dates.
# Seen: 20260131233000[-5:EST] -> 2026-02-01 04:30, 20260131 -> 2026-01-31 00:00.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    ofxparse==0.21 beautifulsoup4==4.15.0 lxml==6.1.3
"$folder/venv/bin/python" - <<'PY'
import io
from importlib.metadata import version

from ofxparse import OfxParser

HEAD = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS>
<DTSERVER>20260205<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS>
<STMTRS><CURDEF>USD<BANKACCTFROM><BANKID>1<ACCTID>2<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260101<DTEND>20260205
"""
PAYMENT = "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>{}<TRNAMT>50.00<FITID>{}<NAME>Customer</STMTTRN>\n"
TAIL = """</BANKTRANLIST><LEDGERBAL><BALAMT>1.00<DTASOF>20260205</LEDGERBAL>
</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"""

days = ("20260131233000.000[-5:EST]", "20260131233000", "20260131")
text = HEAD + "".join(PAYMENT.format(day, number) for number, day in enumerate(days)) + TAIL
payments = OfxParser.parse(io.BytesIO(text.encode())).account.statement.transactions
found = [str(payment.date) for payment in payments]
print("ofxparse", version("ofxparse"))
print(*zip(days, found), sep="\n")
assert found == [
    "2026-02-01 04:30:00",
    "2026-01-31 23:30:00",
    "2026-01-31 00:00:00",
], "ofxparse reads dates differently now"
PY
