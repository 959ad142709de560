"""What the Odoo server process around a worker allows: how long it may run and whether to stop."""

import signal
import threading
import time
from dataclasses import dataclass

from odoo.service import server
from odoo.tools import config

LONGEST_SLICE = 50.0
# Values with which a batch of customers has ample time.
ENOUGH_REAL = 900
ENOUGH_CPU = 600

_pass = threading.local()


@dataclass(frozen=True)
class ServerLimits:
    """What the server's configuration allows; times in seconds, 0 for no limit."""

    cron_threads: int
    real: int
    real_cron: int
    cpu: int


def limits() -> ServerLimits:
    """Return the limits of this server."""
    real = config["limit_time_real"] or 0
    real_cron = config["limit_time_real_cron"]
    return ServerLimits(
        cron_threads=config["max_cron_threads"],
        real=real,
        real_cron=real if real_cron is None or real_cron < 0 else real_cron,
        cpu=config["limit_time_cpu"] or 0,
    )


def slice_seconds(in_cron: bool = True) -> float:
    """Return how long one worker slice may last: 50 s, and half of the server's limits at most."""
    server_limits = limits()
    times = (server_limits.real_cron if in_cron else server_limits.real, server_limits.cpu)
    return min([LONGEST_SLICE, *(limit / 2 for limit in times if limit > 0)])


def slice_deadline(in_cron: bool = True) -> float:
    """Return the monotonic time at which the current slice must have ended.

    The server's limits count over one pass through *all* crons that are ready, so the slices of
    several worker crons in one pass share one budget.
    """
    now = time.monotonic()
    key = _current_pass()
    if key is None:
        return now + slice_seconds(in_cron)
    if getattr(_pass, "key", None) != key:
        _pass.key, _pass.deadline = key, now + slice_seconds(in_cron)
    return _pass.deadline


def stopping() -> bool:
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
