"""Opens the content of a file and gives out its calls in batches. No database, no ORM."""

import gc

from ..billing_tasks.garbage import collecting_later
from . import formats_tap3
from .calls import CallReader
from .layout import Layout
from .parsing import LineReader


class TextReader:
    """Reads files of lines.

    :ivar lines: how many lines were read so far.
    """

    def __init__(self, layout: Layout, content):
        self.layout = layout
        self._reader = LineReader(content, layout)

    @property
    def lines(self) -> int:
        return self._reader.lines

    def batches(self):
        """Yield ``(calls, problems)``; calls as ``Calls``.

        :raise LayoutProblem: the file cannot be read with this layout at all.
        :raise ArchiveProblem: it breaks off; what could be read was given out before.
        """
        rows = None
        for block in self._reader.blocks():
            if rows is None:
                # The names of columns are known once the header was read.
                rows = CallReader(self.layout, self._reader.position)
            with collecting_later():
                calls, problems = rows.take(block)
                # What ``phonenumbers`` caught stays in cycles that hold on to all its callers' frames,
                # and so to this block.
                gc.collect(0)
            yield calls, problems


def open_reader(layout: Layout, content) -> "TextReader | formats_tap3.TapReader":
    """Return what reads a file: with ``lines`` and ``batches()``.

    :param content: an ``archives.Content``.
    """
    if layout.kind == "tap3":
        return formats_tap3.TapReader(layout, content)
    return TextReader(layout, content)
