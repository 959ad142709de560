from odoo import fields, models
from odoo.exceptions import UserError

from .billing_run import TRANSITIONS


class BillingRun(models.Model):
    """The life of a run: what it needs to be requested, where it rests, how it ends."""

    _inherit = "billing.run"

    # === STATES === #

    def _set_state(self, state):
        """Move runs to ``state`` by the transition table.

        Repeating a transition does nothing.

        :raise UserError: the table has no such transition
        """
        runs = self.filtered(lambda run: run.state != state)
        labels = dict(self._fields["state"]._description_selection(self.env))
        for run in runs:
            if state not in TRANSITIONS[run.state]:
                raise UserError(
                    self.env._(
                        "%(run)s is %(state)s and cannot become %(target)s.",
                        run=run.number,
                        state=labels[run.state],
                        target=labels[state],
                    )
                )
        if runs:
            # Who goes back takes the sign-off back.
            sign_off = {"ready_by_id": False, "approved_by_id": False}
            runs._write_own({"state": state, **(sign_off if state == "pending" else {})})

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
        names = ("invoice_date", "cutoff_date", "transaction_date", "term_scheme_ids")
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

    def _waits(self):
        """Return whether the run rests until somebody continues it: after its target stage, or
        because a limit stopped it."""
        self.ensure_one()
        target = self.target_stage or self._stages()[-1].name
        reached = bool(self.stage) and self.stage == target
        return self.state == "requested" and (reached or bool(self.stop_reason))

    def _finish(self):
        """Let the run wait after its target stage, or end it by what became of its bills."""
        if self._target_index() < len(self._stages()) - 1:
            self._set_state("requested")
            return
        self._end()

    def _end(self):
        """End the run by what became of its bills; create the next one and send the documents,
        where the run is to."""
        counts = self._bill_counts()
        state = "completed"
        if counts.get("error"):
            produced = counts.get("posted", 0) + counts.get("done", 0)
            state = "completed_with_errors" if produced or self._has_posted() else "failed"
        self._set_state(state)
        self._write_own({"ended_date": fields.Datetime.now()})
        self._post_summary()
        if self.is_recurring and not self.successor_id:
            self._create_successor()
        if self.auto_send:
            self._send_automatically()

    def _post_summary(self):
        """Leave one message on the run in place of one on each of its invoices."""
        self.invalidate_recordset(["invoice_count", "amount_text", "exception_count"])
        self.message_post(
            body=self.env._(
                "Invoices and credit notes: %(invoices)s. Before tax: %(amount)s."
                " Exceptions: %(exceptions)s.",
                invoices=self.invoice_count,
                amount=self.amount_text or "0",
                exceptions=self.exception_count,
            )
        )

    def _has_posted(self):
        """Return whether a bill in error has posted invoices all the same."""
        return bool(
            self.env["account.move"].search_count(
                [("billing_bill_id.run_id", "=", self.id), ("state", "=", "posted")], limit=1
            )
        )
