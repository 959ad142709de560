"""When this process looks for garbage in cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_later() -> Iterator[None]:
    """Have no garbage collected while a batch is at work.

    For work that ends after a second or so and whose size is bounded. Python looks through all that
    a process holds whenever much was added, which in a server is 100 ms each time; records of a
    batch live until it ends and are nearly all freed without it. What is left is collected after it.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
