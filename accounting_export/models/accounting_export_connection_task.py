import time
import uuid
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from ...billing_tasks.exceptions import FatalTaskError, RetryTask
from ..oauth import is_fresh
from ..pacing import note, wait
from ..xero_client import Answer, Door, call, is_installed, tokens
from ..xero_models import BATCH

#: shorter waits are waited for; for longer ones the worker does something else meanwhile
SHORT = 2.0
SENDING = {
    "accounting_customers": ("customer",),
    "accounting_invoices": ("invoice", "credit"),
}


class AccountingExportConnection(models.Model):
    """The tasks that talk to Xero: one intent, one request.

    A request may need a token first: that is an intent of its own, whose answer is committed before
    anything else is asked. What was sent without an answer is asked about, never sent again blindly. What Xero
    says of its limits, or that it is not reached, is put on the connection, and the task waits.
    """

    _inherit = "accounting.export.connection"

    progress = fields.Json(readonly=True, copy=False, help="How far a task has read, page by page.")

    # === PREPARE === #

    @api.model
    def _task_prepare(self, task):
        """Return the next request of a task as an intent; None when nothing is left."""
        connection = task._record()
        if not connection:
            raise FatalTaskError(self.env._("The connection is gone."))
        connection.ensure_one()
        connection._check_for_task(task)
        intent = connection._next_step(task)
        if intent is None:
            return None
        connection._check_pace(task)
        if intent["step"] != "code" and not connection._has_token():
            intent = connection._token_step(task)
        if intent.get("item_ids") and intent["step"] in ("send", "ask_items"):
            connection._begin_sending(intent)
        return {"reference": f"{connection.id}:{uuid.uuid4().hex}", **intent}

    def _check_for_task(self, task):
        """Check that a task may work with this connection.

        :raise FatalTaskError: it may not
        """
        if not is_installed():
            raise FatalTaskError(self._package_text())
        if self._progress_of(task).get("stopped"):
            raise FatalTaskError(self.problem or self.env._("Xero does not let us in."))
        allowed = ("active",)
        if task.type_id.code == "accounting_connect":
            allowed = ("draft", "choosing", "active", "broken")
        if self.state not in allowed:
            raise FatalTaskError(
                self.env._(
                    "%s is not connected: an administrator has to connect it. What waits to be sent stays"
                    " on the list.",
                    self.name,
                )
            )

    def _check_pace(self, task):
        """Wait where Xero's limits ask for it.

        :raise RetryTask: longer than a moment
        """
        now = fields.Datetime.now()
        if self.paused_until and self.paused_until > now:
            raise RetryTask(
                self.env._(
                    "Xero is asked again at %(time)s: %(reason)s",
                    time=format_datetime(self.env, self.paused_until),
                    reason=self.problem or self.env._("it asked to wait."),
                ),
                delay=self.paused_until - now,
            )
        seconds = wait(self._secret().usage, time.time(), self.calls_per_minute, self.calls_per_day)
        if not seconds:
            return
        if seconds <= SHORT:
            time.sleep(seconds)
            return
        raise RetryTask(
            self.env._(
                "Xero allows %(minute)s calls a minute and %(day)s a day: it goes on in %(seconds)s s.",
                minute=self.calls_per_minute,
                day=self.calls_per_day,
                seconds=round(seconds),
            ),
            delay=seconds,
        )

    def _next_step(self, task):
        """Return the next step of a task, by its type."""
        code = task.type_id.code
        if code == "accounting_connect":
            return self._next_connect_step(task)
        if code == "accounting_check":
            return self._next_check_step(task)
        if code == "accounting_payments":
            return self._next_payment_step(task)
        if code == "accounting_compare":
            return self._next_compare_step(task)
        return self._next_send_step(task)

    def _progress_of(self, task):
        """Return how far a task has read: empty at its beginning."""
        progress = self.progress or {}
        return progress if progress.get("task") == task.id else {"task": task.id}

    def _note_progress(self, task, **values):
        self.progress = {**self._progress_of(task), **values}

    # === SENDING === #

    def _next_send_step(self, task):
        """Return the next request that sends customers or documents, or asks about those of which nobody
        knows."""
        items = self.env["accounting.export.item"].browse(
            (task.parameters or {}).get("item_ids", [])
        )
        mine = Domain("id", "in", items.ids) & Domain("connection_id", "=", self.id)
        mine &= Domain("kind", "in", SENDING[task.type_id.code])
        lost = mine & Domain("state", "in", ("unknown", "sending"))
        if asked := items.search(lost, limit=BATCH, order="id"):
            asked = asked.filtered(lambda item: item.kind == asked[0].kind)
            return {"step": "ask_items", "kind": asked[0].kind, "item_ids": asked.ids}
        while batch := self._next_batch(mine):
            ready = self._refuse_problems(batch)
            if ready:
                return {"step": "send", "kind": ready[0].kind, "item_ids": ready.ids}
        return None

    def _next_batch(self, domain):
        """Return the next waiting items, locked, of one kind; one alone where it was refused among
        others."""
        items = self.env["accounting.export.item"]
        waiting = items.search(
            domain & Domain("state", "=", "waiting"), limit=BATCH * 2, order="alone, id"
        )
        if not waiting:
            return waiting
        first = waiting[0]
        batch = waiting.filtered(
            lambda item: (
                item.kind == first.kind
                and item.alone == first.alone
                and item.idempotency_key == first.idempotency_key
            )
        )
        batch = batch[:1] if first.alone else batch[:BATCH]
        self.env.cr.execute(
            SQL(
                "SELECT id FROM accounting_export_item WHERE id IN %s AND state = 'waiting'"
                " ORDER BY id FOR NO KEY UPDATE",
                tuple(batch.ids),
            )
        )
        return items.browse(row[0] for row in self.env.cr.fetchall())

    def _refuse_problems(self, batch):
        """Put on record what cannot be sent as it is, and return the rest."""
        if batch[0].kind == "customer":
            return batch
        documents = self._documents(batch.move_id)
        ready = batch
        for item in batch:
            made = documents[item.move_id.id]
            if isinstance(made, Exception):
                item._refuse(made.code, str(made))
                ready -= item
        return ready

    def _begin_sending(self, intent):
        """Put on record, before anything leaves, that these items are being sent: with a key that the other
        side takes once. What was sent before without a known outcome keeps its key."""
        items = self.env["accounting.export.item"].browse(intent["item_ids"])
        if intent["step"] == "ask_items":
            return
        key = items[0].idempotency_key or uuid.uuid4().hex
        intent["key"] = key
        items._set_state("sending", {"idempotency_key": key, "sent_date": fields.Datetime.now()})

    # === CALL === #

    @api.model
    def _task_call(self, task, intent):
        """Make one request. Reads the database, writes nothing."""
        return task._record()._request(task, intent)

    @api.model
    def _task_ask(self, task, intent):
        """Find out what became of a request without an answer.

        What only reads, and the exchange of tokens, is simply asked for again. What was sent is looked for,
        where the token still opens the door; else its items are asked about later.
        """
        connection = task._record()
        if intent["step"] != "send":
            return connection._request(task, intent)
        if not connection._has_token():
            return {"outcome": "lost"}
        answer = connection._request(task, {**intent, "step": "ask_items"})
        return {**answer, "step": "ask_items"}

    @api.model
    def _task_unknown(self, task, intent):
        """Leave what was sent without an answer to a person; what only reads is nobody's matter."""
        if intent.get("item_ids"):
            items = task.env["accounting.export.item"].browse(intent["item_ids"]).exists()
            items.filtered(lambda item: item.state == "sending")._set_state("unknown")

    def _request(self, task, intent):
        """Make the request of an intent, and return what came of it as plain data."""
        self.ensure_one()
        step = intent["step"]
        if step in ("refresh", "client"):
            answer = tokens(self._door(), self._token_values(step))
        elif step == "code":
            answer = tokens(self._door(), self._code_values(intent))
        else:
            answer = getattr(self, f"_ask_{step}")(task, intent)
        return {
            "outcome": answer.outcome,
            "data": answer.data,
            "seconds": answer.seconds,
            "problem": answer.problem,
        }

    def _xero(self, ask) -> Answer:
        """Make one request of the accounting API."""
        return call(self._door(), ask)

    def _door(self):
        """Return what opens the door to Xero."""
        secret = self._secret()
        return Door(
            hosts=self._xero_hosts(),
            client_id=self.client_id or "",
            client_secret=secret.client_secret or "",
            access=secret.access_token or "",
            tenant=self.tenant_id or "",
        )

    def _has_token(self):
        secret = self._secret()
        return bool(secret.access_token) and is_fresh(secret.expires, time.time())

    # === RECORD === #

    @api.model
    def _task_record(self, task, intent, answer):
        """Put on record what came of a request."""
        task._record()._take_answer(task, intent, answer)

    def _take_answer(self, task, intent, answer):
        self.ensure_one()
        secret = self._secret()
        secret.usage = note(secret.usage, time.time())
        outcome = answer["outcome"]
        step = answer.get("step", intent["step"])
        if step in ("refresh", "client", "code"):
            self._take_tokens(task, step, answer)
            return
        if outcome == "done":
            self._own().write({"paused_until": False, "problem": False})
            getattr(self, f"_take_{step}")(task, intent, answer["data"])
            return
        if outcome == "lost":
            self._items_of_intent(intent)._set_state("unknown")
            return
        if outcome == "again":
            self._items_of_intent(intent)._set_state("waiting", {"idempotency_key": False})
            return
        if step == "send" and outcome == "refused":
            self._take_refusal(self._items_of_intent(intent), answer)
            return
        items = self._items_of_intent(intent)
        if step == "send":
            # Nothing was done: what was to be sent waits again.
            items._set_state("waiting", {"idempotency_key": False})
        else:
            items.filtered(lambda item: item.state == "sending")._set_state("unknown")
        self._take_trouble(task, intent, answer)

    def _items_of_intent(self, intent):
        items = self.env["accounting.export.item"].browse(intent.get("item_ids", [])).exists()
        return items.filtered(lambda item: item.state in ("sending", "unknown"))

    def _take_trouble(self, task, intent, answer):
        """Put on record why nothing was done, and until when nothing is asked."""
        outcome, problem = answer["outcome"], answer.get("problem") or ""
        if outcome == "later":
            until = fields.Datetime.now() + timedelta(seconds=answer["seconds"])
            self._own().write({"paused_until": until, "problem": self._later_text(problem)})
        elif outcome == "unauthorized" and not (self._progress_of(task).get("unauthorized")):
            # Once per task: a token that was just given and is not valid will never be.
            self._secret().expires = 0
            self._note_progress(task, unauthorized=True)
        elif outcome in ("unauthorized", "forbidden"):
            self._break(task, self.env._("Xero does not let us in: %s", problem))
        else:
            until = fields.Datetime.now() + timedelta(minutes=5)
            self._own().write(
                {
                    "paused_until": until,
                    "problem": self.env._("Xero refused a request: %s", problem),
                }
            )

    def _later_text(self, problem):
        """Return why Xero asked to wait, in words for people."""
        if problem == "minute":
            return self.env._("its limit of calls a minute is reached.")
        if problem == "day":
            return self.env._("its limit of calls a day is reached.")
        if problem in ("concurrent", "appminute"):
            return self.env._("too many calls at once.")
        return self.env._("it was not reached (%s).", problem)

    def _break(self, task, problem):
        """Put on record that Xero does not let us in any more, which ends the task."""
        self.ensure_one()
        self._note_progress(task, stopped=True)
        if self.state == "active":
            self._set_state("broken", {"problem": problem})
        else:
            self._own().write({"problem": problem})
        self.message_post(body=problem)
