"""What stands whatever becomes of the transaction that asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from .journal import WorkerJournal


@contextmanager
def own_transaction(records) -> Iterator:
    """Give records of a transaction of their own, which is committed at the end.

    For tasks that a worker carries out. Elsewhere what the work is for may not be committed itself:
    there it is the transaction that asks.
    """
    env = records.env
    if isinstance(env.context.get("billing_task_journal"), WorkerJournal):
        with env.registry.cursor() as cr:
            yield records.with_env(env(cr=cr))
    else:
        yield records
