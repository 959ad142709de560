"""HTML that people wrote for invoices, as paragraphs of plain text: no ORM."""

from lxml import etree, html

BLOCKS = {
    "address", "article", "blockquote", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip
UNREAD = {"script", "style", "head", "title"}


def paragraphs(text: str | None) -> list[str]:
    """Return the paragraphs of a piece of HTML; lines within one are kept."""
    if not text or not str(text).strip():
        return []
    found, line = [], []

    def end():
        joined = "".join(line)
        lines = [" ".join(part.split()) for part in joined.split("\n")]
        kept = "\n".join(part for part in lines if part)
        if kept:
            found.append(kept)
        line.clear()

    def walk(node):
        if not isinstance(node.tag, str) or node.tag in UNREAD:
            return
        block = node.tag in BLOCKS
        if block:
            end()
        if node.tag == "br":
            line.append("\n")
        elif node.tag == "li":
            line.append("• ")
        elif node.tag in ("td", "th"):
            line.append(" ")
        line.append(_flat(node.text))
        for child in node:
            walk(child)
            line.append(_flat(child.tail))
        if block:
            end()

    try:
        root = html.fragment_fromstring(str(text), create_parent="div")
    except (etree.ParserError, ValueError):
        return []
    walk(root)
    end()
    return found


def _flat(text):
    return (text or "").replace("\r", " ").replace("\n", " ")
