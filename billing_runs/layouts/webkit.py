"""Printing by wkhtmltopdf, many sheets a process: no ORM.

A process reads its tasks from its input, one a line, and ends at the first that fails; what it
left is then repeated without that one.
"""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from .children import NOWHERE, PrintError, start, stop, surroundings
from .folders import Folder
from .sheets import PAGE, PAGES, Piece, Sheet

#: sheets that one process prints at most, and those that are worth another process
AT_MOST, AT_LEAST = 20, 10
#: seconds that a sheet may take
SECONDS = 60.0
#: bytes of memory that a process may take
MEMORY = 4 << 30
#: what is the same for every sheet: nothing is fetched, no script is run
COMMON = (
    "--read-args-from-stdin",
    "--disable-local-file-access",
    *("--proxy", NOWHERE),
    *("--load-error-handling", "ignore"),
    *("--load-media-error-handling", "ignore"),
    *("--javascript-delay", "1"),
)
#: puts page numbers into headers and footers that wkhtmltopdf itself prints
NUMBERS = """<script>window.onload = function () {
    var found = {}, parts = document.location.search.substring(1).split('&');
    for (var i in parts) {
        var part = parts[i].split('=', 2);
        found[part[0]] = unescape(part[1]);
    }
    var names = {'billing-page': 'sitepage', 'billing-pages': 'sitepages'};
    for (var name in names) {
        var nodes = document.getElementsByClassName(name);
        for (var j = 0; j < nodes.length; ++j) { nodes[j].textContent = found[names[name]]; }
    }
};</script>"""


def document(piece: Piece, script: str = "") -> str:
    """Return a piece of HTML as a whole document."""
    return (
        f"<!DOCTYPE html><html{piece.of_html}><head><meta charset='utf-8'>"
        f"<style>{piece.css}</style>{script}</head><body{piece.of_body}>{piece.html}</body></html>"
    )


def numbered_by_script(piece: Piece) -> str:
    """Return a header or footer as a document whose page numbers a script puts in."""
    html = piece.html.replace(PAGE, "<span class='billing-page'></span>")
    html = html.replace(PAGES, "<span class='billing-pages'></span>")
    return document(Piece(html, piece.css, piece.of_html, piece.of_body), NUMBERS)


class Webkit:
    """wkhtmltopdf.

    :param binary: path of the program
    :param bool patched: whether it was built with its own Qt, which prints headers and footers
    """

    def __init__(self, binary: str, patched: bool, seconds=SECONDS, memory=MEMORY):
        self.binary = binary
        self.prints_headers = patched
        self.seconds = seconds
        self.memory = memory

    def print_all(self, sheets: list[Sheet], fonts: str = "") -> list:
        """Return for each sheet its PDF, or the ``PrintError`` that says why there is none.

        :param fonts: path of the ``fonts.conf`` to use
        """
        if not sheets:
            return []
        cores = os.cpu_count() or 1
        parts = max(-(-len(sheets) // AT_MOST), min(cores, len(sheets) // AT_LEAST), 1)
        size = -(-len(sheets) // parts)
        chunks = [sheets[start : start + size] for start in range(0, len(sheets), size)]
        if len(chunks) == 1:
            return self._print_chunk(sheets, fonts)
        with ThreadPoolExecutor(min(len(chunks), cores)) as threads:
            results = threads.map(lambda chunk: self._print_chunk(chunk, fonts), chunks)
            return [result for chunk in results for result in chunk]

    def _print_chunk(self, sheets, fonts):
        with Folder("billing_report_") as folder:
            lines = [self._line(Path(folder), number, sheet) for number, sheet in enumerate(sheets)]
            results, todo = {}, list(range(len(sheets)))
            while todo:
                error = self._run(folder, [lines[number] for number in todo], fonts)
                ready = [number for number in todo if _target(folder, number).exists()]
                if not error and len(ready) == len(todo):
                    break
                # The one it ended at has left nothing, or the last file, which may be half of one.
                wrong = ready[-1] if ready else todo[0]
                _target(folder, wrong).unlink(missing_ok=True)
                error = self._run(folder, [lines[wrong]], fonts)
                if error or not _target(folder, wrong).exists():
                    results[wrong] = error or PrintError("wkhtmltopdf printed nothing.")
                    _target(folder, wrong).unlink(missing_ok=True)
                todo = [n for n in todo if n not in results and not _target(folder, n).exists()]
            return [
                results[number] if number in results else _target(folder, number).read_bytes()
                for number in range(len(sheets))
            ]

    def _line(self, folder, number, sheet):
        """Write a sheet's files, and return the line that asks for its PDF."""
        paper = sheet.paper
        options = [
            *paper.options,
            *("--page-width", f"{paper.width}mm", "--page-height", f"{paper.height}mm"),
            *("--margin-top", paper.top, "--margin-bottom", paper.bottom),
            *("--margin-left", paper.left, "--margin-right", paper.right),
        ]
        if sheet.header or sheet.footer:
            options += ["--header-spacing", paper.spacing]
            for name, piece in (("header", sheet.header), ("footer", sheet.footer)):
                if piece:
                    file = folder / f"{number}.{name}.html"
                    file.write_text(numbered_by_script(piece))
                    options += [f"--{name}-html", file]
        else:
            options.append("--disable-javascript")
        body = folder / f"{number}.html"
        body.write_text(document(sheet.piece))
        return " ".join(_quoted(option) for option in (*options, body, _target(folder, number)))

    def _run(self, folder, lines, fonts):
        """Have one process work on tasks; return the ``PrintError`` it ended with, None for none.

        A task has its own time: as long as files appear, it goes on.
        """
        log = Path(folder) / "log"
        with log.open("w+b") as said:
            process = start(
                [self.binary, *COMMON],
                memory=self.memory,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=folder,
                env=surroundings(folder, fonts),
            )
            try:
                _tell(process, lines)
                if not self._wait(process, folder):
                    return PrintError("The document took longer than it may.")
            finally:
                stop(process)
            if process.returncode:
                said.seek(0)
                reason = said.read().decode("utf-8", "replace").strip()[-500:]
                return PrintError(
                    f"wkhtmltopdf ended with {process.returncode}: {reason or 'it says nothing'}"
                )
        return None

    def _wait(self, process, folder):
        """Wait for a process; return False when nothing happened for too long."""
        seen, deadline = -1, 0.0
        while True:
            count = sum(name.endswith(".pdf") for name in os.listdir(folder))
            if count != seen:
                seen, deadline = count, time.monotonic() + self.seconds
            try:
                process.wait(timeout=min(1.0, max(deadline - time.monotonic(), 0.0)))
            except subprocess.TimeoutExpired:
                if time.monotonic() >= deadline:
                    return False
            else:
                return True


def _tell(process, lines):
    """Hand over the tasks; a process that has ended meanwhile takes no more."""
    with suppress(BrokenPipeError), process.stdin as pipe:  # its end says why
        pipe.write("".join(f"{line}\n" for line in lines).encode())


def _target(folder, number):
    return Path(folder) / f"{number}.pdf"


def _quoted(option):
    text = str(option).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
