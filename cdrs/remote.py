"""A carrier's server by FTP, FTPS or SFTP: look, fetch, move. No database.

Hosts are resolved once and judged by ``net_guard``; what a server says about addresses of its own is
ignored. FTPS verifies the certificate and never falls back to plain FTP; SFTP talks only to a server
with the very key that was pinned. Each conversation has an end, however slowly the other side speaks.
"""

import contextlib
import ftplib
import io
import socket
import ssl
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch

from ..billing_tasks.net_guard import Refused, UnknownHost, look_up

try:
    import paramiko
except ImportError:
    paramiko = None

CONNECT_TIMEOUT = 10.0
#: seconds without a byte from the other side
SILENCE = 30.0
#: names in a folder that are looked at
MOST_FILES = 10_000
PORTS = {"ftp": 21, "ftps": 21, "sftp": 22}
BLOCK = 1 << 16


class RemoteProblem(Exception):
    """The server cannot be worked with, for a reason that a person can read.

    :param code: which problem, see ``remote_texts.py``.
    :param values: what its text names.
    """

    def __init__(self, code: str, **values):
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(frozen=True)
class Address:
    """Where a carrier's files lie, and how to get in."""

    way: str
    host: str
    port: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    host_key: str = ""
    certificate: str = ""
    folder: str = ""
    allow_private: bool = False
    #: seconds that one conversation may take
    patience: float = 120.0


@dataclass(frozen=True)
class Entry:
    """A file on the server: its name, its size, and when it was changed, as the server writes that."""

    name: str
    size: int
    modified: str


@contextlib.contextmanager
def connection(address: Address) -> Iterator:
    """Talk with a server; gives an object with ``entries``, ``fetch`` and ``move``.

    :raise RemoteProblem: whatever the server, the network or the address does not allow.
    """
    sock = _connected(address)
    try:
        with _hang_up_after(address.patience, sock) as expired:
            session = None
            try:
                session = _SESSIONS[address.way](address, sock)
                yield session
            except RemoteProblem:
                raise
            except Exception as error:
                if expired.is_set():
                    raise RemoteProblem("too_slow", host=address.host) from error
                if not isinstance(error, _problems()):
                    raise
                raise _as_problem(address, error) from error
            finally:
                if session is not None:
                    session.close()
    finally:
        sock.close()


def read_host_key(address: Address) -> str:
    """Return the public key that a server shows, for a person to compare and pin."""
    if paramiko is None:
        raise RemoteProblem("no_library", package="paramiko")
    sock = _connected(address)
    try:
        with _hang_up_after(CONNECT_TIMEOUT * 2, sock):
            transport = paramiko.Transport(sock)
            try:
                transport.start_client(timeout=CONNECT_TIMEOUT)
                key = transport.get_remote_server_key()
                return f"{key.get_name()} {key.get_base64()}"
            finally:
                transport.close()
    except _problems() as error:
        raise _as_problem(address, error) from error
    finally:
        sock.close()


def is_plain_name(name: str) -> bool:
    """Is it the name of a file and nothing else: no path, no control characters?"""
    return (
        name not in ("", ".", "..")
        and len(name) < 256
        and not any(char in "/\\" or ord(char) < 32 or ord(char) == 127 for char in name)
    )


def _connected(address):
    """Return a socket to one of the very addresses that were judged."""
    port = address.port or PORTS[address.way]
    try:
        places = look_up(address.host, port, address.allow_private)
    except (Refused, UnknownHost) as error:
        raise RemoteProblem("refused", why=str(error)) from error
    problem = None
    for place in places:
        try:
            sock = socket.create_connection((place, port), CONNECT_TIMEOUT)
        except OSError as error:
            problem = error
            continue
        sock.settimeout(SILENCE)
        return sock
    raise RemoteProblem("no_connection", host=address.host, why=_reason(problem))


# === FTP AND FTPS === #


class _Ftp(ftplib.FTP):
    """FTP over a socket that is connected already. Data come from the host that commands go to,
    whatever address the server names."""

    trust_server_pasv_ipv4_address = False

    def attach(self, sock, host):
        self.host, self.timeout = host, SILENCE
        self.sock, self.af = sock, sock.family
        self.file = sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()


class _FtpTls(ftplib.FTP_TLS, _Ftp):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        # Many servers ask that data come in the session of the commands.
        return self.context.wrap_socket(
            conn, server_hostname=self.host, session=self.sock.session
        ), size


class FtpSession:
    """A conversation by FTP, or by FTPS where the address says so."""

    def __init__(self, address, sock):
        self.address = address
        self.deadline = time.monotonic() + address.patience
        if address.way == "ftps":
            context = ssl.create_default_context(cadata=address.certificate or None)
            self.ftp = _FtpTls(context=context)
        else:
            self.ftp = _Ftp()
        self.ftp.encoding = "utf-8"
        self.ftp.attach(sock, address.host)
        # By FTPS this speaks TLS first, or fails.
        self.ftp.login(address.username or "anonymous", address.password)
        if address.way == "ftps":
            self.ftp.prot_p()
        if address.folder:
            self.ftp.cwd(address.folder)

    def entries(self) -> list[Entry]:
        """Return the files of the folder."""
        lines: list[str] = []

        def keep(line):
            self._check_time()
            if len(lines) < MOST_FILES:
                lines.append(line)

        try:
            self.ftp.retrlines("MLSD", keep)
        except ftplib.error_perm as error:
            if not str(error).startswith("50"):
                raise
            return self._entries_of_old()
        found = []
        for line in lines:
            head, _blank, name = line.rstrip("\r\n").partition(" ")
            facts = dict(fact.lower().partition("=")[::2] for fact in head.split(";") if fact)
            if facts.get("type", "file") == "file" and is_plain_name(name):
                size = facts.get("size", "")
                found.append(
                    Entry(name, int(size) if size.isdecimal() else -1, facts.get("modify", ""))
                )
        return found

    def _check_time(self):
        """Data come over a line of their own, which nobody hangs up."""
        if time.monotonic() > self.deadline:
            raise RemoteProblem("too_slow", host=self.address.host)

    def _entries_of_old(self):
        """The files on servers that know no MLSD: a name without a size is no file."""
        found = []
        self.ftp.voidcmd("TYPE I")
        for path in self.ftp.nlst()[:MOST_FILES]:
            name = path.rpartition("/")[2]
            if not is_plain_name(name):
                continue
            try:
                size = self.ftp.size(name)
                modified = self.ftp.voidcmd(f"MDTM {name}")[4:].strip()
            except ftplib.error_perm:
                continue
            found.append(Entry(name, size if size is not None else -1, modified))
        return found

    def fetch(self, name: str, limit: int) -> bytes:
        """Return a file's content; raise where it is larger than ``limit``."""
        buffer = _Measured(name, limit)

        def keep(data):
            self._check_time()
            buffer.write(data)

        self.ftp.retrbinary(f"RETR {name}", keep, BLOCK)
        return buffer.getvalue()

    def move(self, name: str, folder: str) -> None:
        """Move a file into a folder, which is made where it is not there."""
        with contextlib.suppress(ftplib.error_perm):
            self.ftp.mkd(folder)
        self.ftp.rename(name, f"{folder.rstrip('/')}/{name}")

    def close(self) -> None:
        """Say good-bye where the other side still listens."""
        with contextlib.suppress(OSError, EOFError, ftplib.Error):
            self.ftp.quit()
        self.ftp.close()


# === SFTP === #


class SftpSession:
    """A conversation by SFTP with the one server that has the pinned key."""

    def __init__(self, address, sock):
        if paramiko is None:
            raise RemoteProblem("no_library", package="paramiko")
        if not address.host_key.strip():
            raise RemoteProblem("no_host_key", host=address.host)
        kind, _blank, data = address.host_key.strip().partition(" ")
        data = data.split(" ")[0]
        self.transport = paramiko.Transport(sock)
        try:
            # The server is asked for the kind of key that was pinned.
            options = self.transport.get_security_options()
            wanted = [name for name in options.key_types if _kind(name) == kind]
            if wanted:
                options.key_types = wanted
            self.transport.start_client(timeout=CONNECT_TIMEOUT)
            key = self.transport.get_remote_server_key()
            if (key.get_name(), key.get_base64()) != (kind, data):
                shown = f"{key.get_name()} {key.get_base64()}"
                raise RemoteProblem("other_host_key", host=address.host, key=shown)
            self._log_in(address)
            self.sftp = paramiko.SFTPClient.from_transport(self.transport)
            self.sftp.get_channel().settimeout(SILENCE)
            if address.folder:
                self.sftp.chdir(address.folder)
        except BaseException:
            self.transport.close()
            raise

    def _log_in(self, address):
        if address.private_key:
            self.transport.auth_publickey(address.username, _private_key(address.private_key))
        else:
            self.transport.auth_password(address.username, address.password, fallback=False)

    def entries(self) -> list[Entry]:
        """Return the files of the folder."""
        return [
            Entry(item.filename, item.st_size or 0, str(item.st_mtime or 0))
            for item in self.sftp.listdir_attr()[:MOST_FILES]
            if stat.S_ISREG(item.st_mode or 0) and is_plain_name(item.filename)
        ]

    def fetch(self, name: str, limit: int) -> bytes:
        """Return a file's content; raise where it is larger than ``limit``."""
        buffer = _Measured(name, limit)
        with self.sftp.open(name, "rb") as file:
            while data := file.read(BLOCK):
                buffer.write(data)
        return buffer.getvalue()

    def move(self, name: str, folder: str) -> None:
        """Move a file into a folder, which is made where it is not there."""
        try:
            self.sftp.stat(folder)
        except FileNotFoundError:
            self.sftp.mkdir(folder)
        target = f"{folder.rstrip('/')}/{name}"
        try:
            self.sftp.posix_rename(name, target)
        except OSError:
            self.sftp.rename(name, target)

    def close(self) -> None:
        """End the conversation."""
        self.transport.close()


_SESSIONS = {"ftp": FtpSession, "ftps": FtpSession, "sftp": SftpSession}


class _Measured(io.BytesIO):
    """Keeps a content up to a limit."""

    def __init__(self, name, limit):
        super().__init__()
        self.name, self.limit = name, limit

    def write(self, data):
        if self.tell() + len(data) > self.limit:
            raise RemoteProblem("too_large", name=self.name, limit=self.limit >> 20)
        return super().write(data)


def _kind(name):
    """The kind of key behind a way of signing with it."""
    return "ssh-rsa" if name.startswith("rsa-") else name


def _private_key(text):
    """Return the key in a text, of whichever kind it is."""
    kinds = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
    problem = None
    for kind in kinds:
        try:
            return kind.from_private_key(io.StringIO(f"{text.strip()}\n"))
        except paramiko.SSHException as error:
            problem = error
    raise RemoteProblem("bad_key") from problem


def names_that_match(entries: list[Entry], pattern: str, marker: str) -> list[Entry]:
    """Return the files that are meant; with a marker those that have one beside them."""
    names = {entry.name for entry in entries}
    found = [entry for entry in entries if fnmatch(entry.name, pattern or "*")]
    if not marker:
        return found
    return [
        entry
        for entry in found
        if not entry.name.endswith(marker) and f"{entry.name}{marker}" in names
    ]


# === PROBLEMS === #


def _problems():
    """What servers and networks end a conversation with."""
    found = (OSError, EOFError, ValueError, ftplib.Error)
    return found if paramiko is None else (*found, paramiko.SSHException)


def _as_problem(address, error):
    host = address.host
    if isinstance(error, ssl.SSLCertVerificationError):
        return RemoteProblem("certificate", host=host, why=error.verify_message)
    if paramiko is not None and isinstance(error, paramiko.AuthenticationException):
        return RemoteProblem("login", host=host)
    if isinstance(error, ftplib.error_perm):
        if str(error).startswith("530"):
            return RemoteProblem("login", host=host)
        return RemoteProblem("said_no", host=host, why=_reason(error))
    if isinstance(error, TimeoutError):
        return RemoteProblem("silent", host=host)
    if isinstance(error, FileNotFoundError | PermissionError):
        return RemoteProblem("said_no", host=host, why=_reason(error))
    return RemoteProblem("broke_off", host=host, why=_reason(error))


def _reason(error) -> str:
    """Return what a person can make of an error; words of the other side are cut and cleaned."""
    text = str(getattr(error, "strerror", None) or error or "") or type(error).__name__
    return "".join(char if char.isprintable() else " " for char in text)[:200]


@contextlib.contextmanager
def _hang_up_after(seconds, sock):
    """End the conversation when its time is up: a socket's own time-out counts from byte to byte."""
    expired = threading.Event()
    # A handle of its own: TLS takes the one given over.
    line = sock.dup()

    def hang_up():
        expired.set()
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    watchdog = threading.Timer(seconds, hang_up)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield expired
    finally:
        watchdog.cancel()
        line.close()
