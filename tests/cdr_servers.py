"""Servers of carriers for tests: FTP and FTPS by pyftpdlib, SFTP by asyncssh, IMAP by pymap, all on this
machine."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from .workers import free_port

USER, PASSWORD = "carrier", "secret-word"


@contextmanager
def ftp_server(folder, certificate=None, handler_options=None):
    """Serve a folder by FTP, by FTPS where there is a certificate (a PEM file with its key); gives the
    port."""
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.servers import FTPServer

    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder), perm="elradfmwMT")

    base = TLS_FTPHandler if certificate else FTPHandler

    class Handler(base):
        pass

    Handler.authorizer = authorizer
    Handler.use_sendfile = False
    if certificate:
        Handler.certfile = certificate
        Handler.tls_control_required = Handler.tls_data_required = True
        Handler.ssl_context = None
    for name, value in (handler_options or {}).items():
        setattr(Handler, name, value)
    server = FTPServer(("127.0.0.1", 0), Handler)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            server.ioloop.loop(timeout=0.1, blocking=False)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        stop.set()
        thread.join(5)
        server.close_all()


@contextmanager
def sftp_server(folder, key=None, client_key=None):
    """Serve a folder by SFTP; gives the port and the host's public key.

    :param client_key: the public key that is let in, besides the password.
    """
    import asyncssh

    key = key or asyncssh.generate_private_key("ssh-ed25519")
    started = threading.Event()
    loop = asyncio.new_event_loop()
    place = {}

    class Door(asyncssh.SSHServer):
        def begin_auth(self, username):
            return True

        def password_auth_supported(self):
            return True

        def validate_password(self, username, password):
            return (username, password) == (USER, PASSWORD)

        def public_key_auth_supported(self):
            return client_key is not None

        def validate_public_key(self, username, given):
            return client_key is not None and given.export_public_key() == client_key

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel):
            super().__init__(channel, chroot=str(folder).encode())

    async def serve():
        listener = await asyncssh.create_server(
            Door, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=Files
        )
        place["port"] = listener.get_port()
        place["listener"] = listener
        started.set()

    async def end():
        place["listener"].close()
        await place["listener"].wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def run():
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    public = " ".join(key.export_public_key().decode().split()[:2])
    try:
        yield place["port"], public
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@contextmanager
def imap_server():
    """Serve one empty mailbox by IMAP; gives the port."""
    port = free_port()
    line = [
        str(Path(sys.executable).with_name("pymap")),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    line += ["--no-tls", "dict", "--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _try in range(150):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.2)
        yield port
    finally:
        process.kill()
        process.wait(10)
