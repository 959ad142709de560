"""Places at which a test may kill the process, to prove that nothing is lost or done twice.

Outside of tests the environment variable is unset and every call costs one dictionary look-up.
"""

import os
import signal

POINT_VARIABLE = "BILLING_OPERATIONS_CRASH_AT"
MARKER_VARIABLE = "BILLING_OPERATIONS_CRASH_MARKER"


def crash_point(name, task_type=None):
    """Kill this very process with SIGKILL when the environment asks for a crash at `name`.

    :param name: name of the point, e.g. `task.claimed`.
    :param task_type: code of the task at work; the point is then also known as `<code>:<name>`.

    With a marker file named in the environment only one crash happens: the file is created first,
    and where it exists already nobody dies.
    """
    wanted = os.environ.get(POINT_VARIABLE)
    if not wanted or wanted not in (name, f"{task_type}:{name}"):
        return
    marker = os.environ.get(MARKER_VARIABLE)
    if marker:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
