"""The other side of a webhook: a real HTTP server of the test's own."""

import ipaddress
import json
import ssl
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@contextmanager
def certificate():
    """The name of a file with a self-signed certificate of 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now()
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(key.private_bytes(pem, form, serialization.NoEncryption()))
        file.write(signed.public_bytes(pem))
        file.flush()
        yield file.name


class Receiver:
    """Answers with what is next in `answers`: (status, JSON or bytes), or seconds to sleep.

    `requests` keeps what came in: method, path, headers, body.

    :param respond: a function (method, idempotency key) to answer, where there is nothing next.
    """

    def __init__(self, certificate=None, respond=lambda _method, _key: (200, {})):
        self.answers = []
        self.requests = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                receiver.requests.append((self.command, self.path, dict(self.headers), body))
                answer = (
                    receiver.answers.pop(0)
                    if receiver.answers
                    else respond(self.command, self.headers.get("Idempotency-Key"))
                )
                if isinstance(answer, int | float):
                    time.sleep(answer)
                    return
                status, content, *headers = answer
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                names = dict(headers)
                for name, value in {"Content-Length": str(len(data)), **names}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_any

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}/hook?x=1"

    @property
    def keys(self):
        """The idempotency keys that came in, in order."""
        return [headers.get("Idempotency-Key") for _m, _p, headers, _b in self.requests]

    @property
    def methods(self):
        return [method for method, _path, _headers, _body in self.requests]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
