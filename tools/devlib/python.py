"""The Python that runs Odoo: an environment made from the lock file, or the one of ODOO_PATH."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import debian
from .place import ROOT, digest
from .ui import Failure, Step, die_with_parent, output, run

LOCKS = (ROOT / "requirements-dev.txt", ROOT / "requirements-queue-job.txt")
#: the Pythons that Odoo 19 takes and the lock is for, the one to look for first at the end
PYTHONS = ((3, 11), (3, 12), (3, 13))
#: variables of the caller that would lead Odoo astray; compiled Python goes to the cache
UNWANTED = {"PYTHONHOME", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "OPENERP_SERVER", "ODOO_RC"}
#: module: package, for what ODOO_PATH's environment must have besides Odoo's own requirements
DEVELOPMENT = {
    "pytest": "pytest",
    "pytest_odoo": "pytest-odoo",
    "hypothesis": "hypothesis",
    "aiosmtpd": "aiosmtpd",
    "websocket": "websocket-client",
    "freezegun": "freezegun",
    "ruff": "ruff",
    "pylint_odoo": "pylint-odoo",
    "whool": "whool",
}


@dataclass
class Odoo:
    """An Odoo source tree and the Python that runs it."""

    python: str
    path: Path  # holds the `odoo` package
    version: str
    own: bool  # ours, from Debian; False where ODOO_PATH was given

    @property
    def package(self):
        return self.path / "odoo"

    @property
    def addons_paths(self):
        return [f for f in (self.path / "addons", self.package / "addons") if _has_account(f)]


def _has_account(folder):
    return (folder / "account" / "__manifest__.py").is_file()


def set_up(place):
    """The Odoo to use, made ready. Repeats cheaply; the set-up lock is held while working."""
    given = os.environ.get("ODOO_PATH")
    if given:
        return _given(Path(given).expanduser().resolve())
    with place.lock("setup", "setting up"):
        executable = getattr(sys, "_base_executable", None) or sys.executable
        base = choose_python(sys.version_info[:2], executable, _find_python)
        path = debian.odoo_tree(place)
        python = _environment(place, base)
    return Odoo(python, path, _version(path), own=True)


def _version(path):
    release = path / "odoo" / "release.py"
    match = release.is_file() and re.search(
        r"^version_info\s*=\s*\((\d+),\s*(\d+)", release.read_text(encoding="utf-8"), re.M
    )
    return f"{match[1]}.{match[2]}" if match else None


def _given(path):
    if path.name == "odoo" and (path / "release.py").is_file():
        path = path.parent
    version = _version(path)
    if not version:
        raise Failure(f"ODOO_PATH={path} is no Odoo source tree: it has no odoo/release.py.")
    if version != "19.0":
        raise Failure(f"ODOO_PATH={path} is Odoo {version}; this addon is for Odoo 19.0.")
    python = sys.executable
    if os.environ.get("VIRTUAL_ENV"):
        python = os.path.join(os.environ["VIRTUAL_ENV"], "bin", "python")
    odoo = Odoo(python, path, version, own=False)
    if not odoo.addons_paths:
        raise Failure(f"ODOO_PATH={path} has no account addon beside it: is the tree complete?")
    requirements = path / "requirements.txt"
    _need_modules(
        odoo,
        ["psycopg2", "lxml", "werkzeug", "babel", "passlib", "PIL", "reportlab"],
        f"pip install -r {requirements}" if requirements.is_file() else "Odoo's requirements",
    )
    return odoo


def need_development(odoo, modules=tuple(DEVELOPMENT)):
    """Stop with the names when ODOO_PATH's environment lacks packages for tests or lint."""
    if not odoo.own:
        packages = " ".join(DEVELOPMENT[name] for name in modules)
        _need_modules(odoo, modules, f"pip install {packages}")


def missing_modules(odoo, modules):
    """Return the names of those modules that Odoo's Python lacks, with blanks between them."""
    code = (
        "import importlib.util as u, sys;"
        "print(' '.join(n for n in sys.argv[1:] if not u.find_spec(n)))"
    )
    missing = output([odoo.python, "-c", code, *modules])
    if missing is None:
        raise Failure(f"The Python {odoo.python} does not start: activate Odoo's environment.")
    return missing


def _need_modules(odoo, modules, remedy):
    if missing := missing_modules(odoo, modules):
        raise Failure(
            f"The active Python ({odoo.python}) lacks {missing.replace(' ', ', ')}: activate "
            f"Odoo's environment and complete it with: {remedy}"
        )


def choose_python(version, executable, find):
    """The Python to make the environment from: this one, else the newest that `find(version)`
    knows."""
    if version in PYTHONS:
        return executable
    for other in reversed(PYTHONS):
        if found := find(other):
            return found
    *names, newest = map(dotted, PYTHONS)
    raise Failure(
        f"This is Python {dotted(version)}, and Odoo 19 runs with {', '.join(names)} or {newest}: "
        f"install python{newest} with venv, or set ODOO_PATH to an Odoo 19 source tree whose own "
        "Python environment is active."
    )


def _find_python(version):
    """A Python of that version on PATH. What has its name may only stand for one that is not
    switched on."""
    found = shutil.which(f"python{dotted(version)}")
    return found if found and _version_of(found) == dotted(version) else None


def _version_of(executable):
    return output([executable, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])


def dotted(version):
    return ".".join(map(str, version))


def _environment(place, base):
    """The Python of the virtual environment that holds exactly the locked packages."""
    exact = output([base, "-c", "import sys; print(sys.version)"])
    locked = [lock.read_text(encoding="utf-8") for lock in LOCKS]
    folder = place.cache / f"venv-{digest(*locked, base, exact)}"
    place.remember(venv=folder.name)
    python, stamp = folder / "bin" / "python", folder / "complete"
    if stamp.exists():
        return str(python)
    place.need_disk(1200, "The Python environment")
    log = place.log("python")
    if output([base, "-c", "import ensurepip, venv; print('yes')"]) != "yes":
        debian.install_packages(place, [f"python{_version_of(base)}-venv"])
    shutil.rmtree(folder, ignore_errors=True)
    with Step("installing the locked Python packages"):
        status, tail = run([base, "-m", "venv", folder], log=log)
        if status == 0:
            command = [python, "-m", "pip", "install", "--quiet", "--no-input"]
            command += ["--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
            # These two come without a wheel; they are Python without anything to compile.
            command += ["--only-binary", ":all:", "--no-binary", "pyftpdlib,xero-python"]
            command += ["--require-hashes"]
            command += [part for lock in LOCKS for part in ("-r", lock)]
            status, tail = run(command, log=log)
    if status:
        raise _pip_failure(tail, log)
    stamp.touch()
    _drop_unused(place, folder.name)
    return str(python)


def _pip_failure(tail, log):
    text = "\n".join(tail)
    if "No space left" in text:
        return Failure("The Python packages do not fit on the disk: free some and start again.")
    if "DO NOT MATCH THE HASHES" in text:
        return Failure(
            "A package is not the one that was locked (its hash differs), so it is not used. "
            f"Start again; if it stays so, look at the package index set for pip. Details: {log}"
        )
    errors = [line for line in tail if "ERROR" in line or "Error" in line] or tail or ["no output"]
    return Failure(
        f"The Python packages could not be installed ({errors[-1].strip()}). Check the network "
        f"and pip's settings, then start again. Details: {log}"
    )


def _drop_unused(place, current):
    """Remove environments of earlier locks, apart from those that something may still run in."""
    used = {state.get("venv") for state in place.checkouts().values()} | {current}
    for folder in place.cache.glob("venv-*"):
        stamp = folder / "complete"
        if folder.name not in used and not (stamp.exists() and _younger_than_a_day(stamp)):
            shutil.rmtree(folder, ignore_errors=True)


def _younger_than_a_day(file):
    return time.time() - file.stat().st_mtime < 86400


def environment(place, odoo, server, config):
    """Environment variables for every program that runs Odoo, or beside it."""
    env = {key: value for key, value in os.environ.items() if key not in UNWANTED}
    env.update(server.variables)
    path = [str(Path(odoo.python).parent), *server.programs, env.get("PATH", os.defpath)]
    env.update(
        PATH=os.pathsep.join(path),
        PYTHONPATH=str(odoo.path),
        PYTHONPYCACHEPREFIX=str(place.cache / "pycache"),
        PYTHONUNBUFFERED="1",
        ODOO_RC=str(config),
        HYPOTHESIS_STORAGE_DIRECTORY=str(place.checkout / "hypothesis"),
        PYLINTHOME=str(place.checkout / "pylint"),
    )
    if odoo.own:
        env["PYTHONNOUSERSITE"] = "1"
    return env


def module_folder(odoo, name):
    """Folder of an importable package of Odoo's Python, or None."""
    code = "import importlib.util as u, sys; s = u.find_spec(sys.argv[1]); print(s.origin)"
    origin = output([odoo.python, "-c", code, name])
    return Path(origin).parent if origin else None


def start(command, **options):
    """Start a program that is interrupted when this process ends."""
    die = die_with_parent(signal.SIGINT)

    def set_up():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die()

    return subprocess.Popen([str(part) for part in command], preexec_fn=set_up, **options)


def end(process, interrupt=True):
    """Interrupt a program, give it time to clean up, then make it end."""
    if interrupt and process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def call(command, interactive=False, **options):
    """Run with the terminal's own input and output; returns the exit status.

    When this process is interrupted, so is the program, and it gets time to clean up. An
    `interactive` program has Ctrl-C for itself."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if interactive else None
    process = start(command, **options)
    try:
        return process.wait()
    except BaseException as stop:
        end(process, interrupt=not isinstance(stop, KeyboardInterrupt))  # the terminal tells both
        raise
    finally:
        if interactive:
            signal.signal(signal.SIGINT, before)
