import logging
import time
import traceback
import uuid
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..dry_run import dry_run
from ..exceptions import FatalTaskError, OutcomeUnknown, TaskControl
from ..handlers import ExternalHandler, SteppedHandler
from ..journal import InlineJournal, insert_line, log_values
from ..log_lines import log_line
from ..redaction import plain_json, redact, secret_keys, storable_text
from ..retry_policy import Attempts, judge
from ..table_statistics import outgrown, refresh
from .billing_task import OPEN_STATES

_logger = logging.getLogger(__name__)

MAX_TRACEBACK = 4000


class BillingTask(models.Model):
    """What happens inside one attempt, the same for workers and for the inline runner."""

    _inherit = "billing.task"

    # === THE HANDLER'S WORLD === #

    def _for_handler(self, journal):
        """Return this task in the environment its handler runs in: OdooBot, the task's company
        alone, and that company's language and time zone."""
        self.ensure_one()
        task = self.sudo()
        lang, tz = self._company_locale(task.company_id.id)
        context = {
            "allowed_company_ids": task.company_id.ids,
            "lang": lang,
            "tz": tz,
            "billing_task_id": self.id,
            "billing_task_journal": journal,
            "billing_task_requester_id": task.requested_by_id.id,
        }
        return api.Environment(self.env.cr, SUPERUSER_ID, context)["billing.task"].browse(self.id)

    def _company_locale(self, company_id):
        """Return ``(language, time zone)`` of a company, in one small query: every attempt asks."""
        self.env["res.company"].flush_model(["partner_id", "resource_calendar_id"])
        self.env["res.partner"].flush_model(["lang"])
        self.env["resource.calendar"].flush_model(["tz"])
        self.env.cr.execute(
            SQL(
                """
                SELECT p.lang, r.tz FROM res_company c
                  JOIN res_partner p ON p.id = c.partner_id
                  LEFT JOIN resource_calendar r ON r.id = c.resource_calendar_id
                 WHERE c.id = %s
                """,
                company_id,
            )
        )
        lang, tz = self.env.cr.fetchone()
        return lang or "en_US", tz or "UTC"

    def _handler(self, code):
        """Return the handler for tasks of the type ``code``, called on a task from ``_for_handler``.

        :raise FatalTaskError: where no code handles the type, or test mode cannot be kept.
        """
        handler = self._get_task_handlers().get(code)
        if handler is None:
            raise FatalTaskError(
                self.env._("No installed code handles tasks of the type “%s”.", code)
            )
        if self.test_mode and isinstance(handler, ExternalHandler):
            raise FatalTaskError(
                self.env._(
                    "Tasks of this type reach outside of the database and cannot run in test mode."
                )
            )
        return handler

    def _perform(self, handler):
        """Call an internal or a stepped handler, all of it in the current transaction, and return
        its result, as it will be stored.

        In test mode everything but the result is undone.
        """
        if isinstance(handler, SteppedHandler):
            handler = handler.walk
        if not self.test_mode:
            return self._plain_result(handler(self))
        with dry_run(self.env):
            return self._plain_result(handler(self))

    def _plain_result(self, result):
        try:
            result = plain_json(result)
        except ValueError as error:
            raise FatalTaskError(
                self.env._(
                    "The handler of “%s” returned what is not plain JSON.", self.type_id.code
                )
            ) from error
        if secrets := secret_keys(result):
            raise FatalTaskError(
                self.env._(
                    "The handler of “%(code)s” returned what looks like a secret: %(names)s.",
                    code=self.type_id.code,
                    names=", ".join(secrets),
                )
            )
        return result

    # === ENDS OF AN ATTEMPT === #

    def _complete(self, result, duration):
        """Store the result and mark the task completed, in the transaction of its effects."""
        message = self.env._("Completed in %.2f s.", duration)
        if self.test_mode:
            message = self.env._(
                "Completed in %.2f s, in test mode: everything but the result was undone.", duration
            )
        insert_line(self.env.cr, log_values(self.id, message, "info"))
        self._set_state(
            "completed",
            {
                "result": result or False,
                "ended_date": fields.Datetime.now(),
                "duration": duration,
                "error_code": False,
                "error_message": False,
            },
        )
        self._log_end(duration)

    def _log_end(self, duration):
        """Leave a line for programs that read the server's log, once it is committed."""
        figures = {
            "task": self.id,
            "type": self.type_id.code,
            "state": self.state,
            "company": self.company_id.id,
            "seconds": round(duration, 3),
            "retries": self.retry_count,
            "error": self.error_code or None,
        }
        self.env.cr.postcommit.add(lambda: log_line("task_ended", **figures))

    def _fail_attempt(self, error, duration=0.0):
        """Record that an attempt ended with an exception. Its effects must have been rolled back
        before."""
        self.ensure_one()
        verdict = judge(error, self._attempts())
        message = self._error_text(error)
        detail = ""
        if not isinstance(error, TaskControl):
            detail = "\n" + _traceback(error)
        if isinstance(error, OutcomeUnknown):
            self.write({"intent_state": "unknown"})
        level = {"skipped": "info", "failed": "error"}.get(verdict.state, "warning")
        # An error in words for people needs no more; where it came from stands in the server's log.
        self._log(message if isinstance(error, UserError) else f"{message}{detail}", level)
        self._conclude(verdict, message, duration)
        _logger.info(
            "Billing task %s (%s) ended as %s: %s%s",
            self.id,
            self.type_id.code,
            self.state,
            message,
            detail,
        )

    def _conclude(self, verdict, message, duration=0.0):
        """Write a verdict on the task: its state, counters, time of the next try and error.

        A task that did not succeed while a later one with its identity key waits is skipped in
        favour of that one.
        """
        now = fields.Datetime.now()
        values = {
            "retry_count": verdict.retry_count,
            "postpone_count": verdict.postpone_count,
            "error_code": verdict.code,
            "error_message": message,
            "duration": duration,
        }
        if verdict.postpone_count > self.postpone_count and not self.postponed_since:
            values["postponed_since"] = now
        state = verdict.state
        if state in ("error", "failed") and (successor := self._successor()):
            state = "skipped"
            values["superseded_by_id"] = successor.id
            self._log(
                self.env._(
                    "Superseded by the later task %s, which does the same work.",
                    successor.display_name,
                )
            )
        if state == "error":
            delay_date = now + verdict.delay
            values["delay_date"] = delay_date
            self._log(self.env._("Next try at %s UTC.", fields.Datetime.to_string(delay_date)))
            if verdict.delay < timedelta(seconds=1):
                self._wake_workers()
        else:
            values["ended_date"] = now
        self._set_state(state, values)
        self._log_end(duration)
        if state in ("failed", "skipped"):
            self._follow(self._leave_intents)
        if state == "failed":
            self._after_failure()

    def _after_failure(self):
        """Tell the task's own package that it failed for good. What failed in test mode has changed
        nothing, so nothing follows from it."""
        hook = self._get_task_failure_handlers().get(self.type_id.code)
        if hook is None or self.test_mode:
            return
        task = self._for_handler(self.env.context.get("billing_task_journal"))
        self._follow(lambda: hook(task))

    def _follow(self, step):
        """Do what follows from the end of this task; a mistake there never hides that end."""
        try:
            with self.env.cr.savepoint():
                step()
        except Exception as error:  # noqa: BLE001 - whatever the step does, the task has ended
            _logger.error(
                "Billing task %s: what should follow its end failed:\n%s",
                self.id,
                _traceback(error),
            )
            self._log(
                self.env._("What should follow a failure failed too: %s", self._error_text(error)),
                "error",
            )

    def _attempts(self):
        """Return what the retry policy needs to know of this task."""
        since = self.postponed_since
        return Attempts(
            retry_count=self.retry_count,
            max_retries=self.max_retries,
            retry_delay=self.type_id.retry_delay,
            backoff=self.type_id.backoff,
            postpone_count=self.postpone_count,
            postponed_for=fields.Datetime.now() - since if since else timedelta(),
        )

    # === INLINE RUNNER === #

    @api.model
    def _run_inline(self, limit=None, domain=None):
        """Run due tasks one after the other in the current transaction, without any commit.

        For tests, tours and the loading of demo data. Follows tasks that are enqueued meanwhile,
        in the order of the queue, until none is due.

        :param int limit: run at most so many attempts.
        :param domain: only tasks that match.
        :return: how many attempts were run.
        """
        tasks = self.env(user=SUPERUSER_ID)["billing.task"]
        count = 0
        while limit is None or count < limit:
            task = tasks._next_due(domain)
            if not task:
                break
            task._attempt_inline()
            refresh(self.env.cr, outgrown(self.env.cr))
            count += 1
        # What handlers enqueued here has woken nobody yet.
        if count and tasks._next_due():
            tasks._wake_workers()
        return count

    def _next_due(self, domain=None):
        """Return the task that is to be run next, perhaps none."""
        due = Domain("state", "in", OPEN_STATES) & Domain("delay_date", "<=", fields.Datetime.now())
        due &= Domain("type_id.active", "=", True) & Domain(domain or Domain.TRUE)
        return self.search(due, order="priority, delay_date, id", limit=1)

    def _attempt_inline(self):
        """Run one attempt of this task in the current transaction."""
        journal = InlineJournal()
        started = time.monotonic()
        now = fields.Datetime.now()
        self._set_state(
            "running",
            {
                "attempt_token": uuid.uuid4().hex,
                "attempt_date": now,
                "started_date": now,
                "ended_date": False,
                "attempt_count": self.attempt_count + 1,
            },
        )
        task = self._for_handler(journal)
        error = None
        try:
            handler = task._handler(task.type_id.code)
            if isinstance(handler, ExternalHandler):
                task._perform_external_inline(handler, started)
            else:
                with self.env.cr.savepoint():
                    result = task._perform(handler)
                    task._complete(result, time.monotonic() - started)
        except Exception as exception:  # noqa: BLE001 - every error of a handler becomes the task's state
            error = exception
        journal.flush(self.env.cr)
        self.invalidate_recordset()
        if error is not None:
            self._fail_attempt(error, time.monotonic() - started)


def _traceback(error):
    """Return the end of an exception's traceback, fit to be logged."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    # Blotted out before it is cut: a cut might part a secret from its name.
    return redact(storable_text("".join(lines)))[-MAX_TRACEBACK:]
