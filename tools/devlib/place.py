"""Where things lie: the checkout, the cache outside of it, locks, the hash of the tree.

<cache>/                       ${XDG_CACHE_HOME:-~/.cache}/billing_operations
    site                       random name of this cache, part of every database's name
    locks/  pycache/  apt/
    odoo-<hash>/  venv-<hash>/  postgres-<version>/
    data/                      Odoo's data folder (filestores of all databases)
    checkouts/<key>/           links, configuration, logs and state of one checkout
"""

import ast
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path

from .ui import LOCKED, Failure, say

ROOT = Path(__file__).resolve().parents[2]
ADDON = "billing_operations"
#: files that cannot change what an installed database looks like
NOT_INSTALLED = ("tests/", "bench/", "tools/", "docs/", ".ci/")
NOT_INSTALLED_FILES = {".gitignore", "Makefile", "pyproject.toml", "LICENSE", ".pylintrc"}


def digest(*parts):
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:8]


class Place:
    """The folders of one checkout and its shared cache, made on first use."""

    def __init__(self):
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self.cache = Path(os.path.abspath(base)) / ADDON
        if ROOT == self.cache or ROOT in self.cache.parents:
            raise Failure(
                f"The cache folder {self.cache} lies inside the checkout, where Odoo would walk "
                "into it: set XDG_CACHE_HOME to a folder outside of it."
            )
        for name in ("locks", "data", "checkouts"):
            self._make(self.cache / name)
        self.site = self._site()
        self.checkout = self.cache / "checkouts" / digest(ROOT)
        self.links = self.checkout / "links"
        self.addon = self.links / ADDON
        self.logs = self.checkout / "logs"
        self.pdfs = self.checkout / "pdf"
        self.mail = self.checkout / "mail"
        self.data = self.cache / "data"
        self._make(self.links)
        self._make(self.logs)
        self._link()
        self.remember(path=str(ROOT))

    def _make(self, folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise Failure(
                f"The folder {folder} cannot be written ({error.strerror}): set XDG_CACHE_HOME to "
                "a folder that can."
            ) from error

    def _site(self):
        """A random name kept in the cache: databases of another cache on the same server have
        other names, because their files are not here."""
        file = self.cache / "site"
        if not file.exists():
            new = self.cache / f"site.{os.getpid()}"
            new.write_text(secrets.token_hex(8), encoding="utf-8")
            with contextlib.suppress(FileExistsError):
                os.link(new, file)
            new.unlink()
        return file.read_text(encoding="utf-8").strip()

    def _link(self):
        """Odoo names an addon after its folder: the link gives it its name in any checkout."""
        if self.addon.is_symlink() and os.readlink(self.addon) == str(ROOT):
            return
        new = self.links.parent / f"link.{os.getpid()}"
        os.symlink(ROOT, new)
        os.replace(new, self.addon)

    @property
    def state_file(self):
        return self.checkout / "state.json"

    def state(self):
        return read_json(self.state_file)

    def remember(self, **values):
        state = {**self.state(), **values}
        if state != self.state():
            write_json(self.state_file, state)

    def checkouts(self):
        """{folder: state} of every checkout that has used this cache."""
        folders = [f for f in (self.cache / "checkouts").iterdir() if f.is_dir()]
        return {folder: read_json(folder / "state.json") for folder in folders}

    def log(self, name):
        """A fresh log file; the previous one of that name is kept as `.old`."""
        file = self.logs / f"{name}.log"
        if file.exists():
            file.replace(file.with_suffix(".old"))
        return file

    @contextlib.contextmanager
    def lock(self, name, what, wait=True):
        """One process at a time; the kernel frees it when the holder and what it runs are gone."""
        file = open(self.cache / "locks" / f"{name}.lock", "w", encoding="utf-8")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if not wait:
                    raise Failure(f"Another tools/dev is busy with {what}: wait for it.") from None
                say(f"- waiting for another tools/dev that is busy with {what} ...")
                fcntl.flock(file, fcntl.LOCK_EX)
            LOCKED.add(file.fileno())
            try:
                yield
            finally:
                LOCKED.discard(file.fileno())

    def need_disk(self, megabytes, what):
        free = shutil.disk_usage(self.cache).free // 2**20
        if free < megabytes:
            raise Failure(
                f"{what} needs {megabytes} MB in {self.cache}, where {free} MB are free: free some "
                "or set XDG_CACHE_HOME to a folder on another disk."
            )

    def config(self, addons_paths, db_host, db_port, db_user, db_password=""):
        """Odoo's configuration file of this checkout."""
        lines = ["[options]", f"addons_path = {','.join(map(str, [*addons_paths, self.links]))}"]
        for key, value in (
            ("db_host", db_host),
            ("db_port", db_port),
            ("db_user", db_user),
            ("db_password", db_password),
        ):
            if value:
                lines.append(f"{key} = {value}")
        lines += [
            f"data_dir = {self.data}",
            "http_interface = 127.0.0.1",
            "list_db = False",
            "max_cron_threads = 0",
            "",
        ]
        file = self.checkout / "odoo.conf"
        new = file.with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text("\n".join(lines), encoding="utf-8")
        new.replace(file)
        return file

    def launcher(self):
        """A program file that starts Odoo: the server starts its own parts by running it again,
        which `python -m odoo` does not survive."""
        file = self.checkout / "odoo-bin"
        text = "import odoo.cli\n\nif __name__ == '__main__':\n    odoo.cli.main()\n"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            new = file.with_suffix(f".{os.getpid()}")
            new.write_text(text, encoding="utf-8")
            new.replace(file)
        return file


def read_json(file):
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_json(file, value):
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")
    new.replace(file)


def manifest():
    return ast.literal_eval((ROOT / "__manifest__.py").read_text(encoding="utf-8"))


def tree_files():
    """Paths of the checkout's own files, relative to its root, sorted.

    Git's list (tracked and new, not ignored) where there is one, else all files that do not look
    generated."""
    listing = (
        subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", ROOT]
            + ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            check=False,
        )
        if shutil.which("git")
        else None
    )
    if listing is not None and listing.returncode == 0 and (ROOT / ".git").exists():
        names = {os.fsdecode(name) for name in listing.stdout.split(b"\0") if name}
    else:
        names = set()
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [
                f
                for f in folders
                if f not in ("__pycache__", "node_modules") and (f == ".ci" or f[0] != ".")
            ]
            here = os.path.relpath(folder, ROOT)
            names |= {os.path.normpath(os.path.join(here, f)) for f in files if f[-4:] != ".pyc"}
    return sorted(name for name in names if (ROOT / name).is_file())


def tree_hash():
    """Changes when something that an installed database depends on changes."""
    total = hashlib.sha256()
    for name in tree_files():
        if name.startswith(NOT_INSTALLED) or name in NOT_INSTALLED_FILES:
            continue
        if "/" not in name and name.endswith((".md", ".txt", ".in")):
            continue
        content = hashlib.sha256((ROOT / name).read_bytes()).digest()
        total.update(name.encode("utf-8", "surrogateescape") + b"\0" + content)
    return total.hexdigest()[:8]
