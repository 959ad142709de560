"""The two kinds of task handlers.

An *internal* handler is a callable ``handler(task)`` that works in the database only and returns a
JSON-able result or None. Its effects and the task's ``completed`` are committed together.

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
    """

    prepare: Callable
    call: Callable
    record: Callable
    ask: Callable | None = None
    unknown: Callable | None = None
