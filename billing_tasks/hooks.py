"""What a transaction was asked to do when it is committed or rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy


class Hooks:
    """The hooks of a transaction, to be put back as they were.

    What hooks find is put back in place: those that are registered hold on to it.
    """

    def __init__(self, cr):
        self._kept = [
            (
                callbacks,
                list(callbacks._funcs),
                {key: (value, copy(value)) for key, value in callbacks.data.items()},
            )
            for callbacks in (cr.postcommit, cr.postrollback)
        ]

    def restore(self) -> None:
        for callbacks, functions, data in self._kept:
            callbacks._funcs.clear()
            callbacks._funcs.extend(functions)
            callbacks.data.clear()
            for key, (value, before) in data.items():
                callbacks.data[key] = _as_before(value, before)


def _as_before(value, before):
    if isinstance(value, dict | set):
        value.clear()
        value.update(before)
        return value
    if isinstance(value, list):
        value[:] = before
        return value
    return before


@contextmanager
def trying(cr) -> Iterator[None]:
    """Do something or leave no trace of it: neither of rows nor of what was to follow the commit."""
    # What waits to be written is not of its making, nor what it asks for.
    cr.flush()
    hooks = Hooks(cr)
    try:
        with cr.savepoint():
            yield
    except BaseException:
        hooks.restore()
        raise
