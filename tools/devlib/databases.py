"""Databases: cached templates, and the copies one works on.

    billing_base_<cache>_<demo|plain>_<key>    the dependencies installed; shared by checkouts
    billing_tpl_<checkout>_<demo|plain>_<key>  the addon installed on top, keyed by its files
    billing_demo_<checkout>                    what `demo`, `serve` and `shell` use
    billing_run_<checkout>_<process>...        thrown away at the end of a test run or script

A database gets its final name when it is complete, so one that carries it can be trusted; with
it comes the folder of its files in Odoo's data folder."""

import os
import re
import shutil

from .place import ADDON, ROOT, digest, manifest, read_json, tree_hash
from .ui import Failure, Step, run, say

#: installed beside the addon's own dependencies, because people use it with them
BESIDE = ("contacts",)
LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ \d+ (WARNING|ERROR|CRITICAL) \S+ (\S+): (.*)")
LOADING = re.compile(r"Loading module (\w+) \((\d+/\d+)\)")


class Databases:
    """The databases of one checkout on one server."""

    def __init__(self, place, odoo, server, env):
        self.place = place
        self.odoo = odoo
        self.server = server
        self.env = env
        self.site = digest(place.site, server.key)
        self.checkout = self.checkout_key(ROOT)

    def checkout_key(self, path):
        return digest(self.place.site, self.server.key, path)

    # === SINGLE DATABASES === #

    def names(self, pattern):
        """Names of existing databases that match a regular expression."""
        rows = self.server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'billing\\_%'")
        return sorted(name for (name,) in rows if re.fullmatch(pattern, name))

    def exists(self, name):
        return bool(self.names(re.escape(name)))

    def files(self, name):
        return self.place.data / "filestore" / name

    def drop(self, name):
        self.server.sql('DROP DATABASE IF EXISTS :"name" WITH (FORCE)', name=name)
        shutil.rmtree(self.files(name), ignore_errors=True)

    def copy(self, source, target):
        """A copy of a database that nobody is connected to, and of its files."""
        self.drop(target)
        files = self.files(source)
        if files.exists():
            # Odoo never changes such a file, it adds and deletes: a second name will do
            shutil.copytree(files, self.files(target), copy_function=_link_or_copy)
        self.server.sql(
            'CREATE DATABASE :"target" TEMPLATE :"source"', source=source, target=target
        )

    def rename(self, source, target):
        self.drop(target)
        if self.files(source).exists():
            self.files(source).replace(self.files(target))
        self.server.sql(
            'ALTER DATABASE :"source" RENAME TO :"target"', source=source, target=target
        )

    def note(self, name, text):
        self.server.sql("COMMENT ON DATABASE :\"name\" IS :'text'", name=name, text=text)

    def read_note(self, name):
        rows = self.server.sql(
            "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database "
            "WHERE datname = :'name'",
            name=name,
        )
        return rows[0][0] if rows else None

    # === TEMPLATES === #

    def base_name(self, demo):
        requirements = sorted({*manifest()["depends"], *BESIDE})
        versions = sorted(read_json(self.odoo.path.parents[3] / "stamp.json").items())
        if not self.odoo.own:
            versions = [self.odoo.path, (self.odoo.package / "release.py").stat().st_mtime_ns]
        return f"billing_base_{self.site}_{_kind(demo)}_{digest(requirements, versions)}"

    def base(self, demo):
        """Name of the database with the dependencies, made when there is none."""
        name = self.base_name(demo)
        self.place.remember(**{f"base_{_kind(demo)}_{self.site}": name})
        with self.place.lock(f"base_{_kind(demo)}", "installing the dependencies"):
            if not self.exists(name):
                new = name + "_new"
                self.drop(new)
                self.place.need_disk(1000, "A database")
                modules = ",".join(sorted({*manifest()["depends"], *BESIDE}))
                title = "with demo data" if demo else "without demo data"
                with Step(f"installing Odoo's accounting {title} (once)") as step:
                    self._install(new, modules, demo, f"base-{_kind(demo)}", step)
                self.rename(new, name)
                self._drop_unused_bases()
        return name

    def template(self, demo):
        """Name of the database with the addon installed, made when the files have changed."""
        name = f"billing_tpl_{self.checkout}_{_kind(demo)}_{tree_hash()}"
        pattern = f"billing_tpl_{self.checkout}_{_kind(demo)}_.*"
        with self.place.lock(f"tpl_{self.checkout}_{_kind(demo)}", "installing the addon"):
            if not self.exists(name) or self.read_note(name) != self.base_name(demo):
                base = self.base(demo)
                for old in self.names(pattern):
                    self.drop(old)
                new = name + "_new"
                self.copy(base, new)
                title = "and its demo data" if demo else "without demo data"
                with Step(f"installing the addon {title}") as step:
                    log = self._install(new, ADDON, demo, f"addon-{_kind(demo)}", step)
                self._check_addon(new, log)
                self.rename(new, name)
                self.note(name, base)
        return name

    def _install(self, name, modules, demo, log_name, step):
        log = self.place.log(log_name)
        command = [self.odoo.python, "-m", "odoo", "-d", name, "-i", modules]
        command += ["--stop-after-init", "--log-level=info", "--no-http"]
        command += ["--with-demo"] if demo else []

        def on_line(line):
            found = LOADING.search(line)
            if found:
                step.detail = f"{found[1]} {found[2]}"

        status, tail = run(command, env=self.env, log=log, on_line=on_line)
        problems = [p for p in log_problems(log) if p[0] in ("ERROR", "CRITICAL")]
        if status or problems:
            reason = problems[0][2] if problems else (tail or ["no output"])[-1]
            raise Failure(f"The installation of {modules} failed: {reason}. Details: {log}")
        failures = self.server.sql(
            "SELECT m.name, f.error FROM ir_demo_failure f "
            "LEFT JOIN ir_module_module m ON m.id = f.module_id",
            database=name,
        )
        if failures:
            raise Failure(
                f"The demo data of {failures[0][0]} failed to load ({failures[0][-1]}). "
                f"Details: {log}"
            )
        return log

    def _check_addon(self, name, log):
        """Odoo only warns of what is wrong with an addon, here it is an error."""
        problems = [text for _level, logger, text in log_problems(log) if self._ours(logger, text)]
        if problems:
            raise Failure(
                f"The installation of the addon warned: {problems[0]} "
                f"({len(problems)} warnings). Details: {log}"
            )
        state = self.server.sql(
            "SELECT state FROM ir_module_module WHERE name = :'addon'", database=name, addon=ADDON
        )
        if state != [["installed"]]:
            raise Failure(f"The addon did not install. Details: {log}")

    def _ours(self, logger, text):
        """Is a warning about our addon? One of Python's own is where it points into our files."""
        if logger == "py.warnings":
            return str(self.place.addon) in text or str(ROOT) + os.sep in text
        return True

    def _drop_unused_bases(self):
        used = {v for state in self.place.checkouts().values() for v in state.values()}
        for name in self.names(f"billing_base_{self.site}_(demo|plain)_[0-9a-f]{{8}}"):
            if name not in used:
                self.drop(name)

    # === COPIES TO WORK ON === #

    def throw_away(self, demo, suffix=""):
        """A fresh copy of the template for this process."""
        source = self.template(demo)
        name = f"billing_run_{self.checkout}_{os.getpid()}{suffix}"
        self.copy(source, name)
        return name

    def drop_left_over(self):
        """Throw away what killed processes and deleted checkouts have left."""
        pattern = re.compile(f"billing_run_{self.checkout}_(\\d+).*")
        folders = [f.name for f in self.files("").glob("billing_run_*")]
        for name in {*self.names(pattern.pattern), *filter(pattern.fullmatch, folders)}:
            if not _alive(int(pattern.fullmatch(name)[1])):
                self.drop(name)
        for folder, state in self.place.checkouts().items():
            if state.get("path") and not os.path.exists(state["path"]):
                key = self.checkout_key(state["path"])
                for name in self.names(f"billing_(tpl|demo|run)_{key}.*"):
                    self.drop(name)
                shutil.rmtree(folder, ignore_errors=True)

    def drop_own_runs(self, keep=()):
        """Throw away what this process has made."""
        for name in self.names(f"billing_run_{self.checkout}_{os.getpid()}(_.*)?"):
            if name not in keep:
                self.drop(name)

    @property
    def demo_name(self):
        return f"billing_demo_{self.checkout}"

    def drop_own(self, everything=False):
        """Drop this checkout's databases apart from its template; with `everything` all that this
        cache has on the server."""
        patterns = [f"billing_(demo|run|kept)_{self.checkout}.*"]
        if everything:
            paths = [state.get("path") for state in self.place.checkouts().values()]
            keys = "|".join(self.checkout_key(path) for path in paths)
            patterns = [f"billing_base_{self.site}_.*", f"billing_(tpl|demo|run|kept)_({keys}).*"]
        for pattern in patterns:
            for name in self.names(pattern):
                say(f"- dropping the database {name}")
                self.drop(name)

    def connections(self):
        """How many others are connected to the server."""
        rows = self.server.sql(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return int(rows[0][0])


def log_problems(log):
    """[(level, logger, text)] of every warning and error in an Odoo log."""
    with open(log, encoding="utf-8", errors="replace") as file:
        found = [LOG_LINE.match(line) for line in file]
    return [match.groups() for match in found if match]


def _kind(demo):
    return "demo" if demo else "plain"


def _link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
