#!/bin/sh
# typst 0.15.2: a label on a table cell is found twice, so that a sum over labelled cells, of a bill's
# amounts for a subtotal carried over say, comes to the double. A label on the text inside of the cell is
# found once.
# Seen: for 60 lines that come to 1830, 120 labelled cells that come to 3660; 60 labelled texts, 1830.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check typst==0.15.2
"$folder/venv/bin/python" - <<'PYTHON'
import json

import typst

SOURCE = """
#set page(width: 90mm, height: 60mm, margin: 8mm)
#table(
  columns: (1fr, auto),
  ..range(1, 61).map(n => ([Line #n], AMOUNT)).flatten(),
)
"""


def found(amount):
    source = SOURCE.replace("AMOUNT", amount).encode()
    return json.loads(typst.query(source, "<amount>"))


cells = [int(cell["body"]["text"]) for cell in found("[#table.cell(str(n))<amount>]")]
texts = [int(text["text"]) for text in found("[#text(str(n))<amount>]")]
print(f"{len(cells)} labelled cells that come to {sum(cells)}")
print(f"{len(texts)} labelled texts that come to {sum(texts)}")
assert (len(texts), sum(texts)) == (60, 1830)
assert (len(cells), sum(cells)) == (120, 3660), "Labelled cells are found once."
PYTHON
