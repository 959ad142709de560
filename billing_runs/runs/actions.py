from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import format_datetime

from ...billing_tasks.texts import labels


class BillingRun(models.Model):
    """What people do with a run: thin shells that check rights, then act."""

    _inherit = "billing.run"

    _VIEW_MODES = {
        "billing.bill": "list,kanban,form,pivot,graph",
        "billing.charge": "list,kanban,form,pivot,graph",
        "billing.service": "list,form,pivot,graph",
    }

    def action_request(self, target_stage=None, scheduled_date=None):
        """Request the bills: the queue produces them from here on.

        People have to go through the Next Steps first; scripts and crons run as
        the system and answer for themselves.

        :param str target_stage: stage to stop after; None = the last one
        :param datetime scheduled_date: not before this time (UTC); None = now
        """
        self._check_user()
        if not self.env.su:
            self._check_steps_done()
        self._request(target_stage, scheduled_date)
        return True

    def _request(self, target_stage=None, scheduled_date=None):
        self._check_requestable()
        for run in self:
            if run.state in ("requested", "running"):
                # A run that waits or was stopped is continued, which is put on record.
                raise UserError(
                    self.env._("%(run)s: its bills were requested already.", run=run.number)
                )
            run._check_target(target_stage)
            values = {"target_stage": target_stage, "scheduled_date": scheduled_date}
            run._set_state("requested", values)
            run.sudo()._enqueue_advance(delay_until=scheduled_date)

    def action_reschedule(self, target_stage=None, scheduled_date=None):
        """Start runs that were requested for a later time now, or at another time.

        :param str target_stage: stage to stop after; None = the last one
        :param datetime scheduled_date: not before this time (UTC); None = now
        """
        self._check_user()
        for run in self:
            if not run._is_scheduled():
                raise UserError(
                    self.env._(
                        "%(run)s does not wait for its time: it has started, or was not"
                        " requested for a later time.",
                        run=run.number,
                    )
                )
            run._check_target(target_stage)
            before = format_datetime(self.env, run.scheduled_date)
            if scheduled_date:
                message = self.env._(
                    "Requested for %(time)s instead of %(before)s.",
                    time=format_datetime(self.env, scheduled_date),
                    before=before,
                )
            else:
                message = self.env._("Started now instead of %s.", before)
            run.message_post(body=message)
            values = {"target_stage": target_stage, "scheduled_date": scheduled_date}
            run._own().write(values)
            run.sudo()._move_advance(scheduled_date)
        return True

    def _is_scheduled(self):
        """Return whether the run was requested for a later time and has not begun."""
        self.ensure_one()
        return self.state == "requested" and bool(self.scheduled_date) and not self.started_date

    def action_continue(self, target_stage=None, scheduled_date=None):
        """Take a run that waits after a stage on to a later one.

        A run that was stopped goes on in spite of its limits.
        """
        self._check_user()
        for run in self:
            if not run._waits():
                raise UserError(self.env._("%(run)s does not wait after a stage.", run=run.number))
            run._continue(target_stage, scheduled_date)
        return True

    def _continue(self, target_stage=None, scheduled_date=None):
        self.ensure_one()
        self._check_target(target_stage)
        values = {"target_stage": target_stage, "scheduled_date": scheduled_date}
        if self.stop_reason:
            self.message_post(body=self.env._("Continued in spite of: %s", self.stop_reason))
            values |= {"stop_reason": False, "limits_passed": True}
        self._own().write(values)
        self.sudo()._enqueue_advance(delay_until=scheduled_date)

    def action_run_again(self):
        """Run the bills in error again, after their causes were fixed."""
        self._check_user()
        for run in self:
            if not run._waits() and run.state not in ("completed_with_errors", "failed"):
                raise UserError(
                    self.env._(
                        "%(run)s has no bills to run again: it did not end with errors.",
                        run=run.number,
                    )
                )
            bills = self.env["billing.bill"].search(
                [("run_id", "=", run.id), ("state", "=", "error")]
            )
            if not bills:
                raise UserError(
                    self.env._("%(run)s: none of its bills is in error.", run=run.number)
                )
            # The first customers are checked again before anybody else is billed.
            first = run.canary_running or bool(run.stop_reason) and any(bills.mapped("canary"))
            # Bills are read-only to people: the rights were checked above.
            bills.sudo()._restart()
            run._set_state(
                "running",
                {
                    "stage": False,
                    "ended_date": False,
                    "stop_reason": False,
                    "canary_running": first,
                },
            )
            run.sudo()._enqueue_advance()
        return True

    def action_cancel(self):
        """Cancel runs of which nothing was produced yet, or everything was undone."""
        self._check_user()
        for run in self:
            if run._holds_anything():
                raise UserError(
                    self.env._(
                        "%(run)s cannot be cancelled: some of its bills were produced. Undo it"
                        " first.",
                        run=run.number,
                    )
                )
        self._set_state("cancelled")
        return True

    def action_close(self):
        """End runs that wait after posting: their invoices stand, they get no PDFs."""
        self._check_user()
        for run in self:
            if not run._can_close():
                raise UserError(
                    self.env._(
                        "%(run)s cannot be closed: only a run that waits after posting can.",
                        run=run.number,
                    )
                )
            run._end()
        return True

    def action_view_bills(self):
        """Open the run's bills."""
        domain = [("run_id", "in", self.ids)]
        return self._view_records("billing.bill", domain, self.env._("Bills"))

    def action_view_exceptions(self):
        """Open the run's exceptions: bills with an error code."""
        domain = [("run_id", "in", self.ids), ("error_code", "!=", False)]
        return self._view_records("billing.bill", domain, self.env._("Exceptions"))

    def action_view_charges(self):
        """Open the charges on the run's bills."""
        domain = [("bill_id.run_id", "in", self.ids)]
        return self._view_records("billing.charge", domain, self.env._("Charges"))

    def action_view_invoices(self):
        """Open the run's invoices and credit notes."""
        domain = list(self._standing_documents())
        return self._view_records("account.move", domain, self.env._("Documents"))

    def _view_records(self, model, domain, name):
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": self._VIEW_MODES.get(model, "list,form"),
            "domain": domain,
            "context": {"create": False, "hide_run": True},
        }

    def _holds_anything(self):
        """Return whether charges or documents hang on the run's bills.

        Charges of a bill in error are free for the next run; its documents stand until undone.
        """
        self.ensure_one()
        standing = Domain("state", "in", ("draft", "posted"))
        standing &= Domain("reversed_entry_id", "=", False)
        standing &= Domain("payment_state", "!=", "reversed")
        if not self._stages().by_bills:
            return self._has_debited()
        domain = Domain("state", "in", self._stages().live_states)
        domain |= Domain("state", "=", "error") & Domain("move_ids", "any", standing)
        bills = self.env["billing.bill"].sudo()
        return bool(bills.search_count(Domain("run_id", "=", self.id) & domain, limit=1))

    def _check_target(self, target_stage):
        self.ensure_one()
        if target_stage:
            stages = self._stages()
            place = stages.place(target_stage)
            if place < 0 or place <= stages.place(self.stage):
                raise UserError(
                    self.env._(
                        "%(run)s cannot be executed up to %(stage)s: choose a stage that it has"
                        " not finished yet.",
                        run=self.number,
                        stage=labels(self, "stage").get(target_stage, target_stage),
                    )
                )

    def _check_user(self):
        if not self.env.user.has_group("billing_operations.group_billing_user"):
            raise AccessError(self.env._("Billing runs are for billing users."))
        self.check_access("write")
