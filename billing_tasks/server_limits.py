"""What the Odoo server process around a worker allows: how long it may run and whether to stop."""

import signal
import threading
import time

from odoo.service import server
from odoo.tools import config

LONGEST_SLICE = 50.0

_pass = threading.local()


def real_time_limit():
    """Return the seconds after which the server ends a cron worker, 0 for never."""
    limit = config["limit_time_real_cron"]
    if limit is None or limit < 0:
        limit = config["limit_time_real"]
    return limit or 0


def slice_seconds():
    """Return how long one worker slice may last: 50 s, and half of the server's limits at most."""
    limits = [LONGEST_SLICE]
    limits += [
        limit / 2 for limit in (real_time_limit(), config["limit_time_cpu"] or 0) if limit > 0
    ]
    return min(limits)


def slice_deadline():
    """Return the monotonic time at which the current slice must have ended.

    The server's limits count over one pass through *all* crons that are ready, so the slices of
    several worker crons in one pass share one budget.
    """
    now = time.monotonic()
    key = _current_pass()
    if key is None:
        return now + slice_seconds()
    if getattr(_pass, "key", None) != key:
        _pass.key, _pass.deadline = key, now + slice_seconds()
    return _pass.deadline


def stopping():
    """Tell whether this server process was asked to stop."""
    worker = _prefork_worker()
    if worker is not None:
        return not worker.alive
    return getattr(server.server, "quit_signals_received", 0) > 0


def _prefork_worker():
    # A prefork child has no name for its own Worker object but the signal handler bound to it.
    worker = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    return worker if isinstance(worker, server.Worker) else None


def _current_pass():
    worker = _prefork_worker()
    if worker is not None:
        return worker.pid, worker.request_count
    thread = threading.current_thread()
    if getattr(thread, "type", None) == "cron":
        return getattr(thread, "start_time", None)
    return None
