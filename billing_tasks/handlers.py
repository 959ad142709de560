"""The three kinds of task handlers.

An *internal* handler is a callable ``handler(task)`` that works in the database only and returns a
JSON-able result or None. Its effects and the task's ``completed`` are committed together.

A *stepped* handler is a ``SteppedHandler``: between reading and writing it works for long without
the database, and no transaction is held meanwhile.

An *external* handler is an ``ExternalHandler``: its work leaves the database (mail, HTTP, a card, a
remote file) and cannot be rolled back.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ExternalHandler:
    """Work that leaves the database, one intent after the other.

    The queue, never the handler, commits. For each intent:

    1. ``prepare(task)`` runs in the database and returns the next intent: a JSON-able dict with its
    own
       unique ``reference``; or None when nothing is left, which completes the task. The intent is
       stored on the task as ``sending`` and committed before anything leaves.
    2. ``call(task, intent)`` does the outside work and returns the answer. It may read, never write:
       the database refuses.
    3. ``record(task, intent, answer)`` writes what came of it; committed with the end of the intent.
       It may run again with the same answer when the database asks for that.

    A control exception (``FatalTaskError``, ``SkipTask``, ``RetryTask``) raised by ``call`` says that the
    other side *certainly did nothing*: the intent is withdrawn and the task ends accordingly.
    After any other exception, or when the process dies, the outcome is unknown and the intent
    stays ``sending``. The next attempt never calls again for it: it asks the other side by
    reference with ``ask(task, intent)``, which returns the answer (handed to ``record``) or None
    where the other side cannot tell. Then, and where there is no ``ask``, ``unknown(task, intent)``
    hands the matter to a person and the task goes on with the next intent; without ``unknown`` the
    task fails with the code ``outcome_unknown``.

    With ``call_writes`` the call may write as well, where the other side's own code keeps what it was
    answered (a payment provider on its transaction). That is committed as soon as the call returns,
    before ``record``, so that ``ask`` finds it; after an exception it is rolled back.
    """

    prepare: Callable
    call: Callable
    record: Callable
    ask: Callable | None = None
    unknown: Callable | None = None
    call_writes: bool = False


@dataclass(frozen=True)
class SteppedHandler:
    """Work in the database with long work outside of any transaction in between, which changes
    nothing anywhere: documents that are laid out, say.

    The queue, never the handler, commits. Round by round:

    1. ``prepare(task)`` reads and returns what the next round needs, or None when nothing is left. What
       it returns stays in memory: any plain data, without records.
    2. ``work(data)`` works it out, without the task and the database: the transaction has ended.
    3. ``record(task, data, outcome)`` writes what came of it; committed, so that a retry finds this
       round done. It may run again with the same outcome when the database asks for that.

    ``finish(task)`` is called when nothing is left; what it returns is the task's result. A round that
    was cut short is done again. In test mode nothing is committed in between: ``rehearse(task)``, where
    there is one, does all of it another way and returns the result.
    """

    prepare: Callable
    work: Callable
    record: Callable
    finish: Callable
    rehearse: Callable | None = None

    def walk(self, task):
        """Do all rounds in the current transaction, and return the result."""
        if task.test_mode and self.rehearse:
            return self.rehearse(task)
        while (data := self.prepare(task)) is not None:
            self.record(task, data, self.work(data))
        return self.finish(task)
