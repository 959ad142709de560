"""When this process looks for garbage in cycles."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Collection:
    """Whether garbage is collected, for all threads that want it to wait."""

    def __init__(self):
        self._lock = threading.Lock()
        self._waiting = 0
        self._was_enabled = False

    def pause(self):
        with self._lock:
            if not self._waiting:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._waiting += 1

    def go_on(self):
        with self._lock:
            self._waiting -= 1
            if not self._waiting and self._was_enabled:
                gc.enable()


_collection = _Collection()
_attempt = threading.local()


@contextmanager
def attempt() -> Iterator[None]:
    """Bound what waits for the end of a task's transaction; see :func:`collecting_later`."""
    _attempt.waiting = 0
    try:
        yield
    finally:
        waiting, _attempt.waiting = _attempt.waiting, None
        for _number in range(waiting):
            _collection.go_on()


@contextmanager
def collecting_later(*, until_committed: bool = False) -> Iterator[None]:
    """Have no garbage collected while a batch is at work.

    For work that ends after a second or so and whose size is bounded. Python looks through all that
    a process holds whenever much was added, which in a server is 100 ms each time; records of a
    batch live until it ends and are nearly all freed without it, and a million rows make no cycles.
    What is left is collected after it.

    :param until_committed: within a task's attempt wait for the end of its transaction: others may wait
        for it, too, and most of what would be looked through is freed then
    """
    _collection.pause()
    try:
        yield
    finally:
        if until_committed and getattr(_attempt, "waiting", None) is not None:
            _attempt.waiting += 1
        else:
            _collection.go_on()
