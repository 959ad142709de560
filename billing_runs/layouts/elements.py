"""Elements of structured invoices: their names, and how one is put where the schema has it: no ORM."""

from decimal import Decimal

from lxml import etree

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
UDT = "{urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100}"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


def number_of(element) -> Decimal:
    """Return the number in an element, 0 for none."""
    return Decimal((element.text if element is not None else None) or 0)


def new(parent, tag: str, text: str | None = None) -> "etree._Element":
    """Return an element that is not in the document yet."""
    element = parent.makeelement(tag, nsmap=parent.nsmap)
    element.text = text
    return element


def append(parent, tag: str, text: str | None = None) -> "etree._Element":
    """Put a new element behind all others, and return it."""
    element = new(parent, tag, text)
    parent.append(element)
    return element


def place_after(parent, tags, otherwise: int = 0) -> int:
    """Return the place behind the last of the children with these names."""
    places = [place for place, child in enumerate(parent) if child.tag in tags]
    return places[-1] + 1 if places else otherwise


def insert(parent, element, after, first: int = 0) -> None:
    """Put an element behind the last of those that the schema has before it."""
    parent.insert(place_after(parent, after, first), element)


def drop(parent, *tags: str) -> None:
    """Take the children with these names out."""
    for tag in tags:
        for child in parent.findall(tag):
            parent.remove(child)
