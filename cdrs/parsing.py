"""From the bytes of a file to the fields of its lines, block by block. No database, no ORM.

No line can take others with it: one that has another encoding, zero bytes, an open quote or no end
becomes a problem with its number, and the next one is read as if nothing had been.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat

from .archives import ArchiveProblem
from .layout import Layout, LayoutProblem

CHUNK = 1 << 20
MAX_LINE = 1 << 20
#: how many lines one quoted field may spread over
MAX_SPREAD = 50
SHOWN = 2000


@dataclass(frozen=True)
class Problem:
    """A line that could not be read: its number, its text as far as there is one, and why."""

    line: int
    text: str
    code: str
    values: dict = field(default_factory=dict)


@dataclass
class Block:
    """Some lines in a row: their numbers, texts and fields, and what could not be split.

    :ivar columns: the fields column by column, where all lines have as many; None elsewhere.
    """

    numbers: list
    texts: list
    rows: list
    problems: list = field(default_factory=list)
    columns: list | None = None

    def lines(self) -> Iterator[tuple]:
        """Yield the number, the text and the fields of each line."""
        rows = zip(*self.columns, strict=True) if self.columns else self.rows
        return zip(self.numbers, self.texts, rows, strict=True)


class LineReader:
    """Reads a stream of bytes line by line.

    :ivar lines: how many lines there were so far.
    """

    def __init__(self, stream, layout: Layout):
        self.stream = stream
        self.layout = layout
        self.lines = 0
        self.names: list[str] = []
        #: numbers and texts of lines whose record goes on in the next block
        self._carry: tuple[list, list] = [], []
        self._wide = not _is_ascii_based(layout.encoding)

    def blocks(self) -> Iterator[Block]:
        """Yield the lines after the header, in blocks.

        What the stream itself raises (a packed file that breaks off) goes through, after the lines
        before it were given out.
        """
        failure = None
        try:
            for numbers, texts, problems in self._texts():
                yield from self._block(numbers, texts, problems)
        except ArchiveProblem as error:
            failure = error
        if self._carry[0]:
            yield from self._block([], [], [], final=True)
        if failure:
            raise failure

    def _block(self, numbers, texts, problems, final=False):
        layout = self.layout
        numbers, texts = self._without_header(numbers, texts)
        if layout.line_prefix:
            kept = [i for i, text in enumerate(texts) if text.startswith(layout.line_prefix)]
            numbers, texts = [numbers[i] for i in kept], [texts[i] for i in kept]
        if self._carry[0]:
            numbers, texts = self._carry[0] + numbers, self._carry[1] + texts
            self._carry = [], []
        block = Block(numbers, texts, [], problems)
        if layout.kind == "fixed":
            block.rows = texts
        else:
            self._split(block, final)
        if block.numbers or block.problems:
            yield block

    # === LINES === #

    def _texts(self):
        """Yield ``(numbers, texts, problems)`` of the lines that are text."""
        rest = b""
        skipping = None
        first = True
        chunks = self._chunks()
        while True:
            failure = None
            try:
                chunk = next(chunks, None)
            except ArchiveProblem as error:
                # The lines read so far are given out before it goes on.
                chunk, failure = None, error
            data = rest + (chunk or b"")
            if first and data:
                data = _without_bom(data)
                first = False
            if chunk is None:
                rest, lines = b"", data.split(b"\n") if data else []
                if lines and not lines[-1]:
                    lines.pop()
            else:
                *lines, rest = data.split(b"\n")
            problems = []
            if skipping is not None and (lines or chunk is None):
                # The end of a line without measure.
                self.lines += 1
                problems.append(Problem(self.lines, skipping, "too_long", {"limit": MAX_LINE}))
                skipping = None
                lines = lines[1:]
            if skipping is not None:
                rest = b""
            elif len(rest) > MAX_LINE:
                skipping, rest = _shown(rest), b""
            numbers, texts = self._decoded(lines, problems)
            if texts or problems:
                yield numbers, texts, problems
            if failure:
                raise failure
            if chunk is None:
                return

    def _chunks(self):
        if not self._wide:
            while chunk := self.stream.take(CHUNK):
                yield chunk
            return
        decoder = codecs.getincrementaldecoder(self.layout.encoding)(errors="replace")
        while chunk := self.stream.take(CHUNK):
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()

    def _decoded(self, lines, problems):
        """Return ``(numbers, texts)``; lines that are no text go to ``problems``."""
        encoding = "utf-8" if self._wide else self.layout.encoding
        start = self.lines + 1
        self.lines += len(lines)
        if not lines:
            return [], []
        if max(map(len, lines)) <= MAX_LINE:
            try:
                text = b"\n".join(lines).decode(encoding)
            except UnicodeDecodeError:
                text = None
            # Decoded at once where nothing is the matter.
            if text is not None and "\0" not in text and (not self._wide or "\ufffd" not in text):
                text = text.replace("\r\n", "\n")
                text = text.removesuffix("\r")
                if "\r" not in text:
                    return list(range(start, start + len(lines))), text.split("\n")
        numbers, texts = [], []
        for number, line in enumerate(lines, start):
            if len(line) > MAX_LINE:
                problems.append(Problem(number, _shown(line), "too_long", {"limit": MAX_LINE}))
                continue
            if b"\0" in line:
                problems.append(Problem(number, _shown(line), "zero_bytes"))
                continue
            try:
                text = line.decode(encoding)
            except UnicodeDecodeError:
                text = None
            if text is None or (self._wide and "\ufffd" in text):
                problem = Problem(
                    number, _shown(line), "encoding", {"encoding": self.layout.encoding}
                )
                problems.append(problem)
                continue
            text = text.rstrip("\r")
            # Lines of old that end with a carriage return alone count as one line of the file.
            for part in text.split("\r") if self.layout.quote not in text else [text]:
                numbers.append(number)
                texts.append(part)
        return numbers, texts

    # === HEADER === #

    def _without_header(self, numbers, texts):
        rows = self.layout.header_rows
        if not rows or not numbers or numbers[0] > rows:
            return numbers, texts
        head = [text for number, text in zip(numbers, texts, strict=True) if number <= rows]
        if head and not self.names and self.layout.kind == "csv":
            self.names = [name.strip() for name in next(self._reader([head[-1]]), [])]
        return numbers[len(head) :], texts[len(head) :]

    def position(self, source: str) -> int:
        """Return the index of a column in the rows.

        :raise LayoutProblem: no column of the first line has this name.
        """
        if source.isdecimal():
            return int(source) - 1
        wanted = source.strip().casefold()
        for index, name in enumerate(self.names):
            if name.casefold() == wanted:
                return index
        raise LayoutProblem("no_column", name=source)

    # === FIELDS === #

    def _reader(self, texts, strict=False):
        return csv.reader(
            texts,
            delimiter=self.layout.delimiter,
            quotechar=self.layout.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.layout.quote else csv.QUOTE_NONE,
            strict=strict,
        )

    def _split(self, block, final):
        quote = self.layout.quote
        texts = block.texts
        block.columns = self._plain_columns(texts)
        if block.columns:
            return
        if not quote or not any(text.count(quote) & 1 for text in texts if quote in text):
            try:
                block.rows = list(self._reader(texts))
                if len(block.rows) == len(texts):
                    return
            except csv.Error:
                block.rows = []
        self._split_one_by_one(block, final)

    def _plain_columns(self, texts):
        """Return the fields of lines column by column, None where a line has a quote, or more or fewer
        fields than the first: what the ``csv`` module makes of them, in a third of the time."""
        delimiter, quote = self.layout.delimiter, self.layout.quote
        if not texts or max(map(len, texts)) > csv.field_size_limit():
            return None
        more = texts[0].count(delimiter)
        joined = delimiter.join(texts)
        if not more or "\r" in joined or (quote and quote in joined):
            return None
        if set(map(str.count, texts, repeat(delimiter))) != {more}:
            return None
        fields = joined.split(delimiter)
        return [fields[place :: more + 1] for place in range(more + 1)]

    def _split_one_by_one(self, block, final):
        numbers, texts, rows = [], [], []
        at = 0
        while at < len(block.texts):
            row, used = self._record(block.texts, at)
            number, text = block.numbers[at], block.texts[at]
            if row is None and not final and at + MAX_SPREAD > len(block.texts):
                # Its end may lie in the next block.
                self._carry = block.numbers[at:], block.texts[at:]
                break
            if row is None:
                block.problems.append(Problem(number, _cut(text), "open_quote"))
            else:
                numbers.append(number)
                texts.append("\n".join(block.texts[at : at + used]))
                rows.append(row)
            at += used
        block.numbers, block.texts, block.rows = numbers, texts, rows

    def _record(self, texts, at):
        """Return ``(fields, lines used)`` of the record that begins at a line; fields are None where
        its quotes do not close."""
        strict = self._alone(texts[at], strict=True)
        if strict is not None:
            return strict, 1
        if not texts[at].count(self.layout.quote or "\0") & 1:
            # Quotes inside of a field that were not doubled.
            return self._alone(texts[at]), 1
        # A field may hold line ends; it counts as one only where the fields come out even.
        width = self._width(texts, at)
        for used in range(2, min(MAX_SPREAD, len(texts) - at) + 1):
            if sum(text.count(self.layout.quote) for text in texts[at : at + used]) & 1:
                continue
            try:
                rows = list(
                    self._reader([f"{text}\n" for text in texts[at : at + used]], strict=True)
                )
            except csv.Error:
                return None, 1
            if len(rows) == 1 and (not width or len(rows[0]) == width):
                return rows[0], used
            return None, 1
        return None, 1

    def _alone(self, text, strict=False):
        """Return the fields of one line, None where it does not make a record by itself."""
        try:
            return next(self._reader([text], strict), [])
        except csv.Error:
            return None

    def _width(self, texts, at):
        """How many fields lines around here have, by the nearest whole ones."""
        if self.names:
            return len(self.names)
        quote = self.layout.quote
        for text in [*reversed(texts[max(0, at - 20) : at]), *texts[at + 1 : at + 20]]:
            if text and not text.count(quote) & 1:
                return len(next(self._reader([text]), []))
        return 0


def _is_ascii_based(encoding: str) -> bool:
    """Do line ends stand as their one byte in this encoding, and never inside of another letter?"""
    return "\n,0".encode(encoding) == b"\n,0"


def _without_bom(data: bytes) -> bytes:
    return data.removeprefix(codecs.BOM_UTF8)


def _shown(line: bytes) -> str:
    """Return what can be shown of a line that is no text."""
    return _cut(line[: SHOWN + 1].decode("utf-8", "backslashreplace").replace("\0", "\\x00"))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def is_known_encoding(name: str) -> bool:
    """Is it an encoding of text that files can be read in?"""
    try:
        "x".encode(name)
        codecs.getincrementaldecoder(name)
    except (LookupError, TypeError, UnicodeError):
        return False
    return True
