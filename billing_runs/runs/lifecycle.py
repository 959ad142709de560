from odoo import api, fields, models
from odoo.exceptions import UserError

from ...billing_tasks.texts import label


class BillingRun(models.Model):
    """The life of a run: what it needs to be requested, where it rests, how it ends."""

    _inherit = "billing.run"

    # === STATES === #

    @api.model
    def _get_transitions(self):
        return {
            "pending": {"ready", "requested", "cancelled"},
            # Requested only where the cycle asks for no sign-off any more.
            "ready": {"pending", "approved", "requested", "cancelled"},
            "approved": {"pending", "requested", "cancelled"},
            "requested": {"running", "cancelled", "completed", "completed_with_errors", "failed"},
            "running": {"requested", "completed", "completed_with_errors", "failed"},
            "completed": set(),
            "completed_with_errors": {"running"},
            "failed": {"running"},
            "cancelled": set(),
        }

    @api.model
    def _get_start_text(self):
        return self.env._("A billing run starts as pending.")

    def _set_state(self, state, values=None, sources=None):
        if state == "pending":
            # Who goes back takes the sign-off back.
            values = {"ready_by_id": False, "approved_by_id": False, **(values or {})}
        return super()._set_state(state, values, sources)

    def _state_text(self):
        """Return the sentence that says where the run stands, for logs of tasks."""
        self.ensure_one()
        return self.env._("The run is %(state)s.", state=label(self, "state").lower())

    # === BEFORE THE REQUEST === #

    def _check_requestable(self):
        """Check what every request of bills needs.

        :raise UserError: saying what is missing and what to do
        """
        for run in self:
            run._check_complete()
            if run.cycle_id.sign_off and run.state != "approved":
                raise UserError(
                    self.env._(
                        "%(run)s must be approved before its bills are requested.",
                        run=run.number,
                    )
                )

    def _check_complete(self):
        """Check that dates and billing terms are set.

        :raise UserError: naming what is missing
        """
        self.ensure_one()
        self._check_proximity()  # the cycle's range may have been narrowed since
        names = ["invoice_date", "cutoff_date", "transaction_date", "term_scheme_ids"]
        if not self._stages().by_bills:
            names.append("partner_category_ids")
        missing = [
            self._fields[name]._description_string(self.env) for name in names if not self[name]
        ]
        if missing:
            raise UserError(
                self.env._(
                    "%(run)s: set %(fields)s before you request bills.",
                    run=self.number,
                    fields=", ".join(missing),
                )
            )

    # === REST AND END === #

    def _is_posted(self):
        """Return whether what the run bills stands: it has got through posting, or through its
        last stage where nothing is posted."""
        self.ensure_one()
        stages = self._stages()
        return stages.place(self.stage) >= stages.posted_place

    def _can_close(self):
        """Return whether the run waits after posting and can be ended without what comes then."""
        self.ensure_one()
        return self.state == "requested" and self._is_posted() and self.target_stage == self.stage

    def _waits(self):
        """Return whether the run rests until somebody continues it: after its target stage, or
        because a limit stopped it."""
        self.ensure_one()
        target = self.target_stage or self._stages().last.name
        reached = bool(self.stage) and self.stage == target
        return self.state == "requested" and (reached or bool(self.stop_reason))

    def _finish(self):
        """Let the run wait after its target stage, or end it by what became of its bills."""
        if self._target_place() < len(self._stages()) - 1:
            self._set_state("requested")
            return
        self._end()

    def _end(self):
        """End the run by what became of its bills; create the next one and send the documents,
        where the run is to."""
        counts = self._bill_counts()
        state = "completed"
        if counts.get("error"):
            produced = any(counts.get(state) for state in self._stages().posted_states)
            state = "completed_with_errors" if produced or self._has_posted() else "failed"
        self._set_state(state, {"ended_date": fields.Datetime.now()})
        self._log_line("run_ended", state=state, errors=counts.get("error", 0))
        if not self._stages().by_bills:
            self._post_revenue_at_end()
        self._post_summary()
        if self.is_recurring and not self.successor_id:
            self._create_successor()
            if not self._stages().by_bills:
                self._schedule_successor()
        if self.auto_send:
            self._send_automatically()

    def _post_summary(self):
        """Leave one message on the run in place of one on each of its invoices."""
        if not self._stages().by_bills:
            return self._post_wallet_summary()
        self.invalidate_recordset(["invoice_count", "amount_text", "exception_count"])
        return self.message_post(
            body=self.env._(
                "Invoices and credit notes: %(invoices)s. Before tax: %(amount)s."
                " Exceptions: %(exceptions)s.",
                invoices=self.invoice_count,
                amount=self.amount_text or "0",
                exceptions=self.exception_count,
            )
        )

    def _has_posted(self):
        """Return whether a bill in error has posted invoices all the same, or the run has debited
        wallets."""
        if not self._stages().by_bills:
            return self._has_debited()
        return bool(
            self.env["account.move"].search_count(
                [("billing_bill_id.run_id", "=", self.id), ("state", "=", "posted")], limit=1
            )
        )
