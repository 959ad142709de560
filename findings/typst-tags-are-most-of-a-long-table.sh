#!/bin/sh
# typst 0.15.2: PDFs are tagged unless one says otherwise, and of a long table the structure is most of
# the file: a list of 2,000 calls in six columns has 18 times the size. It can be left out with the
# standard a-3b, but not with ua-1, so that an archive has small lists or lists that can be read aloud.
# Seen: tagged 2,503,216 bytes, without tags 135,796, as PDF/A-3b without tags 139,469.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check typst==0.15.2
"$folder/venv/bin/python" - <<'PYTHON'
import typst

SOURCE = b"""
#set document(title: "Calls", date: datetime(year: 2026, month: 10, day: 31))
#set text(lang: "en", size: 8pt)
= Calls
#table(
  columns: 6,
  table.header([Day], [Time], [Number], [Seconds], [Class], [Amount]),
  ..range(2000).map(n => (
    [2026-10-#(1 + calc.rem(n, 31))], [12:00], [4930#(100000 + n)], [#calc.rem(n * 7, 600)],
    [National], [0.#(1000 + n)],
  )).flatten(),
)
"""


def size(**options):
    return len(typst.compile(SOURCE, format="pdf", **options))


tagged, plain = size(), size(pdf_tags=False)
archive = size(pdf_standards=["a-3b"], pdf_tags=False)
print(f"tagged {tagged:,} bytes, without tags {plain:,}, as PDF/A-3b without tags {archive:,}")
assert tagged > 5 * plain, "The structure of a table has become small."
assert archive < 2 * plain
try:
    size(pdf_standards=["ua-1"], pdf_tags=False)
except Exception as error:
    print("ua-1 without tags:", error)
else:
    raise SystemExit("PDF/UA without tags is not refused any more.")
PYTHON
