"""Pictures for bills, made safe and small: no ORM."""

import io
import re

from lxml import etree
from PIL import Image, UnidentifiedImageError

#: pixels that a logo has at most: 300 dots an inch on a width of 80 mm
LOGO_PIXELS = (960, 480)
#: nothing bigger is even looked at
LARGEST_PIXELS = 80_000_000
#: bytes of a drawing, which goes into every bill as it is
LARGEST_SVG = 500_000
OUTSIDE = re.compile(r"""url\(\s*['"]?(?!#)|@import""", re.IGNORECASE)
DATA = re.compile(r"#|data:image/(png|jpe?g|gif);")
XLINK = "{http://www.w3.org/1999/xlink}href"


def prepare_logo(content: bytes | None) -> tuple[str, bytes] | None:
    """Return a logo as ``(ending of its file's name, content)``, None for what is no picture.

    Pixels are scaled down to what print can show. An SVG file keeps its lines, unless it refers to
    something outside of itself, runs a script or is so big that all bills would be.
    """
    if not content:
        return None
    if content.lstrip()[:1] == b"<":
        small = len(content) <= LARGEST_SVG
        return ("svg", content) if small and is_safe_svg(content) else None
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > LARGEST_PIXELS:
                return None
            image.draft("RGB", LOGO_PIXELS)
            if image.mode not in ("RGB", "RGBA"):
                image = image.convert("RGBA")
            image.thumbnail(LOGO_PIXELS)
            target = io.BytesIO()
            image.save(target, format="PNG", optimize=True)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    return "png", target.getvalue()


def is_safe_svg(content: bytes) -> bool:
    """Return whether a file is an SVG picture that refers to nothing outside of itself."""
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return False
    if etree.QName(root).localname != "svg" or root.getroottree().docinfo.doctype:
        return False
    for node in root.iter():
        if not isinstance(node.tag, str):
            continue
        name = etree.QName(node).localname
        if name in ("script", "foreignObject") or OUTSIDE.search(node.text or ""):
            return False
        for key, value in node.attrib.items():
            if key in ("href", XLINK) and not DATA.match(value):
                return False
            if OUTSIDE.search(value):
                return False
    return True


def readable(color: str | None, default: str) -> str:
    """Return a colour as ``#rrggbb``, darkened until text in it can be read on white paper."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color or ""):
        color = default
    parts = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
    while _contrast(parts) < 4.5:
        parts = [int(part * 0.9) for part in parts]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def _contrast(parts):
    def linear(part):
        part /= 255
        return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = map(linear, parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
