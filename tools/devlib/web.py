"""The running Odoo server of `serve` and `demo`: real worker processes, cron workers included."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from .proxy import Proxy
from .python import missing_modules
from .ui import Failure, Step, die_with_parent

#: processes for pages, and for background work (one more than the queue's workers, so that
#: mail and other scheduled work never waits for billing)
WORKERS = 2
CRON_WORKERS = 3


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_port(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise Failure(f"Port {port} is reserved: choose another one with --port.") from None
        except OSError:
            raise Failure(
                f"Port {port} is taken by another program: end it, or choose another port with "
                "--port (make serve PORT=8070)."
            ) from None


@contextlib.contextmanager
def keeping_mail(session):
    """A mail server that keeps all it gets in the checkout's folder `mail`; yields its port.

    It yields None where the Python of ODOO_PATH lacks the package for it: mail then goes where
    Odoo's own settings say."""
    if missing_modules(session.odoo, ("aiosmtpd",)):
        yield None
        return
    port = free_port()
    command = [session.odoo.python, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}"]
    command += ["-c", "aiosmtpd.handlers.Mailbox", str(session.place.mail)]
    with open(session.place.log("mail"), "a", encoding="utf-8") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
    try:
        yield port
    finally:
        _stop(process)


@contextlib.contextmanager
def running(session, database, port=None, mail_port=None):
    """A server on `database`; yields its address once it answers."""
    if port:
        check_port(port)
    else:
        port = free_port()
    http_port, live_port = free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    _set_report_address(session, database, f"http://127.0.0.1:{http_port}")
    log = session.place.log("server")
    command = [
        session.odoo.python, str(session.place.launcher()), "server", "-d", database,
        f"--http-port={http_port}", f"--gevent-port={live_port}",
        f"--workers={WORKERS}", f"--max-cron-threads={CRON_WORKERS}",
        "--limit-time-cpu=600", "--limit-time-real=1200", f"--logfile={log}",
    ]  # fmt: skip
    if mail_port:
        command += ["--smtp=127.0.0.1", f"--smtp-port={mail_port}"]
    with open(log, "a", encoding="utf-8") as sink:
        process = subprocess.Popen(
            command,
            env=session.env,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
    proxy = None
    try:
        with Step("starting the Odoo server"):
            _wait(process, f"http://127.0.0.1:{http_port}/web/health", log)
        proxy = Proxy(port, http_port, live_port)
        yield address, process, log
    finally:
        if proxy:
            proxy.close()
        _stop(process)


def _set_report_address(session, database, address):
    """Where PDFs fetch their styles from: the port differs from run to run."""
    session.server.sql(
        "INSERT INTO ir_config_parameter (key, value, create_uid, write_uid, create_date, "
        "write_date) VALUES ('report.url', :'address', 1, 1, now(), now()) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        database=database,
        address=address,
    )


def _wait(process, url, log, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Failure(f"The Odoo server ended at once. Details: {log}")
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.3)
    raise Failure(f"The Odoo server did not answer within {seconds} s. Details: {log}")


def _stop(process):
    """Ask the server to end, then make it: nothing of it stays."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            pass
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
