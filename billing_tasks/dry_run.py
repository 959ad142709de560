"""Runs real code and leaves nothing behind."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

_KEY = "billing_operations.dry_run"


def is_dry_run(env) -> bool:
    """Tell whether ``env`` is inside ``dry_run``: what has effects outside of the transaction asks
    this."""
    return bool(env.cr.cache.get(_KEY))


@contextmanager
def dry_run(env) -> Iterator[None]:
    """Run the block for real and undo all of it, also when it ends well.

    Inside, numbers come as ``TEST/…`` (a PostgreSQL sequence would not be rolled back), attachments
    stay in the database and vanish with it, mails are not handed to a server, and what was asked
    to happen after the commit is forgotten. Take plain values out of the block: records created
    in it are gone.

    :param env: the environment whose cursor runs the block; its pending writes are flushed first.
    """
    cr = env.cr
    savepoint = cr.savepoint()
    hooks = [
        (callbacks, list(callbacks._funcs), dict(callbacks.data))
        for callbacks in _late_callbacks(cr)
    ]
    depth = cr.cache.get(_KEY, 0)
    cr.cache[_KEY] = depth + 1
    try:
        with closing(savepoint):
            yield
    finally:
        cr.cache[_KEY] = depth
        # What the block made others forget was remembered again from what is undone now.
        if invalidated := set(env.registry.cache_invalidated):
            env.registry.clear_cache(*invalidated)
        for callbacks, functions, data in hooks:
            callbacks._funcs.clear()
            callbacks._funcs.extend(functions)
            callbacks.data.clear()
            callbacks.data.update(data)


def _late_callbacks(cr):
    return cr.postcommit, cr.prerollback, cr.postrollback
