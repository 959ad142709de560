#!/bin/sh
# asn1tools 0.169.0, decode(): switches often write call records in BER one after the other into
# one file. decode() returns the first one and says nothing of the rest: a file of three calls is
# read, without an error, as one. decode_with_length() says how far it came.
# Seen: 45 bytes, one record of 15 bytes returned; in a loop by the length all three.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check asn1tools==0.169.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import asn1tools

records = asn1tools.compile_string(
    """
    Calls DEFINITIONS AUTOMATIC TAGS ::= BEGIN
        Call ::= SEQUENCE { caller IA5String, seconds INTEGER }
    END
    """,
    "ber",
)
calls = [{"caller": "49301234", "seconds": seconds} for seconds in (10, 20, 30)]
content = b"".join(records.encode("Call", call) for call in calls)

first = records.decode("Call", content)
found, rest = [], content
while rest:
    call, length = records.decode_with_length("Call", rest)
    found.append(call)
    rest = rest[length:]
print("asn1tools", version("asn1tools"))
print(len(content), first, found, sep="\n")
assert (len(content), first) == (45, calls[0]), "decode() is different now"
assert found == calls, "decode_with_length() is different now"
PY
