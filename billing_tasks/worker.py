"""The shell around attempts: it opens the transactions, commits, and catches.

One worker runs in one cron slot for one slice. Each attempt has three steps: (a) a fresh
transaction claims a task and commits; (b) the work transaction's first statement locks the task's
row where the claim's token still stands, else the worker gives up without a trace; (c) the
effects, the result and ``completed`` are committed together.
"""

import logging
import random
import time
from contextlib import closing, contextmanager

from psycopg2 import errors
from psycopg2.extensions import TransactionRollbackError

from odoo import SUPERUSER_ID, api
from odoo.exceptions import LockError

from . import garbage, server_limits
from .crash_points import crash_point
from .exceptions import OutcomeUnknown, RetryTask, TaskControl
from .handlers import ExternalHandler, SteppedHandler
from .journal import WorkerJournal
from .listener import Listener
from .redaction import redact
from .table_statistics import AT_ONCE, outgrown, refresh_after_commit

_logger = logging.getLogger(__name__)

MAX_CONFLICTS = 5
LOCK_PATIENCE = 5.0
REAP_INTERVAL = 5.0
#: seconds between two looks of a worker that stays for tasks and hears of none, and a tenth of what it
#: waited already
LOOK_INTERVAL = 0.05
#: so many times its patience a worker waits in all, then it makes room for other jobs of the server
WAITS = 3
#: so many seconds after its last task a worker has time for what may wait
IDLE = 0.2
AGE_TURN = 10
# Somebody else is at work on the same rows right now.
_CONFLICTS = (TransactionRollbackError, errors.LockNotAvailable, LockError)


class TaskWorker:
    """Works through the queue of one database until it is empty, its time is up or the server
    stops.

    :param registry: the database's registry.
    :param deadline: monotonic time after which no further task is begun.
    :param beat: called after the first attempt and then every few seconds, between attempts; the
        worker stops when it says that it is not wanted any more.
    :param patience: seconds for which a worker that has done something stays when nothing is left.
        Work often comes in stages, each as soon as the last task of the one before is done, and a
        server takes up to a fifth of a second to wake a worker that has left. It hears of new
        tasks at once, and looks now and then for those that others left or whose time has come.
    """

    def __init__(self, registry, deadline, beat=lambda: True, patience=0.0):
        self.registry = registry
        self.deadline = deadline
        self.beat = beat
        self.patience = patience
        self.claims = random.randrange(AGE_TURN)
        self.next_reap = 0.0
        self.next_beat = 0.0

    def run(self):
        """Run attempts. Return True when it stopped although tasks may be due."""
        with closing(Listener(self.registry)) as listener:
            return self._run(listener)

    def _run(self, listener):
        leave = idle_since = waited = 0.0
        grown = set()
        while True:
            if server_limits.stopping() or time.monotonic() >= self.deadline:
                return True
            if time.monotonic() >= self.next_reap:
                self._reap()
                self.next_reap = time.monotonic() + REAP_INTERVAL
            with closing(self.registry.cursor()) as cr:
                tasks = _tasks(cr)
                tasks._read_committed()
                if self.registry is not self.registry.check_signaling(cr):
                    # New code or fields: another slice, with the new registry, goes on.
                    return True
                claim = self._claim(tasks)
                if claim:
                    crash_point("task.claimed", claim.type_code)
                    try:
                        with garbage.attempt():
                            _Attempt(self.registry, cr, claim, grown).run()
                    finally:
                        if not cr.closed:
                            cr.rollback()
                            tasks._rest()
            now = time.monotonic()
            if claim:
                idle_since, leave = now, now + self.patience
            elif now >= leave or waited >= WAITS * self.patience:
                self._refresh(grown)
                return False
            elif grown and now - idle_since > IDLE:
                self._refresh(grown)
            else:
                pause = LOOK_INTERVAL + (now - idle_since) / 10
                waited += listener.wait(pause)
            if time.monotonic() >= self.next_beat:
                if not self.beat():
                    return True
                self.next_beat = time.monotonic() + REAP_INTERVAL

    def _claim(self, tasks):
        self.claims += 1
        cr = tasks.env.cr
        for _try in range(MAX_CONFLICTS):
            try:
                tasks._read_committed()
                claim = tasks._claim(by_age=self.claims % AGE_TURN == 0)
                if claim:
                    tasks._show_life(claim.task_id)
                cr.commit()  # pylint: disable=invalid-commit
                return claim
            except TransactionRollbackError:
                cr.rollback()
                tasks._rest()
                time.sleep(random.uniform(0, 0.02))
        return None

    def _refresh(self, grown):
        """Take the statistics of tables that have grown, now that nothing else is to be done."""
        if grown:
            with closing(self.registry.cursor()) as cr:
                refresh_after_commit(cr, sorted(grown))
            grown.clear()

    def _reap(self):
        with closing(self.registry.cursor()) as cr:
            try:
                tasks = _tasks(cr)
                tasks._read_committed()
                tasks._reap()
                cr.commit()  # pylint: disable=invalid-commit
            except (*_CONFLICTS, errors.UniqueViolation):
                # A row changed under us; the next round finds it again.
                cr.rollback()


class _Attempt:
    """Steps (b) and (c) of one claimed task."""

    def __init__(self, registry, cr, claim, grown):
        """
        :param set grown: takes the tables whose statistics may wait until there is nothing to do
        """
        self.registry = registry
        self.cr = cr
        self.claim = claim
        self.grown = grown
        self.journal = WorkerJournal(registry)
        self.started = time.monotonic()

    def run(self):
        try:
            self._retrying(self._work)
        except _CONFLICTS as error:
            if self.cr.closed:
                raise
            env = _tasks(self.cr).env
            self._record(
                RetryTask(
                    env._(
                        "Others were at work on the same records %(count)s times in a row: %(error)s",
                        count=MAX_CONFLICTS + 1,
                        error=str(error).strip(),
                    )
                )
            )
        except Exception as error:
            if self.cr.closed:
                # The database is gone: nothing can be written, the reaper will take the task back.
                raise
            self._record(error)

    def _retrying(self, step):
        """Run a step again when the database asks for it, at once and at no cost to the task."""
        for conflict in range(MAX_CONFLICTS + 1):
            try:
                return step()
            except _CONFLICTS:
                if self.cr.closed:
                    raise
                self._roll_back()
                if conflict == MAX_CONFLICTS:
                    raise
                time.sleep(random.uniform(0, 0.02 * 2**conflict))
            except BaseException:
                if not self.cr.closed:
                    self._roll_back()
                raise

    def _work(self):
        task = self._begin()
        if task is None:
            return
        crash_point("task.started", self.claim.type_code)
        handler = task._handler(self.claim.type_code)
        stepped = isinstance(handler, SteppedHandler) and not task.test_mode
        if isinstance(handler, ExternalHandler) or stepped:
            # Its commits would release the advisory locks, so another cursor holds them meanwhile.
            with closing(self.registry.cursor()) as guard:
                guarded = _tasks(guard)
                guarded._read_committed()
                if self._pass_gates(task, guarded):
                    (self._work_in_steps if stepped else self._work_outside)(task, handler)
        elif self._pass_gates(task, task):
            with _no_commit(self.cr):
                result = task._perform(handler)
            self._finish(task, result)

    def _begin(self):
        """Lock the task in a new transaction and return it in its handler's environment; None:
        not ours now."""
        task = self._lock()
        if task is None:
            self._roll_back()
            return None
        return task._for_handler(self.journal)

    def _pass_gates(self, task, holder):
        """Take the task's advisory locks on the cursor of ``holder``; give the task back where they
        are held."""
        if holder._pass_gates(self.claim.gates):
            return True
        task._give_back()
        self._commit()
        time.sleep(random.uniform(0.01, 0.05))
        return False

    def _lock(self):
        """Lock the task in a new transaction. None: it is not this worker's any more."""
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                return _tasks(self.cr)._lock_attempt(self.claim)
            except _CONFLICTS:
                self._roll_back()
                if time.monotonic() > deadline:
                    return None
                time.sleep(random.uniform(0.001, 0.02))

    def _finish(self, task, result):
        task._complete(result, time.monotonic() - self.started)
        self.cr.flush()
        tables = outgrown(self.cr)
        crash_point("task.before_commit", self.claim.type_code)
        self._commit()
        crash_point("task.committed", self.claim.type_code)
        at_once = [name for name, times in tables.items() if times > AT_ONCE]
        self.grown.update(tables.keys() - at_once)
        self.grown.difference_update(at_once)
        refresh_after_commit(self.cr, at_once)

    def _commit(self):
        self.cr.commit()  # pylint: disable=invalid-commit
        self.registry.signal_changes()

    def _roll_back(self):
        self.cr.rollback()
        self.registry.reset_changes()

    # === STEPPED HANDLERS === #

    def _work_in_steps(self, task, handler):
        """Prepare, commit, work without a transaction, record, commit, until nothing is left."""
        while task is not None:
            with _no_commit(self.cr):
                data = handler.prepare(task)
                result = task._plain_result(handler.finish(task)) if data is None else None
            if data is None:
                self._finish(task, result)
                return
            # The advisory lock of ``_show_life`` says that the task is in good hands.
            self._commit()
            outcome = handler.work(data)
            crash_point("task.worked", self.claim.type_code)
            self._in_new_transaction(lambda task, d=data, o=outcome: handler.record(task, d, o))
            crash_point("task.recorded", self.claim.type_code)
            task = self._begin()

    def _in_new_transaction(self, step):
        """Do a step with the task and commit it; on a conflict this step alone is repeated."""

        def attempt():
            task = self._begin()
            if task is not None:
                with _no_commit(self.cr):
                    step(task)
                self._commit()

        self._retrying(attempt)

    # === EXTERNAL HANDLERS === #

    def _work_outside(self, task, handler):
        """Prepare, commit, call, record, commit, until nothing is left to do outside."""
        counts = {"recorded": 0, "handed_over": 0}
        if task.intent:
            task = self._settle(task, handler, counts)
        while task is not None:
            with _no_commit(self.cr):
                intent = task._next_intent(handler)
            if intent is None:
                self._finish(task, counts)
                return
            self._commit()
            crash_point("task.intent", self.claim.type_code)
            task = self._begin()
            if task is None:
                return
            try:
                with _no_commit(self.cr):
                    answer = task._call_outside(handler, intent)
            except OutcomeUnknown:
                raise
            except TaskControl:
                task._clear_intent()
                self._commit()
                raise
            crash_point("task.called", self.claim.type_code)
            if handler.call_writes:
                self._commit()
                task = None
                crash_point("task.answered", self.claim.type_code)
            task = self._record_answer(task, handler, intent, answer, counts)

    def _settle(self, task, handler, counts):
        """Find out about an intent that an earlier attempt left open, without calling again."""
        intent = task.intent
        with _no_commit(self.cr):
            answer = task._ask_outside(handler, intent)
        if answer is not None:
            return self._record_answer(task, handler, intent, answer, counts)
        with _no_commit(self.cr):
            settled = task._settle_unknown(handler, intent)
        if not settled:
            raise task._unknown_error(intent)
        counts["handed_over"] += 1
        self._commit()
        return self._begin()

    def _record_answer(self, task, handler, intent, answer, counts):
        """Record and commit the answer. The call is never repeated: on a conflict only this step
        is."""

        def record():
            nonlocal task
            task = task if task is not None else self._begin()
            if task is None:
                return
            current, task = task, None
            with _no_commit(self.cr):
                current._record_answer(handler, intent, answer)
            self._commit()

        self._retrying(record)
        counts["recorded"] += 1
        crash_point("task.recorded", self.claim.type_code)
        return self._begin()

    # === FAILURES === #

    def _record(self, error):
        """Write the end of a failed attempt in a new transaction, if the task is still this
        worker's."""
        for _try in range(3):
            try:
                task = self._lock()
                if task is None:
                    # It ended before, was taken back, or was deleted: what follows its commit erred.
                    _logger.warning(
                        "Billing task %s: an error after it was out of this worker's hands: %s",
                        self.claim.task_id,
                        redact(f"{type(error).__name__}: {error}"),
                    )
                else:
                    task = task._for_handler(self.journal)
                    task._fail_attempt(error, time.monotonic() - self.started)
                self._commit()
                return
            except (*_CONFLICTS, errors.UniqueViolation):
                # A successor with the same identity key came at this very moment.
                self._roll_back()
        _logger.warning(
            "Billing task %s: its end could not be written; it will be taken back",
            self.claim.task_id,
        )


@contextmanager
def _no_commit(cr):
    """Hold handlers to their promise: the shell commits, they do not."""

    def refuse():
        raise RuntimeError("A task handler must not commit or roll back: the worker does.")

    cr.commit = cr.rollback = refuse
    try:
        yield
    finally:
        del cr.commit, cr.rollback


def _tasks(cr):
    return api.Environment(cr, SUPERUSER_ID, {})["billing.task"]
