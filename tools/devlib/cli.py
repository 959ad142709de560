"""The verbs of `tools/dev`."""

import argparse
import errno
import os
import shutil
import signal
import sys
import time
import traceback

from . import debian, lint, npm, peers, postgres, python, test_run, web
from .databases import Databases
from .place import ADDON, ROOT, Place, tree_hash
from .programs import OPTIONAL
from .ui import Failure, Step, run, say


class Session:
    """Everything a verb needs, made ready step by step: folders, Odoo, PostgreSQL."""

    def __init__(self, programs=()):
        self.place = Place()
        debian.offer_programs(self.place, list(programs))
        self.odoo = python.set_up(self.place)
        self.server = postgres.server(self.place, self.odoo)
        variables = self.server.variables
        self.config = self.place.config(
            self.odoo.addons_paths,
            variables.get("PGHOST"),
            variables.get("PGPORT"),
            variables.get("PGUSER"),
        )
        self.env = python.environment(self.place, self.odoo, self.server, self.config)
        self.databases = Databases(self.place, self.odoo, self.server, self.env)
        self.databases.drop_left_over()


def setup(_options):
    """Get Odoo, its Python packages, a PostgreSQL server and the template database."""
    session = Session(OPTIONAL)
    npm.axe_core(session.place)
    session.databases.template(demo=True)
    say(f"Ready. Everything lies in {session.place.cache}.")


def _demo_database(session, fresh):
    """The demo database; anew when the addon's files have changed (`fresh`) or it is missing."""
    databases, name, key = session.databases, session.databases.demo_name, tree_hash()
    note = databases.read_note(name)
    if note == key:
        say("- using the demo database as it is")
        return name
    if note is not None and not fresh:
        say(
            "- the addon has changed since the demo database was made: updating it "
            "(`make clean` and `make demo` make a new one)"
        )
        log = session.place.log("update")
        command = [session.odoo.python, "-m", "odoo", "-d", name, "-u", ADDON]
        with Step("updating the addon"):
            command += ["--stop-after-init", "--no-http"]
            status, _tail = run(command, env=session.env, log=log)
        if status:
            raise Failure(
                f"The demo database could not be updated: `make clean` drops it. Details: {log}"
            )
    else:
        if note is not None:
            say("- the addon has changed: making the demo database anew")
        databases.copy(databases.template(demo=True), name)
        shutil.rmtree(session.place.pdfs, ignore_errors=True)
        shutil.rmtree(session.place.mail, ignore_errors=True)
        _install_payments(session, name)
    databases.note(name, key)
    return name


def _install_payments(session, name):
    """Install Odoo's own provider for trying out payments, so that customers can pay."""
    log = session.place.log("payments")
    command = [session.odoo.python, "-m", "odoo", "-d", name, "-i", "payment_demo"]
    with Step("installing Odoo's payments for trying out"):
        command += ["--stop-after-init", "--no-http"]
        status, _tail = run(command, env=session.env, log=log)
    if status:
        raise Failure(f"Odoo's addon payment_demo could not be installed. Details: {log}")


def demo(options):
    """Run the demo billing cycles through a real Odoo server and print what came of it."""
    start = time.monotonic()
    session = Session()
    name = _demo_database(session, fresh=True)
    with web.running(session, name) as (_address, _process, log):
        command = [session.odoo.python, ROOT / "tools/devlib/runner.py", name]
        command += [ROOT / "tools/demo.py", session.place.pdfs]
        env = session.env if options.debug else {**session.env, "BILLING_DEV_ONE_SENTENCE": "1"}
        status = python.call(command, env=env)
        if status:
            raise Failure(f"The demo runs did not end well. The server's log: {log}")
    say(f"All in {time.monotonic() - start:.0f} s.")
    say("To open it: `make serve`, then http://127.0.0.1:8069 in a browser; admin, admin.")


def serve(options):
    """The web client on 127.0.0.1 with the demo database and background workers, until Ctrl-C."""
    web.check_port(options.port)
    session = Session()
    name = _demo_database(session, fresh=False)
    with (
        web.keeping_mail(session) as mail_port,
        web.running(session, name, options.port, mail_port) as (address, process, log),
    ):
        if mail_port:
            say(f"No e-mail leaves this machine: what is sent is kept in {session.place.mail}/new.")
        say(f"Billing runs at {address} (user admin, password admin). Ctrl-C ends it. Log: {log}")
        status = process.wait()
    raise Failure(f"The Odoo server ended by itself with status {status}. Details: {log}")


def test(options):
    """All tests on fresh copies of the demo template, in two processes side by side; those of one
    file, or with arguments for pytest (after --), in one."""
    session = Session(OPTIONAL)
    python.need_development(session.odoo)
    arguments = [a for a in options.arguments if a != "--"]
    return test_run.run(session, arguments, options.keep)


def script(options):
    """Run FILE with `env` on a throw-away database with the addon installed."""
    file = os.path.abspath(options.file)
    if not os.path.isfile(file):
        raise Failure(f"There is no file {options.file}.")
    session = Session()
    return _run_script(session, file, options.arguments, not options.no_demo, options.keep)


def _run_script(session, file, arguments, with_demo, keep=False):
    databases = session.databases
    name = databases.throw_away(with_demo)
    try:
        command = [session.odoo.python, ROOT / "tools/devlib/runner.py", name, file, *arguments]
        env = {**session.env, "BILLING_TEST_TEMPLATE": databases.template(with_demo)}
        return python.call(command, env=env)
    finally:
        if keep:
            kept = name.replace("billing_run_", "billing_kept_")
            databases.rename(name, kept)
            say(f"- kept the database {kept} (`make clean` drops it)")
        else:
            databases.drop_own_runs()


def bench(options):
    """Run the measurement bench/NAME.py on a throw-away database without demo data, or all."""
    files = {file.stem: file for file in sorted((ROOT / "bench").glob("[a-z]*.py"))}
    if options.list or not files:
        for name, file in files.items():
            first = file.read_text(encoding="utf-8").lstrip("\"'").splitlines()[:1]
            say(f"{name:<16}{''.join(first).strip(chr(34))}")
        say("" if files else "There are no measurements yet.")
        return 0
    if options.name and options.name not in files:
        raise Failure(f"There is no bench/{options.name}.py; there are: {', '.join(files)}.")
    session = Session()
    session.env |= peers.variables(session.place, session.odoo)
    status = 0
    for name in [options.name] if options.name else files:
        say(f"== {name}")
        status = _run_script(session, str(files[name]), options.arguments, False) or status
    return status


def shell(_options):
    """Odoo's interactive shell with `env` on the demo database."""
    session = Session()
    name = _demo_database(session, fresh=False)
    command = [session.odoo.python, session.place.launcher(), "shell", "-d", name]
    return python.call([*command, "--log-level=warn"], interactive=True, env=session.env)


def lint_verb(_options):
    """Ruff, pylint-odoo and the repository's own checks. Needs no database."""
    place = Place()
    odoo = python.set_up(place)
    python.need_development(odoo, ("ruff", "pylint_odoo"))
    return lint.lint(place, odoo)


def docs(_options):
    """Take the pictures of the guide anew, from the demo that `demo` has made."""
    session = Session()
    binary = next(filter(None, map(shutil.which, OPTIONAL["chromium"].names)), None)
    if not binary:
        raise Failure("There is no Chromium on PATH: the pictures are taken with it.")
    name = _demo_database(session, fresh=False)
    with web.running(session, name) as (address, _process, _log):
        command = [session.odoo.python, ROOT / "tools/devlib/runner.py", name]
        command += [ROOT / "tools/docs.py", address, binary, ROOT / "docs/pictures"]
        return python.call(command, env=session.env)


def dist(options):
    """The addon as a wheel and as an archive of its sources, in dist/. Needs no database."""
    place = Place()
    odoo = python.set_up(place)
    python.need_development(odoo, ("whool",))
    folder = os.path.abspath(options.folder or ROOT / "dist")
    return python.call([odoo.python, ROOT / "tools/devlib/dist.py", folder])


def clean(options):
    """Drop the demo database and what is left over, stop the private PostgreSQL; --all: caches."""
    place = Place()
    with place.lock("setup", "setting up", wait=not options.all):
        for server in postgres.existing(place):
            databases = Databases(place, None, server, None)
            if server.key != "private":
                databases.drop_own(everything=options.all)
                continue
            if not options.all:
                server.start()
                databases.drop_own()
            if not server.alive() or databases.connections() == 0:
                server.stop()
            elif options.all:
                raise Failure("The databases are in use: end what runs on them first.")
            else:
                say("- PostgreSQL keeps running: another checkout is using it")
        shutil.rmtree(place.links, ignore_errors=True)
        shutil.rmtree(place.pdfs, ignore_errors=True)
        shutil.rmtree(place.mail, ignore_errors=True)
        if options.all:
            with Step(f"removing {place.cache}"):
                shutil.rmtree(place.cache)
    say("Clean.")
    return 0


def parser():
    top = argparse.ArgumentParser(
        prog="tools/dev",
        description="Development commands of Billing Operations. Nothing is written into the "
        "checkout: Odoo, databases and caches lie in "
        "${XDG_CACHE_HOME:-~/.cache}/billing_operations.",
        epilog="Variables: ODOO_PATH = an Odoo 19 source tree whose Python environment is active "
        "(instead of the one fetched from Debian); PGHOST and its like = a PostgreSQL server "
        "(instead of a private one); XDG_CACHE_HOME = where everything lies.",
    )
    top.add_argument("--debug", action="store_true", help="show a traceback when a step fails")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add(name, function, **options):
        text = function.__doc__
        verb = verbs.add_parser(name, help=text, description=text, **options)
        verb.set_defaults(function=function)
        return verb

    add("setup", setup)
    add("demo", demo)
    verb = add("test", test)
    verb.add_argument("--keep", action="store_true", help="keep the test database")
    verb.add_argument("arguments", nargs=argparse.REMAINDER, help="tests/test_x.py, -k name, ...")
    verb = add("serve", serve)
    verb.add_argument("--port", type=int, default=8069)
    add("lint", lint_verb)
    add("shell", shell)
    verb = add("bench", bench)
    verb.add_argument("name", nargs="?", help="run only this one")
    verb.add_argument("--list", action="store_true", help="only say what there is")
    verb.add_argument("arguments", nargs=argparse.REMAINDER, help="given to the measurement")
    verb = add("script", script)
    verb.add_argument("file", metavar="FILE")
    verb.add_argument("--no-demo", action="store_true", help="a database without demo data")
    verb.add_argument("--keep", action="store_true", help="keep the database")
    verb.add_argument("arguments", nargs="*", help="given to FILE")
    add("docs", docs)
    verb = add("dist", dist)
    verb.add_argument("folder", nargs="?", help="where to put them instead")
    verb = add("clean", clean)
    verb.add_argument("--all", action="store_true", help="remove Odoo, packages and templates too")
    return top


class Terminated(BaseException):
    """SIGTERM: end through the same `finally` blocks as everything else."""


def _terminate(_signal, _frame):
    raise Terminated


def main():
    options = parser().parse_args()
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where we run behind `&`
    try:
        return options.function(options) or 0
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130
    except Terminated:
        say("\nStopped (SIGTERM).")
        return 143
    except Failure as failure:
        if options.debug:
            traceback.print_exc()
        print(f"\ntools/dev: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        if options.debug:
            traceback.print_exc()
        way_out = "start again, or run with --debug for the details"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            way_out = "free some disk space and start again"
        elif error.errno in (errno.EACCES, errno.EPERM):
            way_out = "set XDG_CACHE_HOME to a folder that you may write"
        what = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
        print(f"\ntools/dev: {what}; {way_out}.", file=sys.stderr)
        return 1
