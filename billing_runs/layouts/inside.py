"""What Odoo prints its own way gets the seller on page 1 too, also by a program that prints no
headers: no ORM."""

import lxml.html

from .reader import CLASSED, collect, say

#: millimetres above the body, where the header is part of it
TOP = 10
DOCTYPE = "<!DOCTYPE html>"


def with_seller(
    bodies, header: str | None, footer: str | None, said: dict[str, str], inside: bool
) -> tuple[list[str], str | None, str | None]:
    """Return bodies, headers and footers that say all that they have to of the seller.

    :param bodies: for each body a document, as Odoo's ``_prepare_html`` makes them
    :param header: a document with the headers of all
    :param footer: a document with the footers of all
    :param said: what each document has to say: ``{words to look for: text to add}``
    :param inside: whether headers and footers become part of the bodies, because they would not be
        printed otherwise; there are none besides then
    """
    headers = collect(header, "minimal_layout_report_headers")
    footers = collect(footer, "minimal_layout_report_footers")
    found = []
    for place, body in enumerate(bodies):
        root = lxml.html.document_fromstring(str(body))
        above = headers[place] if place < len(headers) else None
        below = footers[place] if place < len(footers) else None
        articles = root.body.xpath(CLASSED.format("article"))
        say(said, above, articles[0] if articles else root.body, below)
        if inside and above is not None:
            root.body.insert(0, above)
        if inside and below is not None:
            for number in below.xpath(CLASSED.format("page")):
                number.getparent().drop_tree()  # nobody counts the pages
            root.body.append(below)
        found.append(_written(root))
    if inside:
        return found, None, None
    return found, _written(headers[0].getroottree().getroot()) if headers else header, footer


def _written(root):
    return lxml.html.tostring(root, doctype=DOCTYPE, encoding="unicode")
