"""From the HTML of Odoo's reports to sheets: everything in it that is read at another place is
put into it."""

import re
from dataclasses import dataclass
from html import escape

import lxml.html
from lxml import etree
from markupsafe import Markup

from .css import names_in, replace_urls
from .resources import BLANK, LARGE, scaled
from .sheets import PAGE, PAGES, Piece, Sheet

#: stands for the body while Odoo's own frame of HTML is read
BODY = "\ue5f2"
NUMBERS = {"page": PAGE, "topage": PAGES, "section": "", "subsection": "", "subsubsection": ""}
#: what a sheet of paper has no use for
ACTIVE = ".//script | .//iframe | .//object | .//embed | .//base | .//link | .//meta"
#: words of scripts that are written from right to left
LETTER = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"
WORDS = re.compile(f"({LETTER}(?:(?:{LETTER}|\\s)*{LETTER})?)")
CLASSED = "descendant-or-self::*[contains(concat(' ', normalize-space(@class), ' '), ' {} ')]"
#: tables of wkhtmltopdf grow slow with their rows
ROWS, LONG = 500, 4 << 20


class ScriptError(Exception):
    """A report brings a script of its own: its renderer has to run it."""


@dataclass
class Page:
    """The body of a page, with what its document says around it."""

    html: str
    links: tuple[str, ...] = ()
    styles: str = ""
    of_html: str = ""
    of_body: str = ""


@dataclass
class Entry:
    """A body with its header and footer, and the record it is about."""

    body: Page
    header: Page | None
    footer: Page | None
    record: int | None = None


class Reader:
    """Reads what one report of Odoo has rendered.

    :param report: the ``ir.actions.report``, with the rights to read its frame
    :param resources: :class:`~.resources.Resources`
    """

    def __init__(self, report, resources):
        self._report = report
        self._resources = resources
        self._frames = {}
        #: what the report that was read says about its paper
        self.specific = {}

    # === FROM A REPORT'S HTML === #

    def read_report(self, html, said=None) -> list[Entry]:
        """Return the bodies of a report's HTML, in order.

        :param dict said: by record, what its document has to say: ``{words to look for: text}``
        :raise ScriptError: where the report brings a script
        """
        root = lxml.html.fromstring(html, parser=lxml.html.HTMLParser(encoding="utf-8"))
        main = root.xpath("//main")[0]
        self.specific = {
            name: value for name, value in root.items() if name.startswith("data-report-")
        }
        headers, footers = self._taken(main, "header"), self._taken(main, "footer")
        articles = main.xpath(CLASSED.format("article"))
        if len(articles) > 1 and any(
            len(found) not in (0, len(articles)) for found in (headers, footers)
        ):
            raise ValueError("The report does not say which header belongs to which document.")
        return [
            self._entry(article, _at(headers, place), _at(footers, place), said or {})
            for place, article in enumerate(articles)
        ]

    @staticmethod
    def _taken(main, name):
        found = main.xpath(CLASSED.format(name) + "[self::div]")
        for node in found:
            node.drop_tree()
        return found

    def _entry(self, article, header, footer, said):
        lang = article.get("data-oe-lang")
        record = article.get("data-oe-id")
        about = article.get("data-oe-model") == self._report.model
        record = int(record) if about and record else None
        say(said.get(record, {}), header, article, footer)
        return Entry(
            body=self._framed(article, lang),
            header=header is not None and self._framed(header, lang, numbered=True) or None,
            footer=footer is not None and self._framed(footer, lang, numbered=True) or None,
            record=record,
        )

    def _framed(self, node, lang, numbered=False):
        """Return a node in Odoo's own frame of HTML, as a page."""
        self._settle(node, logo=numbered)
        if numbered:
            _number(node)
        if lang not in self._frames:
            self._frames[lang] = self._frame(lang)
        page, before, after = self._frames[lang]
        if 'dir="rtl"' in page.of_body:
            _set_apart(node)
        html = before + lxml.html.tostring(node, encoding="unicode", with_tail=False) + after
        return Page(html, page.links, page.styles, page.of_html, page.of_body)

    def _frame(self, lang):
        qweb = self._report.env["ir.qweb"]
        if lang:
            qweb = qweb.with_context(lang=lang)
        layout = self._report._get_layout()
        text = qweb._render(
            layout.id,
            {
                "subst": False,
                "body": Markup(BODY),
                "base_url": self._report._get_report_url(layout=layout),
                "report_xml_id": self._report.xml_id,
                "debug": False,
            },
        )
        page = self._page(lxml.html.document_fromstring(str(text)))
        before, _body, after = page.html.partition(BODY)
        return page, before, after

    # === FROM WHOLE DOCUMENTS === #

    def read_documents(self, bodies, header, footer, scripts=False) -> list[Entry]:
        """Return entries of the documents that ``_prepare_html`` of Odoo makes.

        :raise ScriptError: where a body brings a script

        :param bodies: for each body a document
        :param header: a document with the headers of all
        :param footer: a document with the footers of all
        :param bool scripts: whether those of the bodies are left out, for nothing here runs them
        """
        headers = self._collected(header, "minimal_layout_report_headers")
        footers = self._collected(footer, "minimal_layout_report_footers")
        entries = []
        for place, body in enumerate(bodies):
            root = lxml.html.document_fromstring(str(body))
            self._settle(root.body, active=not scripts)
            entries.append(Entry(self._page(root), _at(headers, place), _at(footers, place)))
        return entries

    def _collected(self, text, name):
        """Return the headers or footers of a document, each as a page."""
        if not text:
            return []
        root = lxml.html.document_fromstring(str(text))
        self._settle(root.body, logo=True, active=False)
        found = []
        for parent in root.xpath(f"//*[@id='{name}']"):
            nodes = list(parent)
            for node in nodes:
                parent[:] = [node]
                _number(node)
                found.append(self._page(root))
        return found

    # === BOTH === #

    def _page(self, root):
        """Return a document as a page."""
        body = root.body
        links = root.xpath("//head/link[@rel='stylesheet']/@href")
        styles = "\n".join(root.xpath("//head/style/text()"))
        inner = escape(body.text or "", quote=False)
        inner += "".join(lxml.html.tostring(node, encoding="unicode") for node in body)
        return Page(
            inner,
            tuple(map(str, links)),
            replace_urls(styles, self._resources.data_uri),
            _attributes(root),
            _attributes(body),
        )

    def _settle(self, node, logo=False, active=True):
        """Put what a node refers to into it.

        :param bool logo: whether its pictures are small
        :param bool active: whether a script matters
        """
        for found in node.xpath(ACTIVE):
            if found.tag == "script" and active:
                raise ScriptError
            found.drop_tree()
        for found in node.xpath("descendant-or-self::*[@src or @srcset or @background or @poster]"):
            for name in ("srcset", "poster"):
                found.attrib.pop(name, None)
            for name in ("src", "background"):
                if found.get(name):
                    found.set(name, self._picture(found.get(name), logo))
        for found in node.xpath(".//*[self::image or self::use]"):
            for name in ("href", "xlink:href"):
                if found.get(name) and not found.get(name).startswith("#"):
                    found.set(name, self._picture(found.get(name), logo))
        for found in node.xpath("descendant-or-self::*[contains(@style, 'url(')]"):
            found.set("style", self._style(found.get("style")))

    def _picture(self, address, logo=False):
        data = self._resources.data_uri(address) or BLANK
        return scaled(data, logo) if len(data) > LARGE else data

    def _style(self, style):
        """Return a style whose pictures are in it; one that is in it already may be large."""

        def small(match):
            address = match[1].strip("\"' ")
            return f"url({scaled(address, False) if len(address) > LARGE else address})"

        style = replace_urls(style, self._resources.data_uri).replace('url("', "url('")
        style = style.replace('")', "')")
        return re.sub(r"url\(([^)]*)\)", small, style)

    def sheets(self, entries, paper) -> tuple[list[Sheet], str]:
        """Return ``(a sheet for each entry, path of the fonts.conf they need)``.

        Bodies have the styles of all of them, so that they can be printed together; a header or
        footer has its own alone, so that it is the same in the next batch.
        """
        names = {}
        for entry in entries:
            links = entry.body.links
            names[links] = names.get(links, frozenset()) | _names(entry.body)
        styles = {links: self._resources.css(links, found) for links, found in names.items()}
        pieces = {}

        def frame(page):
            if page is None:
                return None
            key = (page.html, page.links)
            if key not in pieces:
                pieces[key] = _piece(page, self._resources.css(page.links, _names(page)))
            return pieces[key]

        sheets = [
            Sheet(
                _piece(entry.body, styles[entry.body.links]),
                paper,
                frame(entry.header),
                frame(entry.footer),
            )
            for entry in entries
        ]
        links = tuple(dict.fromkeys(link for found in names for link in found))
        return sheets, self._resources.fonts(links)


def collect(text: str | None, name: str) -> list:
    """Return the headers or footers in a document that has those of all.

    :param name: id of what has them as its children
    """
    if not text:
        return []
    root = lxml.html.document_fromstring(str(text))
    return [node for parent in root.xpath(f"//*[@id='{name}']") for node in list(parent)]


def say(wanted: dict[str, str], header, article, footer) -> None:
    """Add what none of a document's parts says, below the seller's address.

    :param wanted: ``{words to look for: text to add}``
    """
    nodes = [node for node in (header, article, footer) if node is not None]
    said = "".join("".join(node.text_content().split()) for node in nodes) if wanted else ""
    place = header if header is not None else article
    for words, text in wanted.items():
        if "".join(words.split()) not in said:
            lists = place.xpath(".//ul[@name='company_address_list']")
            line = etree.SubElement(lists[0], "li") if lists else lxml.html.Element("div")
            line.text = text
            if not lists:
                place.insert(0 if place is article else len(place), line)


def _set_apart(node):
    """Put words from right to left into elements of their own: with a blank or a sign at their
    side, wkhtmltopdf puts them beyond the edge."""
    for part in list(node.iter()):
        if isinstance(part.tag, str):
            _set_words_apart(
                part, 0, part.text, lambda text, part=part: setattr(part, "text", text)
            )
        parent = part.getparent()
        if parent is not None and part is not node:
            place = parent.index(part) + 1
            _set_words_apart(
                parent, place, part.tail, lambda text, part=part: setattr(part, "tail", text)
            )


def _set_words_apart(parent, place, text, set_text):
    """Set the words of one text apart.

    :param int place: of the first new element among its parent's
    :param set_text: takes what stays text
    """
    if not text or not WORDS.search(text):
        return
    first, *parts = WORDS.split(text)
    set_text(first)
    for words, after in zip(parts[::2], parts[1::2], strict=True):
        element = etree.Element("billing-words")
        element.text, element.tail = words, after
        parent.insert(place, element)
        place += 1


def _at(found, place):
    return found[place] if place < len(found) else None


def _names(page):
    return names_in(page.html) | names_in(f"<html{page.of_html}><body{page.of_body}>")


def _piece(page, css):
    html = page.html
    if len(html) >= LONG:
        html = _with_short_tables(html)
    return Piece(html, f"{css}\n{page.styles}", page.of_html, page.of_body)


def _attributes(node):
    return "".join(
        f' {name}="{escape(value)}"'
        for name, value in node.attrib.items()
        if not name.startswith("on")
    )


def _number(node):
    """Put in what stands for page numbers where Odoo's script puts them."""
    for name, text in NUMBERS.items():
        for found in node.xpath(CLASSED.format(name)):
            del found[:]
            found.text = text


def _with_short_tables(html):
    """Return HTML whose long tables are cut into several, as Odoo does it."""
    root = lxml.html.fragment_fromstring(html, create_parent="div")
    for table in list(root.iter("table")):
        rows, before = list(table), table
        for start in range(ROWS, len(rows), ROWS):
            part = etree.Element("table", dict(table.attrib))
            part.extend(rows[start : start + ROWS])
            before.addnext(part)
            before = part
    inner = escape(root.text or "", quote=False)
    return inner + "".join(lxml.html.tostring(node, encoding="unicode") for node in root)
