"""Headers and footers, printed once and laid under the pages they belong to: no ORM."""

import hashlib
import io
import re
import threading
from collections import OrderedDict
from importlib.util import find_spec

#: bytes of printed headers and footers that a process keeps
KEPT = 16 << 20
#: the white ground that wkhtmltopdf paints before anything else, and what paints in a PDF
GROUND = re.compile(
    rb"q\n/CSp cs 1 1 1 scn\n/GSa gs\nq\n[\d. ]+ cm\n[-\d. ]+ re\nf\nQ\n/CSp cs", re.ASCII
)
PAINTS = re.compile(rb"(?:^|\s)(?:[fFBbSs]\*?|Do|Tj|TJ|sh|EI)\s")


def is_available() -> bool:
    """Return whether ``pikepdf`` can be imported here."""
    return find_spec("pikepdf") is not None


class Frames:
    """Printed headers and footers, the latest of them kept: most bills have the same."""

    def __init__(self, kept: int = KEPT):
        self._kept = kept
        self._size = 0
        self._found = OrderedDict()
        self._lock = threading.Lock()

    def print_all(self, printer, sheets, fonts) -> dict:
        """Return ``{sheet: its PDF, or the exception that says why there is none}``."""
        results, todo = {}, {}
        keys = {sheet: _key(printer, sheet, fonts) for sheet in dict.fromkeys(sheets)}
        with self._lock:
            for sheet, key in keys.items():
                if key in self._found:
                    self._found.move_to_end(key)
                    results[sheet] = self._found[key]
                else:
                    todo[sheet] = key
        made = printer.print_all(list(todo), fonts)
        for (sheet, key), content in zip(todo.items(), made, strict=True):
            results[sheet] = content
            if not isinstance(content, Exception):
                self._keep(key, content)
        return results

    def _keep(self, key, content):
        with self._lock:
            if key not in self._found:
                self._size += len(content)
            self._found[key] = content
            while self._size > self._kept and len(self._found) > 1:
                self._size -= len(self._found.popitem(last=False)[1])


def _key(printer, sheet, fonts):
    about = f"{type(printer).__name__}|{fonts}|{sheet}".encode("utf-8", "replace")
    return hashlib.sha256(about).digest()


class Underlay:
    """Lays printed headers and footers under the pages of other PDFs; both begin at the upper
    edge. What it read stays open until it is closed, for the PDFs are written afterwards."""

    def __init__(self):
        self._sources = {}

    def lay(self, pdf, frames: list) -> None:
        """Lay what is given for each page of a pikepdf PDF under it.

        :param list frames: for each page a list of PDFs of one page
        """
        import pikepdf

        forms = {}
        for page, contents in zip(pdf.pages, frames, strict=True):
            top = float(page.mediabox[3])
            under = b""
            for content in contents:
                if content not in forms:
                    forms[content] = self._form(pdf, content)
                form, height = forms[content]
                name = page.add_resource(form, pikepdf.Name.XObject)
                under += f"q 1 0 0 1 0 {top - height:.3f} cm {name} Do Q\n".encode()
            if under:
                _lift(pdf, page)
                page.contents_add(under, prepend=True)

    def _form(self, pdf, content):
        """Return a frame as an object of a PDF, and its height."""
        import pikepdf

        if content not in self._sources:
            self._sources[content] = pikepdf.open(io.BytesIO(content))
        page = self._sources[content].pages[0]
        return pdf.copy_foreign(page.as_form_xobject()), float(page.mediabox[3])

    def close(self):
        for source in self._sources.values():
            source.close()


def _lift(pdf, page):
    """Take the white ground from under a page's body, for it would hide what is laid under it."""
    page.contents_coalesce()
    content = page.Contents.read_bytes()
    match = GROUND.search(content)
    if match and not PAINTS.search(content, 0, match.start()):
        rest = content[match.end() :]
        page.Contents = pdf.make_stream(content[: match.start()] + b"q\n/CSp cs" + rest)
