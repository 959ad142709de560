"""Places at which a test may kill the process, to prove that nothing is lost or done twice.

Outside of tests the environment variables are unset and every call costs two dictionary look-ups.
"""

import os
import signal
from pathlib import Path

POINT_VARIABLE = "BILLING_OPERATIONS_CRASH_AT"
MARKER_VARIABLE = "BILLING_OPERATIONS_CRASH_MARKER"
FOLDER_VARIABLE = "BILLING_OPERATIONS_CRASH_FOLDER"


def crash_point(name: str, task_type: str | None = None) -> None:
    """Kill this very process with SIGKILL when the environment asks for a crash at ``name``.

    :param name: name of the point, e.g. ``task.claimed``.
    :param task_type: code of the task at work; the point is then also known as ``<code>:<name>``.

    With a marker file named in the environment only one crash happens: the file is created first,
    and where it exists already nobody dies.

    Instead of a point the environment may name a folder, so that a test can choose points while
    the processes run: it holds a file named after each of them, and whoever dies there removes
    its file first.
    """
    names = (name, f"{task_type}:{name}")
    if os.environ.get(POINT_VARIABLE) in names:
        wanted = _mark()
    else:
        folder = os.environ.get(FOLDER_VARIABLE)
        wanted = folder and any(_remove(Path(folder, point)) for point in names)
    if wanted:
        os.kill(os.getpid(), signal.SIGKILL)


def _mark():
    """Create the marker file, if one is named; tell whether it was not there before."""
    marker = os.environ.get(MARKER_VARIABLE)
    if marker:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
    return True


def _remove(file):
    """Remove a file; tell whether this process did."""
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    return True
