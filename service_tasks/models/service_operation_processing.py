from odoo import api, fields, models
from odoo.exceptions import UserError

from ...billing_tasks.exceptions import FatalTaskError, SkipTask
from ..answers import accepted, readable


class ServiceOperation(models.Model):
    """The automatic way: an external billing task per operation, steps as the queue wants them.

    The request is sent between two commits. An answer that certainly means *not done* (no
    connection, 5xx, 429) ends the attempt with an error and uses up a retry; the next attempt
    sends the same request with the same key. Without an answer the intent stays open: the next
    attempt asks the module's ``_ask_operation`` first, and only its word that nothing was received
    lets the request be sent again. When the retries are used up, or nobody can tell, the
    operation becomes failed or unknown and its department gets a service task.
    """

    _inherit = "service.operation"

    def _enqueue(self):
        """Put the background task of this operation in the queue."""
        self.ensure_one()
        task = self.env["billing.task"].enqueue(
            "service_operation",
            record=self,
            identity_key=f"service.operation:{self.id}",
            exclusive_key=f"service:{self.service_id.id}",
        )
        self._own().billing_task_id = task

    # === STEPS OF THE EXTERNAL HANDLER === #

    def _prepare_call(self, task):
        """Return the next request to make, None when there is none."""
        if self.answered_attempt and self.answered_attempt == task.attempt_token:
            # One request an attempt, whatever came of it.
            if self.state == "failed":
                raise FatalTaskError(self.message)
            if self.state == "processing" and not self.accepted_date:
                # Answered "not now": that this attempt ends as an error is the queue's retry.
                raise UserError(self.message)
            return None
        if self.state == "failed":
            # Somebody put the background task back in the queue.
            self._set_state("processing", {"accepted_date": False})
        if self.state != "processing" or self.accepted_date:
            return None
        if not self.payload:
            self._own().payload = self._make_payload()
        return self._intent()

    def _intent(self) -> dict:
        """Return what the queue notes of a request under way; by it the outcome is asked for."""
        self.ensure_one()
        return {"reference": self.key, "operation": self.id}

    def _record_answer(self, task, answer):
        """Write what the other side said. Repeating it changes nothing."""
        self.service_id._lock_rows()
        self.invalidate_recordset()
        if self.state not in ("processing", "unknown"):
            return
        message = readable(answer.get("message"))
        outcomes = {
            "done": self.env._("Done"),
            "accepted": self.env._("Accepted"),
            "retry": self.env._("Not now"),
        }
        outcome = outcomes.get(answer["outcome"], self.env._("Failed"))
        task._log(self.env._("%(outcome)s: %(message)s", outcome=outcome, message=message))
        self._own().answered_attempt = task.attempt_token
        if answer["outcome"] == "retry" and self.state == "processing":
            self._own().message = message
        elif answer["outcome"] == "accepted":
            self._own().write({"accepted_date": fields.Datetime.now(), "message": message})
        elif answer["outcome"] == "done":
            self._complete(message, answer.get("parameters"))
        else:
            # A person may be at it already where it was unknown: it is not sent again by itself.
            self._hand_over("failed", message)

    def _make_payload(self) -> dict:
        """Return what a module is told of the operation: plain JSON, without secrets.

        ``service`` is how it is now, ``wanted`` how it is to be: by names and codes, since nobody else
        knows the ids in ``requested``.
        """
        self.ensure_one()
        service, partner = self.service_id, self.partner_id
        return {
            "operation": self.key,
            "type": self.type,
            "effective_date": fields.Date.to_string(self.effective_date),
            "requested": self.requested,
            "service": {
                "number": service.number,
                "name": service.name or "",
                "state": service.state,
                "quantity": service.quantity,
                "tariff": self._plain_tariff(service.tariff_id),
                "parameters": service._parameter_values(),
                "addons": [
                    {"name": line.product_id.name, "quantity": line.quantity}
                    for line in service.addon_line_ids
                ],
                "identifiers": [
                    {"kind": identifier.kind, "value": identifier.value}
                    for identifier in service.identifier_ids
                    if not identifier.date_to
                ],
            },
            "wanted": self._plain_wish(),
            "customer": {
                "reference": partner.ref or str(partner.id),
                "name": partner.name or "",
                "email": partner.email or "",
                "language": partner.lang or "",
            },
        }

    def _plain_wish(self) -> dict:
        new, service, tariff = self.requested["new"], self.service_id, self._tariff()
        return {
            "name": new.get("name", service.name) or "",
            "tariff": self._plain_tariff(tariff),
            "quantity": new.get("quantity", service.quantity),
            "end": new.get("date_end", fields.Date.to_string(service.date_end)) or "",
            "reason": new.get("reason") or "",
            "parameters": self._kept_parameters(),
            "parameter_labels": {
                row["name"]: row.get("string") or row["name"]
                for row in tariff.parameter_definition or []
            },
            "addons": [
                {"name": addon.product_id.name, "quantity": wanted}
                for addon, (_now, wanted) in self._addon_quantities().items()
                if wanted
            ],
        }

    @api.model
    def _plain_tariff(self, tariff) -> dict:
        return {"code": tariff.code or "", "name": tariff.name}

    # === ENDS === #

    def _complete(self, message="", parameters=None):
        """Apply a carried-out operation; where that fails, a person gets it with the reason."""
        self.ensure_one()
        if not isinstance(parameters, dict):
            parameters = {}
        kept, left_out = accepted(self._tariff().parameter_definition or [], parameters)
        try:
            with self.env.cr.savepoint():
                task = self.service_task_id
                self._apply(self.effective_date, kept)
                self._set_state("done", {"message": message or False})
                if task.state in ("new", "in_progress"):
                    reason = self.env._("The other side has finished it meanwhile.")
                    task._set_state("cancelled", {"cancel_reason": reason})
                if self.type == "setup":
                    self._send_opening_mail()
                self._note_on_service(self.env._("done. %s", message or ""))
                self._tell_customer()
                if left_out:
                    self._note_on_service(
                        self.env._(
                            "the other side reported settings that the tariff does not have or "
                            "cannot hold; they were left out: %s.",
                            ", ".join(left_out),
                        )
                    )
        except UserError as error:
            self._hand_over(
                "failed",
                self.env._(
                    "It was carried out, but could not be applied to the service: %s", error
                ),
            )
            return
        self.service_id._start_next_operation()

    def _hand_over(self, state: str, message: str):
        """Make an operation ``failed`` or ``unknown`` and give it to its department."""
        self.ensure_one()
        self._set_state(state)
        self._own().message = message
        task = self.service_task_id
        if task.state in ("new", "in_progress"):
            task._regenerate()
        else:
            self.env["service.task"]._create_for(self)
        self._note_on_service(message)

    def action_give_to_staff(self):
        """Give operations to their departments that software has not carried out yet: now, not
        when its tries are used up."""
        self._check_may_change()
        self.sudo()._give_to_staff()
        return True

    def _give_to_staff(self):
        """End the software's tries and make service tasks of these operations."""
        self.service_id._lock_rows()
        self.invalidate_recordset()
        for operation in self:
            task = operation.billing_task_id
            if operation.state != "processing":
                raise UserError(
                    self.env._("%s is not with software any more.", operation.display_name)
                )
            if task.state == "running":
                raise UserError(
                    self.env._(
                        "%s is being tried at this moment. Wait for the end of this try.",
                        operation.display_name,
                    )
                )
            why = self.env._("Given to staff by %s.", self.env.user.name)
            if task.error_message:
                why += " " + self.env._("The last try: %s", task.error_message)
            sent = bool(task.intent or operation.accepted_date)
            if task.state in ("pending", "error"):
                task._set_state("skipped", {"ended_date": fields.Datetime.now()})
                task._log(why)
                task.filtered("intent").write({"intent_state": "unknown"})
            # What was sent may have been done: the department has to look first.
            operation._hand_over("unknown" if sent else "failed", why)

    def _take_callback(self, said: dict) -> bool:
        """Take the word of the other side on an operation in hand.

        :param said: ``state`` (done or failed), ``message``, ``parameters``.
        :return: False where there is nothing left to take.
        """
        self.ensure_one()
        self.service_id._lock_rows()
        self.invalidate_recordset()
        message = readable(said.get("message"))
        if self.state not in ("processing", "unknown", "failed"):
            return False
        if said["state"] == "done":
            self._complete(message, said.get("parameters"))
            return True
        if self.state == "failed":
            return False
        self._hand_over("failed", message or self.env._("The other side reported a failure."))
        return True

    # === THE QUEUE'S SIDE === #

    @api.model
    def _of_task(self, task):
        operation = task._record()
        if not operation:
            raise SkipTask(self.env._("The operation was deleted."))
        return operation

    @api.model
    def _call_for_task(self, task, _intent):
        operation = self._of_task(task)
        module = operation.module_id
        if not module._is_automatic():
            why = self.env._("%s has been made a manual module meanwhile.", module.name)
            return {"outcome": "failed", "message": why}
        return module._call_operation(operation)

    @api.model
    def _ask_for_task(self, task, _intent):
        operation = self._of_task(task)
        return operation.module_id._ask_operation(operation)

    @api.model
    def _unknown_for_task(self, task, _intent):
        operation = self._of_task(task)
        if operation.state == "processing":
            operation._hand_over(
                "unknown",
                self.env._(
                    "The request was sent, no answer came, and the other side could not say "
                    "whether it was carried out. It is not sent again by itself."
                ),
            )
        elif operation.state == "unknown":
            operation._note_in_histories(
                self.env._("asked again: the other side still could not say what became of it.")
            )

    @api.model
    def _failed_for_task(self, task):
        """A background task ended for good: what people must now do."""
        operation = task._record()
        if not operation or operation.state != "processing" or operation.accepted_date:
            return
        operation.service_id._lock_rows()
        state = "unknown" if task.intent else "failed"
        operation._hand_over(state, task.error_message or self.env._("It could not be done."))
