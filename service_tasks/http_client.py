"""One HTTP request to an address that a person typed in. No database, standard library only.

The host is resolved once, every address it has is judged, and the connection goes to one of those
very addresses: a name that answers differently the second time gains nothing. Redirects are not
followed, proxies of the environment are not used, TLS certificates are verified.
"""

import contextlib
import http.client
import socket
import ssl
import threading
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ..billing_tasks.net_guard import Refused, UnknownHost, look_up
from .answers import readable

CONNECT_TIMEOUT = 5.0
MAX_ANSWER = 64 * 1024


class NotSent(Exception):
    """The other side certainly did not get the request."""


class NoAnswer(Exception):
    """The request left, or part of it, and no complete answer came: the outcome is unknown."""


@dataclass(frozen=True)
class Answer:
    """What the other side said: its HTTP status and the first 64 KB of the body."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Target:
    """A checked address: where to connect, and what to ask for there."""

    secure: bool
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


def check_url(url: str) -> tuple[SplitResult, int]:
    """Return the parts of an http(s) address without credentials.

    :raise Refused: where it is anything else.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused(f"{url} is not an address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"{url} is not an http or https address")
    if parts.username or parts.password:
        raise Refused("the address must not contain a user name or password")
    if any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise Refused("the address must not contain blanks or control characters")
    if not (parts.path + parts.query).isascii():
        raise Refused("the address must have other letters than English ones percent-encoded")
    return parts, port or (443 if parts.scheme == "https" else 80)


def resolve(url: str, allow_private: bool = False) -> Target:
    """Look the host up, once, and return where to connect.

    :raise Refused: where one of its addresses is private and that is not allowed.
    :raise NotSent: where the name is not known now.
    """
    parts, port = check_url(url)
    try:
        addresses = look_up(parts.hostname, port, allow_private)
    except UnknownHost as error:
        raise NotSent(str(error)) from error
    path = parts.path or "/"
    if parts.query:
        path += f"?{parts.query}"
    return Target(parts.scheme == "https", parts.hostname, port, path, addresses)


def send(
    target: Target,
    method: str,
    body: bytes = b"",
    headers: dict | None = None,
    timeout: float = 15.0,
) -> Answer:
    """Send one request and return the answer, whatever its status.

    :param timeout: seconds from the connection until the answer is complete.
    :raise NotSent: nothing left: no connection, or no trusted TLS.
    :raise NoAnswer: something left and no complete answer came in time.
    """
    sock = _connect(target, timeout)
    connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout)
    connection.sock = sock
    try:
        with _hang_up_after(timeout, sock) as expired:
            connection.request(
                method, target.path, body, {"Connection": "close", **(headers or {})}
            )
            response = connection.getresponse()
            answer = response.read(MAX_ANSWER)
        # Where the end is announced and did not come, the connection broke.
        if expired.is_set() or (response.length and len(answer) < MAX_ANSWER):
            raise NoAnswer(f"the answer of {target.host} was cut off")
        return Answer(response.status, answer)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NoAnswer(f"no answer from {target.host}: {_reason(error)}") from error
    finally:
        connection.close()


def _connect(target, timeout):
    problem = None
    for address in target.addresses:
        try:
            sock = socket.create_connection((address, target.port), CONNECT_TIMEOUT)
        except OSError as error:
            problem = error
            continue
        if not target.secure:
            sock.settimeout(timeout)
            return sock
        secured = sock
        try:
            secured = ssl.create_default_context().wrap_socket(
                sock, server_hostname=target.host, do_handshake_on_connect=False
            )
            with _hang_up_after(CONNECT_TIMEOUT, secured):
                secured.do_handshake()
            secured.settimeout(timeout)
            return secured
        except (OSError, ValueError) as error:
            secured.close()
            problem = error
    raise NotSent(f"no connection to {target.host}: {_reason(problem)}")


def _reason(error) -> str:
    """Return what a person can make of an error, without numbers and places in programs."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted, {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no secure connection, {(error.reason or 'it broke off').lower().replace('_', ' ')}"
    # Words of the other side may stand in it, in whatever bytes it likes.
    text = readable(getattr(error, "strerror", None) or error)
    return text or type(error).__name__


@contextlib.contextmanager
def _hang_up_after(seconds, sock):
    """End the conversation when its time is up: a socket's own time-out counts from byte to byte.

    Yields the event that tells whether it was ended.
    """
    expired = threading.Event()

    def hang_up():
        expired.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    watchdog = threading.Timer(seconds, hang_up)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield expired
    finally:
        watchdog.cancel()
