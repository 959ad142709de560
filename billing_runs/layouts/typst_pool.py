"""Typst in child processes: limits of time and memory, and nothing of Odoo's within reach.

Plain Python, without the ORM. Children stay for the next batch of the same process and end by
themselves when nothing comes.
"""

import base64
import json
import os
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

CHILD = Path(__file__).with_name("typst_child.py")
#: seconds a document may take, those for starting a child on top
SECONDS = 60.0
START_SECONDS = 60.0
#: bytes of memory a child may take
MEMORY = 2 << 30


class LayoutError(Exception):
    """A document could not be laid out: the reason in words, and where in the template."""

    def __init__(self, message: str, diagnostic: str = ""):
        super().__init__(message)
        self.diagnostic = diagnostic

    @property
    def line(self) -> int | None:
        """The line of the template that the reason names."""
        for text in self.diagnostic.splitlines():
            if "┌─" in text:
                place = text.split("┌─")[1].strip().split(":")
                return int(place[1]) if len(place) > 1 and place[1].isdigit() else None
        return None


class TooLong(LayoutError):
    """A document took longer than it may."""


class Ended(LayoutError):
    """The process ended while it worked on a document: mostly for want of memory."""


def is_available() -> bool:
    """Return whether ``typst`` can be imported here."""
    return find_spec("typst") is not None


class Child:
    """One process that compiles documents."""

    def __init__(self, fonts: list[str], memory: int):
        self.root = tempfile.mkdtemp(prefix="billing_layout_")
        options = {
            "root": self.root,
            "fonts": fonts,
            "memory": memory,
            "path": str(Path(find_spec("typst").origin).parent.parent),
        }
        self.fresh = True
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(CHILD), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"RAYON_NUM_THREADS": "1"}
            | {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ},
            cwd="/",
        )

    def compile(self, job: dict, seconds: float) -> list[bytes]:
        """Return what a job comes to: one PDF, or a picture a page.

        :raise LayoutError: where it comes to nothing
        """
        deadline = time.monotonic() + seconds + (START_SECONDS if self.fresh else 0.0)
        text = json.dumps(job).encode()
        try:
            self.process.stdin.write(struct.pack(">I", len(text)) + text)
            self.process.stdin.flush()
        except OSError as error:
            raise Ended("The process that lays out documents ended.") from error
        head_size, body_size = struct.unpack(">II", self._read(8, deadline))
        head = json.loads(self._read(head_size, deadline))
        body = self._read(body_size, deadline)
        self.fresh = False
        if "error" in head:
            raise LayoutError(head["error"], head["diagnostic"])
        parts, start = [], 0
        for size in head["sizes"]:
            parts.append(body[start : start + size])
            start += size
        return parts

    def _read(self, size, deadline):
        data = bytearray()
        output = self.process.stdout.fileno()
        while len(data) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                raise TooLong("The document took longer than it may.")
            part = os.read(output, size - len(data))
            if not part:
                raise Ended("The process that lays out documents ended.")
            data += part
        return bytes(data)

    def stop(self):
        """End the process."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                continue  # it had gone before
        self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


class Pool:
    """As many children as there is work for, one a processor at most."""

    def __init__(self, fonts=(), seconds: float = SECONDS, memory: int = MEMORY):
        self.fonts = list(fonts)
        self.seconds = seconds
        self.memory = memory
        self._idle = []
        self._lock = threading.Lock()

    def compile_all(self, jobs: list[dict]) -> list:
        """Return for each job what it comes to, or the ``LayoutError`` that says why not.

        :param jobs: made by ``make_job``
        """
        if len(jobs) < 2:
            return [self._compile(job) for job in jobs]
        with ThreadPoolExecutor(min(len(jobs), os.cpu_count() or 1)) as threads:
            return list(threads.map(self._compile, jobs))

    def _compile(self, job):
        child = self._take()
        reused = not child.fresh
        try:
            pages = child.compile(job, self.seconds)
        except (TooLong, Ended) as error:
            child.stop()
            # One that waited may have ended meanwhile: that says nothing about the document.
            return self._compile(job) if reused and isinstance(error, Ended) else error
        except LayoutError as error:
            self._give_back(child)
            return error
        self._give_back(child)
        return pages

    def _take(self):
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if not child:
                return Child(self.fonts, self.memory)
            if child.process.poll() is None:
                return child
            child.stop()  # it has ended by itself, and leaves nothing behind

    def _give_back(self, child):
        with self._lock:
            self._idle.append(child)

    def close(self):
        """End all children that wait."""
        with self._lock:
            children, self._idle = self._idle, []
        for child in children:
            child.stop()


def make_job(
    main: str, data: dict, files: dict[str, bytes], standards: list[str], tags: bool = True
) -> dict:
    """Return a job for a child.

    :param main: the source of the template
    :param data: what the template gets, as JSON
    :param files: by name, what it may read
    :param standards: of PDF, as Typst calls them
    :param tags: whether the PDF says what each text is; without, it is much smaller
    """
    return {
        "main": main,
        "data": json.dumps(data),
        "files": {name: base64.b64encode(content).decode() for name, content in files.items()},
        "standards": standards,
        "tags": tags,
        "timestamp": int(time.time()),
    }
