"""Packages of the addon: a wheel for `pip install`, and an archive of the sources.

Started with the development Python as well: `dist.py FOLDER`. Both hold what is in version control;
the wheel leaves out what an Odoo server has no use for."""

import ast
import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADDON = "billing_operations"
#: what a server has no use for: development, measurements, tests
LEFT_OUT = (
    ".ci/", ".git", ".pylintrc", "Makefile", "bench/", "findings/", "pyproject.toml", "requirements-",
    "tests/", "tools/",
)  # fmt: skip
PROJECT = """\
[build-system]
requires = ["whool"]
build-backend = "whool.buildapi"
"""


def version():
    """The version that the manifest says."""
    return ast.literal_eval((ROOT / "__manifest__.py").read_text(encoding="utf-8"))["version"]


def tracked():
    """The files in version control that are there; all files where there is none, as in an archive."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode:
        files = (file.relative_to(ROOT) for file in ROOT.rglob("*") if file.is_file())
        names = [str(file) for file in files if "__pycache__" not in file.parts]
    else:
        names = [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    return sorted(name for name in names if (ROOT / name).is_file())


def source_archive(folder):
    """Write the archive of all sources, and return its path."""
    name = f"{ADDON}-{version()}"
    target = Path(folder) / f"{name}.tar.gz"
    # The same sources give the same bytes: nothing says when or by whom they were packed.
    with (
        open(target, "wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path in tracked():
            archive.add(ROOT / path, f"{name}/{path}", recursive=False, filter=_nobodys)
    return target


def _nobodys(info):
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    info.mode = 0o755 if info.mode & 0o100 else 0o644
    return info


def wheel(folder):
    """Build the wheel with whool in this Python, and return its path."""
    from whool.buildapi import build_wheel

    with tempfile.TemporaryDirectory() as place:
        addon = Path(place) / ADDON
        for path in tracked():
            if not path.startswith(LEFT_OUT):
                (addon / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, addon / path)
        (addon / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
        before = Path.cwd()
        os.chdir(addon)
        try:
            with quiet():
                return Path(folder) / build_wheel(str(folder))
        finally:
            os.chdir(before)


@contextmanager
def quiet():
    """Keep back what programs print, unless something goes wrong: whool asks git for files that are
    not in version control."""
    with tempfile.TemporaryFile() as kept:
        sys.stdout.flush()
        own = [os.dup(number) for number in (1, 2)]
        os.dup2(kept.fileno(), 1)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(own[1], kept.read())
            raise
        finally:
            for number, saved in zip((1, 2), own, strict=True):
                os.dup2(saved, number)
                os.close(saved)


def main():
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for made in (wheel(folder), source_archive(folder)):
        print(f"{made} ({made.stat().st_size / 1024:,.0f} KB)")


if __name__ == "__main__":
    main()
