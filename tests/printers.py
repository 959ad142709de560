"""The programs that print, for tests, and what can be read from what they print."""

import shutil
from functools import cache

import pypdfium2

from ..billing_runs.layouts.chromium import NAMES, Chromium
from ..billing_runs.layouts.webkit import Webkit

#: millimetres and pixels
SCALE = 2.0
POINT = 72 / 25.4


@cache
def webkit():
    """Return wkhtmltopdf as a printer."""
    binary = shutil.which("wkhtmltopdf")
    assert binary, "This test needs wkhtmltopdf: apt-get install wkhtmltopdf"
    return Webkit(binary, patched=False)


@cache
def chromium():
    """Return Chromium as a printer."""
    binary = next(filter(None, map(shutil.which, NAMES)), None)
    assert binary, "This test needs Chromium: apt-get install chromium-headless-shell"
    return Chromium(binary)


def any_printer():
    """Return one of the two, for what each of them does; see ``needs_program``."""
    return webkit() if shutil.which("wkhtmltopdf") else chromium()


def close():
    """End the browsers that tests have left waiting."""
    if chromium.cache_info().currsize:
        chromium().close()


def plain(text):
    """Return a text without blanks, which readers of PDFs put anywhere."""
    return "".join(str(text).split())


def pages(content):
    """Return the pages of a PDF as texts without blanks."""
    document = pypdfium2.PdfDocument(content)
    return [plain(page.get_textpage().get_text_range()) for page in document]


def beyond(content):
    """Return the letters of a PDF that are beyond the left or right edge of their page."""
    found = []
    for page in pypdfium2.PdfDocument(content):
        text, width = page.get_textpage(), page.get_width()
        for place in range(text.count_chars()):
            left, _bottom, right, _top = text.get_charbox(place)
            if left < -1 or right > width + 1:
                found.append(text.get_text_range(place, 1))
    return found


def picture(content, page, paper=None):
    """Return the pixels of a page, those between header and footer where a paper is given."""
    image = pypdfium2.PdfDocument(content)[page].render(scale=SCALE).to_pil().convert("RGB")
    if paper:
        top, bottom = paper.top * POINT * SCALE, paper.bottom * POINT * SCALE
        image = image.crop((0, int(top) + 4, image.width, image.height - int(bottom) - 4))
    return image.tobytes()
