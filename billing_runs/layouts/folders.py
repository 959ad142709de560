"""Folders that programs which print write into: no ORM."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

LOCK = ".held"
#: seconds that a folder is let be after something was put into it: its maker may be just about
#: to lock it
NEW = 60


class Folder:
    """A folder in the system's place for temporary files, held for as long as its maker lives.

    Odoo's workers mostly end without tidying up: they are replaced after so many requests, or
    ended where they take too long or too much memory. Whoever makes a folder a minute later
    removes what they left.

    :param str prefix: what its name begins with; shared by those that are tidied up together
    """

    def __init__(self, prefix: str):
        _remove_left(prefix)
        self.name = tempfile.mkdtemp(prefix=prefix)
        self._lock = _hold(os.path.join(self.name, LOCK))

    def __enter__(self) -> str:
        return self.name

    def __exit__(self, *exception):
        self.remove()

    def remove(self):
        """Remove it; what a program that is just ending still writes goes with the next."""
        shutil.rmtree(self.name, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _hold(path):
    """Return a file that is locked, or None where somebody else holds it.

    The system lets go of it when the process ends, however it ends.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _remove_left(prefix):
    """Remove this user's folders whose makers have ended."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # removed by another meanwhile, or not ours to read
            facts = folder.lstat()
            if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
                continue
            if time.time() - facts.st_mtime < NEW:
                continue
            lock = _hold(folder / LOCK)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
