import time
from contextlib import closing, suppress

from odoo import models

from ..exceptions import FatalTaskError, OutcomeUnknown, SkipTask, TaskControl
from ..handlers import ExternalHandler


class BillingTask(models.Model):
    """The steps of an external handler (see ``billing_tasks/handlers.py``); the runner commits
    between them."""

    _inherit = "billing.task"

    def _next_intent(self, handler):
        """Prepare the next piece of outside work and note it on the task as ``sending``.

        :return: the intent, None when nothing is left to do.
        :raise FatalTaskError: where the handler breaks the protocol.
        """
        intent = handler.prepare(self)
        if intent is None:
            return None
        intent = self._plain_result(intent)
        if not isinstance(intent, dict) or not intent.get("reference"):
            raise FatalTaskError(
                self.env._(
                    "The handler of “%s” prepared work without a reference.", self.type_id.code
                )
            )
        self._write_intent("sending", intent)
        return intent

    def _record_answer(self, handler, intent, answer):
        """Write what came of an intent and close it."""
        handler.record(self, intent, answer)
        self._clear_intent()

    def _clear_intent(self):
        self._write_intent(False, False)

    def _write_intent(self, state, intent):
        """Note an intent, and that the worker lives: each commit frees the task's row for a moment,
        in which the reaper must not think otherwise."""
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        [now] = self.env.cr.fetchone()
        self.write({"intent_state": state, "intent": intent, "attempt_date": now})

    def _settle_unknown(self, handler, intent):
        """Hand an intent whose outcome nobody knows to a person; never call again for it.

        :return: True when the task may go on, False when it has to fail as ``outcome_unknown``.
        """
        if handler.unknown is None:
            return False
        handler.unknown(self, intent)
        self._clear_intent()
        return True

    def _leave_intents(self):
        """Hand what these tasks may have done outside to people: they will not find out themselves."""
        for task in self.filtered(lambda task: task.intent_state == "sending"):
            handler = task._get_task_handlers().get(task.type_id.code)
            if isinstance(handler, ExternalHandler) and handler.unknown:
                journal = self.env.context.get("billing_task_journal")
                # It raises ``SkipTask`` where what the work was for is gone: nobody is left to tell.
                with suppress(SkipTask):
                    handler.unknown(task._for_handler(journal), task.intent)
            task.write({"intent_state": "unknown"})

    def _unknown_error(self, intent):
        return OutcomeUnknown(
            self.env._(
                "It is not known whether the work with the reference %s was done outside. It will"
                " not be sent again by itself: check with the other side.",
                intent["reference"],
            )
        )

    def _call_outside(self, handler, intent):
        """Do the outside work. It may read; whatever it writes the database refuses or forgets, unless
        the handler says that it writes."""
        if handler.call_writes:
            with self.env.cr.savepoint():
                return handler.call(self, intent)
        with closing(self.env.cr.savepoint()):
            self.env.cr.execute("SET LOCAL transaction_read_only = on")
            return handler.call(self, intent)

    def _ask_outside(self, handler, intent):
        """Ask the other side what became of an intent; None where it cannot tell."""
        if handler.ask is None:
            return None
        with closing(self.env.cr.savepoint()):
            self.env.cr.execute("SET LOCAL transaction_read_only = on")
            return handler.ask(self, intent)

    def _perform_external_inline(self, handler, started):
        """Run an external handler in the current transaction, where nothing can be committed
        between steps."""
        counts = {"recorded": 0, "handed_over": 0}
        if self.intent:
            intent = self.intent
            answer = self._ask_outside(handler, intent)
            with self.env.cr.savepoint():
                if answer is not None:
                    self._record_answer(handler, intent, answer)
                    counts["recorded"] += 1
                elif self._settle_unknown(handler, intent):
                    counts["handed_over"] += 1
                else:
                    raise self._unknown_error(intent)
        while True:
            with self.env.cr.savepoint():
                intent = self._next_intent(handler)
            if intent is None:
                break
            try:
                answer = self._call_outside(handler, intent)
            except OutcomeUnknown:
                raise
            except TaskControl:
                self._clear_intent()
                raise
            with self.env.cr.savepoint():
                self._record_answer(handler, intent, answer)
            counts["recorded"] += 1
        self._complete(counts, time.monotonic() - started)
