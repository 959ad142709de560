"""Real Odoo worker processes on a cloned database, for tests that kill them.

    with Database() as database:
        database.script("env['billing.task'].enqueue('test_insert'); env.cr.commit()")
        with database.workers(4) as workers:
            workers.wait_for("SELECT count(*) = 1 FROM billing_test_effect")

The environment variable BILLING_TEST_TEMPLATE names the database to clone: the addon and its demo
data are installed in it and nobody is connected. How to reach the server and where the addons are
comes from the running Odoo's own configuration. Everything is bounded in time, and whatever a
block started or created is gone at its end.
"""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from contextlib import closing
from importlib import metadata
from pathlib import Path

import psutil
import psycopg2

from odoo.tools import config

TEST_ADDONS = Path(__file__).parent / "addons"
TEST_ADDON = "billing_operations_test"
PYTHON_ODOO = [sys.executable, "-m", "odoo"]


def queue_job_addons():
    """Return the addons paths that the addon Queue Job needs besides the configured ones."""
    if any(Path(path, "queue_job").exists() for path in config["addons_path"]):
        return []
    try:
        wheel = metadata.distribution("odoo-addon-queue-job")
    except metadata.PackageNotFoundError:
        return []
    return [str(wheel.locate_file("odoo/addons"))]


def holds_us(folder):
    """Return whether this addon lies in an addons folder."""
    return Path(folder, "billing_operations").exists()


def free_port():
    """Return a TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def process_test(cls):
    """Mark a test class as one that starts processes, where the runner knows of marks."""
    try:
        import pytest
    except ImportError:
        return cls
    return pytest.mark.process(cls)


class Server:
    """How to reach a PostgreSQL server; by default the one of the running Odoo."""

    def __init__(self, host=None, port=None, user=None, password=None):
        own = host is None
        self.host = (config["db_host"] or os.environ.get("PGHOST") or "") if own else host
        self.port = (config["db_port"] or os.environ.get("PGPORT") or "") if own else port or ""
        self.user = (config["db_user"] or os.environ.get("PGUSER") or "") if own else user or ""
        self.password = (config["db_password"] or "") if own else password or ""

    def connect(self, database="postgres"):
        """Return a connection in autocommit mode."""
        options = {"host": self.host, "port": self.port, "user": self.user}
        options["password"] = self.password
        connection = psycopg2.connect(
            dbname=database, **{name: value for name, value in options.items() if value}
        )
        connection.autocommit = True
        return connection

    def execute(self, statement, database="postgres"):
        """Run one statement and return its rows, None where it has none."""
        with closing(self.connect(database)) as connection, connection.cursor() as cr:
            cr.execute(statement)
            return cr.fetchall() if cr.description else None

    def options(self):
        """Return the options of an Odoo configuration that lead to this server."""
        values = {"host": self.host, "port": self.port, "user": self.user}
        values["password"] = self.password
        return {f"db_{name}": value for name, value in values.items() if value}

    def environment(self):
        """Return the variables that lead to this server: Odoo heeds them before its
        configuration."""
        values = {"PGHOST": self.host, "PGPORT": self.port, "PGUSER": self.user}
        values["PGPASSWORD"] = self.password
        return {name: value for name, value in values.items() if value}


class Database:
    """A throw-away database, cloned from the template, with the test addon installed if wanted.

    :param test_addon: True installs the task types whose effects tests count; `there` says that the
        template has them.
    :param template: another database to clone.
    :param addons: folders that take the place of the one in which this addon lies.
    """

    def __init__(self, test_addon=False, template=None, server=None, addons=()):
        self.addons = addons
        self.server = server or Server()
        self.template = template or os.environ["BILLING_TEST_TEMPLATE"]
        self.name = f"{self.template}_{uuid.uuid4().hex[:8]}"
        self.test_addon = test_addon
        self.folder = None

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="billing-workers-"))
        try:
            self._create()
            if self.test_addon is True:
                self.odoo("-i", TEST_ADDON, "--stop-after-init")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception):
        try:
            self.server.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self):
        self.server.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}"')
        files = Path(config.filestore(self.template))
        if files.exists():
            shutil.copytree(files, self.folder / "data" / "filestore" / self.name)

    # === READING AND WRITING === #

    def execute(self, statement):
        """Run one SQL statement; return its rows."""
        return self.server.execute(statement, self.name)

    def value(self, statement):
        """Return the first column of the first row."""
        return self.execute(statement)[0][0]

    def script(self, source, timeout=180, **variables):
        """Run Python with `env` in a process of its own and return what it printed.

        What it does not commit is rolled back. `variables` are set for it by their `repr`.
        """
        names = [f"{name} = {value!r}" for name, value in variables.items()]
        file = self.folder / f"script_{uuid.uuid4().hex}.py"
        file.write_text("\n".join([*names, textwrap.dedent(source)]), encoding="utf-8")
        # From a file, since the shell reads its input line by line as if typed.
        line = f"exec(compile(open({str(file)!r}).read(), 'script', 'exec'), {{'env': env}})\n"
        return self.odoo("--no-http", command="shell", stdin=line, timeout=timeout)

    def odoo(self, *options, command=None, stdin="", timeout=180):
        """Run Odoo once on this database and return its output; raise when it fails."""
        line = [*PYTHON_ODOO, *([command] if command else []), "-c", self.write_config(), *options]
        done = subprocess.run(
            line,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment(),
            check=False,
        )
        if done.returncode or "Traceback" in done.stderr:
            raise RuntimeError(f"{' '.join(line)}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def write_config(self, **options):
        """Write a configuration file for this database and return its path."""
        own = [path for path in config["addons_path"] if not (self.addons and holds_us(path))]
        addons = [*self.addons, *own, *queue_job_addons()]
        if self.test_addon:
            addons.append(str(TEST_ADDONS))
        values = {
            **self.server.options(),
            "db_name": self.name,
            "dbfilter": f"^{self.name}$",
            "addons_path": ",".join(map(str, addons)),
            "data_dir": self.folder / "data",
            "list_db": False,
            "log_level": "warn",
            "http_interface": "127.0.0.1",
            **options,
        }
        lines = ["[options]", *(f"{name} = {value}" for name, value in values.items())]
        file = self.folder / f"odoo_{uuid.uuid4().hex[:8]}.conf"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(file)

    def environment(self, **variables):
        """Return the environment of a child process: ours, leading to this database's server."""
        kept = {name: value for name, value in os.environ.items() if name != "ODOO_RC"}
        variables = {**self.server.environment(), **variables}
        return {**kept, **{name: str(value) for name, value in variables.items()}}

    def queue_job_workers(self, count=2, **options):
        """Return a context manager like `workers`, of a server that carries jobs of Queue Job."""
        port = free_port()
        environment = {
            "ODOO_QUEUE_JOB_CHANNELS": f"root:{count}",
            "ODOO_QUEUE_JOB_HOST": "127.0.0.1",
            "ODOO_QUEUE_JOB_PORT": port,
        }
        http = {"http_enable": True, "http_port": port, "gevent_port": free_port()}
        modules = {"server_wide_modules": "base,rpc,web,queue_job", "max_cron_threads": 1}
        return Workers(
            self, count, environment, (), {**http, **modules, "workers": count, **options}
        )

    def workers(self, count=4, environment=None, crons=(), **options):
        """Return a context manager that runs a prefork server with `count` cron processes.

        :param environment: more environment variables, e.g. a crash point.
        :param crons: names of the addon's crons that work beside the queue's own.
        :param options: more options of Odoo's configuration file.
        """
        return Workers(self, count, environment or {}, crons, options)


class Workers:
    """A prefork server without web pages: a master and its cron processes."""

    def __init__(self, database, count, environment, crons, options):
        self.database = database
        self.count = count
        self.environment = environment
        self.crons = list(crons)
        self.options = {"limit_time_real": 120, "limit_time_cpu": 120, **options}
        self.process = None
        self.log = None
        self.command = None
        self.next_wake = 0

    def __enter__(self):
        database = self.database
        database.execute(
            f"""
            DELETE FROM ir_config_parameter WHERE key = 'billing_operations.task_workers';
            INSERT INTO ir_config_parameter (key, value)
                 VALUES ('billing_operations.task_workers', '{min(self.count, 8)}')
            """
        )
        # Only the queue's own crons and those asked for, so that a test sees nothing else at work.
        database.execute(
            f"""
            UPDATE ir_cron SET active = id IN (
                SELECT res_id FROM ir_model_data
                 WHERE module = 'billing_operations'
                   AND (name LIKE 'cron_billing_task_worker_%'
                        OR name = ANY(ARRAY{self.crons}::text[]))
            )
            """
        )
        self.log = database.folder / f"workers_{uuid.uuid4().hex[:8]}.log"
        options = {"workers": 1, "http_enable": False, "max_cron_threads": self.count}
        configuration = database.write_config(**{**options, **self.options})
        self.command = [*PYTHON_ODOO, "-c", configuration, "--logfile", str(self.log)]
        self._start()
        return self

    def _start(self):
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.log.open("a"),
            env=self.database.environment(**self.environment),
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        try:
            self.until(lambda: len(self.pids()) >= self.count, 60, "no workers came up")
        except BaseException:
            self.kill()
            raise
        self.wake()
        # They may have come up too late to hear it.
        self.next_wake = time.monotonic() + 0.5

    def keep_up(self):
        """Start the server again where it ended, as a service manager does."""
        if self.process.poll() is not None:
            _kill_group(self.process.pid)
            self._start()

    def __exit__(self, *_exception):
        self.stop()

    def pids(self):
        """Return the process ids of the workers, without their master's."""
        if self.process.poll() is not None:
            return []
        try:
            return [child.pid for child in psutil.Process(self.process.pid).children()]
        except psutil.NoSuchProcess:
            return []

    def wake(self):
        """Make the workers look at the queue now instead of at their next minute."""
        self.database.execute(
            """
            INSERT INTO ir_cron_trigger (cron_id, call_at)
            SELECT id, now() AT TIME ZONE 'UTC' - interval '1 second' FROM ir_cron WHERE active
            """
        )
        self.database.server.execute(f"SELECT pg_notify('cron_trigger', '{self.database.name}')")

    def tend(self):
        """For use while waiting: keep the server up, and wake the workers every two seconds."""
        self.keep_up()
        if time.monotonic() > self.next_wake:
            self.next_wake = time.monotonic() + 2
            self.wake()

    def kill_one(self):
        """SIGKILL a worker by chance; the master starts another one."""
        pids = self.pids()
        if pids:
            _kill(random.choice(pids), signal.SIGKILL)

    def kill(self):
        """SIGKILL the master and all its workers, as if the machine had lost power."""
        _kill_group(self.process.pid)
        self.process.wait(10)

    def stop(self, timeout=30):
        """Stop as an administrator does (SIGTERM); return the seconds it took. Kill what stays."""
        begun = time.monotonic()
        try:
            if self.process.poll() is None:
                _kill(self.process.pid, signal.SIGTERM)
                self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _kill_group(self.process.pid)
            self.process.wait(10)
        return time.monotonic() - begun

    def wait_for(self, condition, timeout=60, each=None):
        """Wait until an SQL condition is true; raise with the server's log when time is up.

        :param condition: a SELECT of one boolean.
        :param each: called between two looks.
        """

        def look():
            if each:
                each()
            return self.database.value(condition)

        self.until(look, timeout, condition)

    def until(self, condition, timeout, what):
        """Wait until a function returns true; raise with the server's log when time is up."""
        deadline = time.monotonic() + timeout
        while True:
            if condition():
                return
            if time.monotonic() > deadline:
                log = self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""
                raise TimeoutError(f"not within {timeout} s: {what}\n{log}")
            time.sleep(0.2)


def _die_with_parent():
    """Have the kernel end the server when the tests are killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
