"""Folders of the programs that print go, also when a worker ends without tidying up."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odoo.addons.billing_operations.billing_runs.layouts import folders

PREFIX = "billing_tried_"
#: a worker that ends as Odoo ends its own: without running anything at exit
WORKER = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("folders", sys.argv[1])
folders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(folders)
folder = folders.Folder(sys.argv[2])
open(os.path.join(folder.name, "bill.html"), "w").close()
print(folder.name, flush=True)
sys.stdin.read()
os._exit(0)
"""


@pytest.fixture
def place(monkeypatch, tmp_path):
    monkeypatch.setattr(folders.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def worker(place):
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", "-c", WORKER, folders.__file__, PREFIX],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(place)},
    )
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def age(folder):
    """Let an hour pass since something was put into a folder."""
    hour_ago = time.time() - 3600
    os.utime(folder, (hour_ago, hour_ago))


def test_what_an_ended_worker_left_is_removed_when_a_later_folder_is_made(worker, place):
    left = Path(worker.stdout.readline().strip())
    assert left.parent == place
    age(left)
    with folders.Folder(PREFIX):
        assert (left / "bill.html").exists(), "its maker still prints with it"
    worker.stdin.close()
    worker.wait()
    assert left.exists(), "nobody tidied up"
    with folders.Folder(PREFIX) as own:
        assert not left.exists()
        assert Path(own).exists()
    assert not list(place.iterdir())


def test_folders_in_use_new_ones_and_those_of_others_are_let_be(place):

    new = place / f"{PREFIX}new"
    old = place / f"{PREFIX}old"
    other = place / "another"
    for folder in (new, old, other):
        folder.mkdir()
    link = place / f"{PREFIX}link"
    link.symlink_to(other)
    age(old)
    age(other)
    with folders.Folder(PREFIX) as first, folders.Folder(PREFIX) as second:
        assert Path(first).exists()
        assert Path(second).exists()
        assert new.exists(), "its maker may be just about to lock it"
        assert not old.exists()
        assert other.exists()
        assert link.is_symlink()


def test_a_folder_that_is_still_written_into_is_no_error(place, monkeypatch):
    monkeypatch.setattr(folders.shutil.os, "rmdir", _refuse)
    folder = folders.Folder(PREFIX)
    folder.remove()
    folder.remove()
    monkeypatch.undo()


def _refuse(*args, **kwargs):
    raise OSError("Directory not empty")


def test_many_at_once_leave_each_others_folders_alone(place):
    def make(_number):
        with folders.Folder(PREFIX) as folder:
            Path(folder, "bill.html").write_text("")
            return Path(folder, "bill.html").exists()

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(make, range(400)))
    assert not list(place.iterdir())
