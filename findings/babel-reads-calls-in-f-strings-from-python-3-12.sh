#!/bin/sh
# Babel 2.18.0: whether its extractor for Python finds a call inside an f-string depends on the Python that runs
# it. Up to 3.11 tokenize gives an f-string as one string, and a call of _() in its braces is passed over in
# silence; from 3.12 on it gives the parts, and the call is found like any other. The same sources thus make two
# lists of terms, and a text that was never in the list is never translated, wherever the list was made by the
# older Python; a term beside the f-string is found by both. Odoo's export of terms (trans_export) uses it.
# Seen: 3.11.7 finds "Outside" alone; 3.12.1 and 3.13.0 find "Inside" and "Outside".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.18.0
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

from babel.messages.extract import extract

source = b"""
text = f"({_('Inside')})"
text = "(" + _("Outside") + ")"
"""
found = [message for _line, message, _comments, _context in extract("python", io.BytesIO(source))]
print(".".join(map(str, sys.version_info[:3])), "finds", found)
expected = ["Inside", "Outside"] if sys.version_info >= (3, 12) else ["Outside"]
assert found == expected, "Calls in f-strings are found otherwise now."
PYTHON
