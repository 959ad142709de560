"""From documents as plain data to their PDFs: no ORM."""

import io
from contextlib import ExitStack
from itertools import pairwise

from .children import PrintError
from .frames import Frames, Underlay
from .sheets import Document, Sheet

_FRAMES = Frames()


def print_documents(printer, documents: list[Document]) -> list:
    """Return for each document its PDF, or the ``PrintError`` that says why there is none.

    :param printer: :class:`~.webkit.Webkit` or :class:`~.chromium.Chromium`
    """
    results = {}
    by_fonts = {}
    for number, document in enumerate(documents):
        by_fonts.setdefault(document.fonts, []).append(number)
    for fonts, numbers in by_fonts.items():
        made = _print_alike(printer, [documents[number] for number in numbers], fonts)
        results.update(zip(numbers, made, strict=True))
    return [results[number] for number in range(len(documents))]


def _print_alike(printer, documents, fonts):
    """Print documents with the same fonts."""
    sheets = [
        sheet if printer.prints_headers else Sheet(sheet.piece, sheet.paper)
        for document in documents
        for sheet in document.sheets
    ]
    bodies = iter(printer.print_all(sheets, fonts))
    parts = [[next(bodies) for _sheet in document.sheets] for document in documents]
    if printer.prints_headers:
        return [_first_error(part) or joined(part) for part in parts]
    return _with_frames(printer, documents, parts, fonts)


def _first_error(results):
    return next((result for result in results if isinstance(result, Exception)), None)


def joined(contents: list[bytes], outline: bool = False) -> bytes:
    """Return PDFs as one.

    :param bool outline: whether it says where each of them begins, as wkhtmltopdf's would
    """
    if len(contents) == 1:
        return contents[0]
    import pikepdf

    with ExitStack() as opened:
        pdfs = [opened.enter_context(pikepdf.open(io.BytesIO(content))) for content in contents]
        first, starts = pdfs[0], []
        count = len(first.pages)
        for pdf in pdfs[1:]:
            starts.append(count)
            count += len(pdf.pages)
            first.pages.extend(pdf.pages)
        if outline:
            _set_outline(first, [0, *starts])
        return _saved(first)


def _set_outline(pdf, starts):
    """Write what Odoo reads to tell documents apart: named places, and a chain of items."""
    import pikepdf

    places = {f"/document{number}": start for number, start in enumerate(starts, start=1)}
    pdf.Root.Dests = pikepdf.Dictionary(
        {name: pikepdf.Array([start, pikepdf.Name.Fit]) for name, start in places.items()}
    )
    items = [
        pdf.make_indirect(pikepdf.Dictionary(Title=name[1:], Dest=pikepdf.Name(name)))
        for name in places
    ]
    for item, following in pairwise(items):
        item.Next, following.Prev = following, item
    pdf.Root.Outlines = pdf.make_indirect(
        pikepdf.Dictionary(First=items[0], Last=items[-1], Count=len(items))
    )
    for item in items:
        item.Parent = pdf.Root.Outlines


def _with_frames(printer, documents, parts, fonts):
    """Lay headers and footers under bodies that were printed without."""
    import pikepdf

    results, opened, wanted = [None] * len(documents), {}, {}
    for number, (document, contents) in enumerate(zip(documents, parts, strict=True)):
        if error := _first_error(contents):
            results[number] = error
            continue
        try:
            opened[number] = [pikepdf.open(io.BytesIO(content)) for content in contents]
        except pikepdf.PdfError as error:
            results[number] = PrintError(f"What was printed cannot be read: {error}")
            continue
        wanted[number] = [
            _frames_of(sheet, len(pdf.pages))
            for sheet, pdf in zip(document.sheets, opened[number], strict=True)
        ]
    frames = _FRAMES.print_all(
        printer,
        [
            frame
            for sheets in wanted.values()
            for pages in sheets
            for page in pages
            for frame in page
        ],
        fonts,
    )
    underlay = Underlay()
    for number, pdfs in opened.items():
        results[number] = _composed(pdfs, wanted[number], frames, underlay, documents[number])
    underlay.close()
    return results


def _frames_of(sheet, count):
    """Return for each page of a body the sheets to lay under it."""
    return [
        [
            Sheet(piece.numbered(page, count), paper, is_frame=True)
            for piece, paper in (
                (sheet.header, sheet.paper.for_header()),
                (sheet.footer, sheet.paper.for_footer()),
            )
            if piece
        ]
        for page in range(1, count + 1)
    ]


def _composed(pdfs, wanted, frames, underlay, document):
    """Return the PDF of a document from its bodies and frames, or what is wrong with a frame."""
    used = [[[frames[frame] for frame in page] for page in pages] for pages in wanted]
    wrong = _first_error(content for pages in used for page in pages for content in page)
    if wrong:
        return wrong
    for pdf, pages in zip(pdfs, used, strict=True):
        underlay.lay(pdf, pages)
    first = pdfs[0]
    for other in pdfs[1:]:
        first.pages.extend(other.pages)
    first.docinfo["/Title"] = document.name
    content = _saved(first)
    for pdf in pdfs:
        pdf.close()
    return content


def _saved(pdf):
    import pikepdf

    target = io.BytesIO()
    pdf.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return target.getvalue()
