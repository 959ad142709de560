"""Printing by Chromium without a window, many sheets a print: no ORM.

It is spoken to through a pipe, so that nobody else can; when the process that holds the other end
ends, Chromium does as well.
"""

import atexit
import base64
import io
import json
import logging
import os
import select
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from .children import NOWHERE, PrintError, start, stop, surroundings
from .folders import Folder
from .sheets import Sheet

_logger = logging.getLogger(__name__)

NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
#: sheets in one print, and those after which a tab makes room for a fresh one
AT_ONCE, A_TAB = 40, 80
#: processes at most: each takes some 200 MB
MOST = 4
#: seconds that a print may take, and a start
SECONDS, START_SECONDS = 120.0, 30.0
#: seconds after which one that nobody needs ends
IDLE = 120.0
INCH = 25.4
#: what a wkhtmltopdf of today makes of a pixel: Odoo's reports are drawn for it
SCALE = 0.768
#: an address that tells where a sheet begins, taken out again afterwards
MARK = "http://sheet.invalid/"
OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--mute-audio",
    "--hide-scrollbars",
    "--font-render-hinting=none",
    f"--proxy-server={NOWHERE}",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
STYLES = """
html, body { margin: 0; padding: 0; background: transparent; height: auto; direction: ltr; }
.billing-sheet > [dir=rtl] { direction: rtl; }
.billing-sheet { position: relative; height: auto; overflow: visible !important; }
.billing-sheet > .container { max-width: none; }
.billing-sheet + .billing-sheet { break-before: page; }
.billing-fixed { transform: translate(0, 0); }
.billing-mark { position: absolute; left: 0; top: 0; width: 1px; height: 1px; display: block; }
"""


class Browser:
    """One process, and one tab in it.

    :param binary: path of the program
    :param fonts: path of the ``fonts.conf`` to use
    :param bool sandbox: whether it locks itself in
    """

    def __init__(self, binary: str, fonts: str, sandbox: bool):
        self.fonts = fonts
        self._folder = Folder("billing_chromium_")
        self._number = 0
        self._unread = bytearray()
        self._session, self._target, self._sheets = None, None, 0
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        options = [*OPTIONS, f"--user-data-dir={self._folder.name}"]
        if not sandbox:
            options.append("--no-sandbox")
        try:
            self.process = start(
                [binary, *options],
                redirect=f"3</dev/fd/{theirs_in} 4>/dev/fd/{theirs_out}",
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self._folder.name,
                env=surroundings(self._folder.name, fonts),
            )
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        try:
            self._call("Browser.getVersion", seconds=START_SECONDS)
        except PrintError:
            self.close()
            raise

    def print_html(self, html: str, paper, sheets: int) -> bytes:
        """Return a document as a PDF.

        :param paper: :class:`~.sheets.Paper`
        :param int sheets: how many there are in the document
        """
        deadline = time.monotonic() + SECONDS
        if self._target and self._sheets + sheets > A_TAB:
            self._call("Target.closeTarget", targetId=self._target)
            self._target = None
        if not self._target:
            self._open_tab()
        self._sheets += sheets
        tree = self._call("Page.getFrameTree", tab=True)
        frame = tree["frameTree"]["frame"]["id"]
        self._loaded = False
        self._call(
            "Page.setDocumentContent",
            tab=True,
            seconds=deadline - time.monotonic(),
            frameId=frame,
            html=html,
        )
        while not self._loaded:
            self._read_message(deadline)
        printed = self._call(
            "Page.printToPDF",
            tab=True,
            seconds=deadline - time.monotonic(),
            printBackground=True,
            preferCSSPageSize=False,
            generateTaggedPDF=False,
            scale=SCALE,
            paperWidth=paper.width / INCH,
            paperHeight=paper.height / INCH,
            marginTop=paper.top / INCH,
            marginBottom=paper.bottom / INCH,
            marginLeft=paper.left / INCH,
            marginRight=paper.right / INCH,
        )
        return base64.b64decode(printed["data"])

    def _open_tab(self):
        self._target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session, self._sheets = attached["sessionId"], 0
        self._call("Page.enable", tab=True)
        self._call("Emulation.setScriptExecutionDisabled", tab=True, value=True)
        # As wkhtmltopdf does, which Odoo's reports are made for.
        self._call("Emulation.setEmulatedMedia", tab=True, media="screen")

    def _call(self, method, tab=False, seconds=START_SECONDS, **params):
        """Return the answer to a command of the DevTools protocol."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params}
        if tab:
            message["sessionId"] = self._session
        deadline = time.monotonic() + seconds
        self._write(json.dumps(message).encode() + b"\0", deadline)
        while True:
            answer = self._read_message(deadline)
            if answer.get("id") == number:
                if "error" in answer:
                    raise PrintError(f"Chromium says: {answer['error'].get('message')}")
                return answer["result"]

    def _write(self, data, deadline):
        os.set_blocking(self._out, False)
        rest = memoryview(data)
        while rest:
            if not select.select([], [self._out], [], max(deadline - time.monotonic(), 0.0))[1]:
                raise PrintError("The document took longer than it may.")
            try:
                rest = rest[os.write(self._out, rest) :]
            except BrokenPipeError as error:
                raise PrintError("Chromium ended.") from error

    def _read_message(self, deadline):
        while (end := self._unread.find(b"\0")) < 0:
            if not select.select([self._in], [], [], max(deadline - time.monotonic(), 0.0))[0]:
                raise PrintError("The document took longer than it may.")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise PrintError("Chromium ended.")
            self._unread += data
        message = json.loads(bytes(self._unread[:end]))
        del self._unread[: end + 1]
        method = message.get("method")
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method in ("Inspector.targetCrashed", "Target.targetCrashed"):
            raise PrintError("Chromium's tab ended, mostly for want of memory.")
        return message

    def close(self):
        """End the process."""
        stop(self.process)
        os.close(self._in)
        os.close(self._out)
        self._folder.remove()


class Chromium:
    """Chromium's headless shell, or a Chromium or Chrome that does without a window.

    :param binary: path of the program
    """

    prints_headers = False

    def __init__(self, binary: str):
        self.binary = binary
        self._idle = []
        self._lock = threading.Lock()
        self._timer = None
        #: whether it locks itself in; it refuses to for root
        self.sandbox = os.geteuid() != 0
        self._said = False
        # Odoo's workers mostly end without it; Folder tidies up after those.
        atexit.register(self._close_own, os.getpid())

    def print_all(self, sheets: list[Sheet], fonts: str = "") -> list:
        """Return for each sheet its PDF, or the ``PrintError`` that says why there is none.

        :param fonts: path of the ``fonts.conf`` to use
        """
        groups = {}
        for number, sheet in enumerate(sheets):
            # One with something fixed would have it on the pages of all others.
            alone = number if "fixed" in sheet.piece.html and not sheet.is_frame else None
            key = (sheet.paper, sheet.piece.css, sheet.piece.of_html, sheet.is_frame, alone)
            groups.setdefault(key, []).append(number)
        chunks = [
            numbers[start : start + AT_ONCE]
            for numbers in groups.values()
            for start in range(0, len(numbers), AT_ONCE)
        ]
        work = [([sheets[number] for number in numbers], fonts) for numbers in chunks]
        if len(work) > 1:
            with ThreadPoolExecutor(min(len(work), os.cpu_count() or 1, MOST)) as threads:
                made = list(threads.map(self._print_chunk, *zip(*work, strict=True)))
        else:
            made = [self._print_chunk(*chunk) for chunk in work]
        results = {}
        for numbers, contents in zip(chunks, made, strict=True):
            results.update(zip(numbers, contents, strict=True))
        return [results[number] for number in range(len(sheets))]

    def _print_chunk(self, sheets, fonts):
        """Print sheets of one kind together, or each by itself where that fails."""
        try:
            browser = self._take(fonts)
        except PrintError as error:
            return [error] * len(sheets)
        try:
            content = browser.print_html(_together(sheets), sheets[0].paper, len(sheets))
            parts = _split(content, len(sheets))
        except PrintError as error:
            browser.close()
            if len(sheets) == 1:
                return [error]
            return [self._print_chunk([sheet], fonts)[0] for sheet in sheets]
        self._give_back(browser)
        return parts

    # === PROCESSES === #

    def _take(self, fonts):
        while True:
            with self._lock:
                fitting = [browser for browser in self._idle if browser.fonts == fonts]
                if fitting:
                    self._idle.remove(fitting[-1])
            if not fitting:
                return self._start(fonts)
            if fitting[-1].process.poll() is None:
                return fitting[-1]
            fitting[-1].close()  # it has ended by itself

    def _start(self, fonts):
        if self.sandbox:
            try:
                return Browser(self.binary, fonts, sandbox=True)
            except PrintError:
                self.sandbox = False  # the system lets it have none
        browser = Browser(self.binary, fonts, sandbox=False)
        if not self._said:
            self._said = True
            _logger.warning(
                "Chromium prints without its sandbox: Odoo runs as root, or the system allows no"
                " user namespaces. Scripts and network are off all the same."
            )
        return browser

    def _give_back(self, browser):
        with self._lock:
            self._idle.append(browser)
            if self._timer:
                self._timer.cancel()
            self._timer = threading.Timer(IDLE, self.close)
            self._timer.daemon = True
            self._timer.start()

    def _close_own(self, process):
        """End what a process started when it ends: its forks leave that to it."""
        if os.getpid() == process:
            self.close()

    def close(self):
        """End all processes that wait."""
        with self._lock:
            browsers, self._idle = self._idle, []
            if self._timer:
                self._timer.cancel()
                self._timer = None
        for browser in browsers:
            browser.close()


def _together(sheets):
    """Return sheets of one paper and stylesheet as one document, each from a new page on."""
    first = sheets[0].piece
    kind = "billing-sheet billing-fixed" if sheets[0].is_frame else "billing-sheet"
    parts = []
    for number, sheet in enumerate(sheets):
        parts.append(
            f'<div class="{kind}"><a class="billing-mark" href="{MARK}{number}"></a>'
            f"<div{sheet.piece.of_body}>{sheet.piece.html}</div></div>"
        )
    return (
        f"<!DOCTYPE html><html{first.of_html}><head><meta charset='utf-8'>"
        f"<style>{first.css}</style><style>{STYLES}</style></head><body>{''.join(parts)}</body>"
        "</html>"
    )


def _split(content, count):
    """Return the sheets of a print, each as a PDF.

    :raise PrintError: where the print does not tell where each begins
    """
    import pikepdf

    with pikepdf.open(io.BytesIO(content)) as printed:
        begins = {}
        for place, page in enumerate(printed.pages):
            links = page.obj.get("/Annots", [])
            kept = []
            for link in links:
                address = str(link.get("/A", {}).get("/URI", ""))
                if address.startswith(MARK):
                    begins[int(address.removeprefix(MARK))] = place
                else:
                    kept.append(link)
            if kept:
                page.obj.Annots = pikepdf.Array(kept)
            elif "/Annots" in page.obj:
                del page.obj.Annots
        starts = [begins.get(number) for number in range(count)]
        if starts != sorted(set(filter(lambda start: start is not None, starts))) or starts[0] != 0:
            raise PrintError("Chromium put several documents on one page.")
        ends = [*starts[1:], len(printed.pages)]
        return [_pages(printed, start, end) for start, end in zip(starts, ends, strict=True)]


def _pages(printed, start, end):
    import pikepdf

    with pikepdf.new() as pdf:
        pdf.pages.extend(printed.pages[start:end])
        target = io.BytesIO()
        pdf.save(target)
        return target.getvalue()
