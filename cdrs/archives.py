"""Files as they were sent: plain, packed by gzip, or zip archives. No database, no ORM.

Nothing is unpacked onto a disk. What is packed is read as a stream and measured while it is read, for
what an archive says of its own sizes proves nothing.
"""

import io
import stat
import zipfile
import zlib
from dataclasses import dataclass

#: other ways of packing files, by their first bytes and by the ends of their names
OTHER_MAGIC = {
    b"Rar!": "RAR", b"7z\xbc\xaf\x27\x1c": "7z", b"BZh": "bzip2", b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard", b"\x1f\x9d": "compress", b"MSCF": "cabinet",
}  # fmt: skip
OTHER_ENDS = {
    ".rar": "RAR", ".7z": "7z", ".bz2": "bzip2", ".xz": "xz", ".zst": "Zstandard", ".tar": "tar",
    ".tgz": "tar", ".tar.gz": "tar", ".z": "compress", ".cab": "cabinet", ".lzh": "LZH",
    ".arj": "ARJ",
}  # fmt: skip
ARCHIVE_ENDS = (*OTHER_ENDS, ".zip", ".gz")
#: what a small file may grow to without being measured by the ratio
FREE_SIZE = 10 << 20
READ = 1 << 20


class ArchiveProblem(Exception):
    """A packed file cannot be read, or may not be.

    :param code: which problem, see ``line_texts.py``.
    :param values: what its text names.
    """

    def __init__(self, code: str, **values):
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(frozen=True)
class Limits:
    """How large files may be: packed and unpacked in bytes, how many times larger than packed, and
    how many entries."""

    packed: int = 200 << 20
    unpacked: int = 2 << 30
    ratio: int = 200
    entries: int = 1000


def kind_of(name: str, head: bytes) -> str:
    """Return ``plain``, ``gzip`` or ``zip``.

    :param head: the first bytes of the file.
    :raise ArchiveProblem: it is packed in a way that is not read here.
    """
    lower = name.lower()
    for magic, packer in OTHER_MAGIC.items():
        if head.startswith(magic):
            raise ArchiveProblem("other_archive", name=name, packer=packer)
    for end, packer in OTHER_ENDS.items():
        if lower.endswith(end):
            raise ArchiveProblem("other_archive", name=name, packer=packer)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "plain"


def entries(stream, name: str, limits: Limits) -> list[str | None]:
    """Return the names of the files in a file: ``[None]`` for one that is no zip archive.

    :param stream: the file, which can be sought.
    :raise ArchiveProblem: something in it may not be read.
    """
    head = stream.read(8)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if size > limits.packed:
        raise ArchiveProblem("too_large", name=name, limit=_megabytes(limits.packed))
    if kind_of(name, head) != "zip":
        return [None]
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise ArchiveProblem("broken_archive", name=name) from error
    if len(infos) > limits.entries:
        raise ArchiveProblem("many_entries", name=name, count=len(infos), limit=limits.entries)
    found, total = [], 0
    for info in infos:
        if info.is_dir():
            continue
        _check_entry(name, info)
        total += info.file_size
        found.append(info.filename)
    if total > limits.unpacked:
        raise ArchiveProblem("too_large_unpacked", name=name, limit=_megabytes(limits.unpacked))
    if not found:
        raise ArchiveProblem("empty_archive", name=name)
    if len(set(found)) < len(found):
        raise ArchiveProblem("same_names", name=name)
    return found


def _check_entry(name, info):
    if info.flag_bits & 0x1:
        raise ArchiveProblem("encrypted", name=name, entry=info.filename)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ArchiveProblem("link", name=name, entry=info.filename)
    if info.filename.lower().endswith(ARCHIVE_ENDS):
        raise ArchiveProblem("nested", name=name, entry=info.filename)


class Content:
    """What a file, or one file of a zip archive, holds: a stream of bytes that is measured.

    :param stream: the file as it was sent, which can be sought.
    :param entry: the name of the file in the archive.
    """

    def __init__(self, stream, name: str, limits: Limits, entry: str | None = None):
        self.name = name
        self.limits = limits
        self.read_bytes = 0
        head = stream.read(8)
        self.packed = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self.kind = kind_of(name, head)
        self._archive = None
        self._first = True
        try:
            if self.kind == "zip":
                self._archive = zipfile.ZipFile(stream)
                info = self._archive.getinfo(entry) if entry else self._archive.infolist()[0]
                _check_entry(name, info)
                self.packed = max(info.compress_size, 1)
                # Smaller pieces: what is read in one that fails is lost.
                self._read = self._archive.open(info).read1
            elif self.kind == "gzip":
                self._read = _Gunzip(stream).take
            else:
                self._read = stream.read
        except (zipfile.BadZipFile, NotImplementedError, KeyError, RuntimeError) as error:
            raise ArchiveProblem("broken_archive", name=name) from error

    def take(self, size: int = READ) -> bytes:
        """Return the next bytes, none at the end.

        :raise ArchiveProblem: it breaks off, or grows beyond what is allowed.
        """
        try:
            data = self._read(size)
        except (
            EOFError,
            OSError,
            zlib.error,
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise ArchiveProblem("broken_off", name=self.name) from error
        self.read_bytes += len(data)
        if self.kind != "plain":
            self._measure(data)
        return data

    def _measure(self, data):
        if self._first and data:
            self._first = False
            if data.startswith((b"\x1f\x8b", b"PK\x03\x04", *OTHER_MAGIC)):
                raise ArchiveProblem("nested", name=self.name, entry=self.name)
        if self.read_bytes > self.limits.unpacked:
            limit = _megabytes(self.limits.unpacked)
            raise ArchiveProblem("too_large_unpacked", name=self.name, limit=limit)
        if self.read_bytes > FREE_SIZE and self.read_bytes > self.packed * self.limits.ratio:
            raise ArchiveProblem("bomb", name=self.name, ratio=self.limits.ratio)


class _Gunzip:
    """A stream of what was packed by gzip, in one part or several; gives out all that can be read of one
    that breaks off."""

    def __init__(self, stream):
        self.stream = stream
        self._unpack = zlib.decompressobj(wbits=31)
        self._rest = b""

    def take(self, size):
        while True:
            if self._unpack.eof:
                # Another part may follow; zeros at the end are padding.
                self._rest = (self._unpack.unused_data or self.stream.read(READ)).lstrip(b"\0")
                if not self._rest:
                    return b""
                self._unpack = zlib.decompressobj(wbits=31)
            packed = self._rest or self._unpack.unconsumed_tail or self.stream.read(READ)
            self._rest = b""
            data = self._unpack.decompress(packed, size)
            if data:
                return data
            if not packed:
                raise EOFError("packed data without an end")


def _megabytes(size: int) -> int:
    return size >> 20
