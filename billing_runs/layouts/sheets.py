"""What is printed, as plain data: pieces of HTML, the paper they go on, documents of them."""

from dataclasses import dataclass, field, replace

#: millimetres that the paper of a header or footer is longer than the page it is laid under, so
#: that what is too tall for its margin is cut off by the page's edge and not moved
BEYOND = 300
#: stand for the number of the page and the number of pages, in headers and footers
PAGE, PAGES = "\ue5f0", "\ue5f1"
#: options of wkhtmltopdf that say the same as a field of Paper, or that nothing here needs
_DROPPED = {"--javascript-delay", "--cookie-jar", "--viewport-size"}
_SIZES = {"--page-width": "width", "--page-height": "height"}
_MARGINS = {
    "--margin-top": "top",
    "--margin-bottom": "bottom",
    "--margin-left": "left",
    "--margin-right": "right",
    "--header-spacing": "spacing",
}
_WITHOUT_VALUE = {
    "--quiet",
    "--disable-local-file-access",
    "--header-line",
    "--disable-smart-shrinking",
}


@dataclass(frozen=True)
class Paper:
    """A paper format: everything in millimetres."""

    width: float = 210.0
    height: float = 297.0
    top: float = 0.0
    bottom: float = 0.0
    left: float = 0.0
    right: float = 0.0
    #: how far above the body a header begins
    spacing: float = 0.0
    #: further options of wkhtmltopdf
    options: tuple[str, ...] = ()

    @classmethod
    def from_options(cls, options, sizes):
        """Return the paper that options of wkhtmltopdf say.

        :param list options: as ``ir.actions.report._build_wkhtmltopdf_args`` returns them
        :param dict sizes: width and height by name of a paper
        """
        values, kept, landscape = {}, [], False
        rest = iter(options)
        for option in rest:
            if option in _WITHOUT_VALUE or not option.startswith("--"):
                kept.append(option)
                continue
            value = str(next(rest, ""))
            if option == "--page-size":
                values["width"], values["height"] = sizes[value]
            elif option in _SIZES:
                values[_SIZES[option]] = float(value.removesuffix("mm"))
            elif option in _MARGINS:
                values[_MARGINS[option]] = float(value.removesuffix("mm"))
            elif option == "--orientation":
                landscape = value.lower() == "landscape"
            elif option not in _DROPPED:
                kept += [option, value]
        paper = cls(**values, options=tuple(kept))
        return replace(paper, width=paper.height, height=paper.width) if landscape else paper

    def for_header(self):
        """Return the paper of a header that is laid under pages of this paper."""
        return self._beyond(max(self.top - self.spacing, 0.0))

    def for_footer(self):
        """Return the paper of a footer that is laid under pages of this paper."""
        return self._beyond(self.height - self.bottom)

    def _beyond(self, top):
        return replace(self, top=top, bottom=0.0, height=self.height + BEYOND)


@dataclass(frozen=True)
class Piece:
    """What goes between the tags of a page's body, with the styles it needs."""

    html: str
    css: str = ""
    #: attributes of the tags ``html`` and ``body``, as text
    of_html: str = ""
    of_body: str = ""

    def numbered(self, page: int, pages: int):
        """Return the same piece with the number of a page in it."""
        html = self.html.replace(PAGE, str(page)).replace(PAGES, str(pages))
        return replace(self, html=html) if html != self.html else self


@dataclass(frozen=True)
class Sheet:
    """One thing to print: a piece on a paper, which may come to several pages."""

    piece: Piece
    paper: Paper
    #: printed by the renderer itself on every page, where it can
    header: Piece | None = None
    footer: Piece | None = None
    #: whether it is one page, a header or footer
    is_frame: bool = False


@dataclass
class Document:
    """A document to print: bodies one after the other, each with its own header and footer."""

    name: str
    fonts: str
    sheets: list[Sheet] = field(default_factory=list)
