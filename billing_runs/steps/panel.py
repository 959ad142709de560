from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ...billing_tasks.texts import plural
from ..runs.billing_run import EDITABLE_STATES, ENDED_STATES
from .cdrs import BillingErrors, Cdrs, FixedFeeErrors
from .complete import Complete
from .customers import Customers
from .dates import Dates
from .email import Email
from .payments import Payments
from .period import Period
from .print import Print
from .production import Production
from .reports import PostReport, PreReport
from .request import Request
from .tie_out import TieOut
from .tie_out_usage import TieOutUsage
from .wallets import WalletTieOut

#: of tasks, whatever became of them
TASK_STATES = ["pending", "running", "error", "completed", "failed", "skipped"]
STEPS = (
    Dates(),
    Period(),
    Customers(),
    Payments(),
    Cdrs(),
    BillingErrors(),
    FixedFeeErrors(),
    PreReport(),
    Request(),
    PostReport(),
    Production(),
    Email(),
    Print(),
    TieOut(),
    TieOutUsage(),
    WalletTieOut(),
    Complete(),
)


class BillingRun(models.Model):
    """The Next Steps panel: what to do next, and who confirmed what.

    It is drawn from the steps of ``_step_registry``; what a step is says ``Step``.
    """

    _inherit = "billing.run"

    step_ids = fields.One2many("billing.run.step", "run_id", "Confirmations", readonly=True)
    next_steps = fields.Json(compute="_compute_next_steps")

    def _compute_next_steps(self):
        for run in self:
            run.next_steps = run._next_steps() if run.id else False

    # === FOR THE PANEL === #

    @api.readonly
    def get_next_steps(self):
        """Return the panel's data of one run; read again while work is under way."""
        self.ensure_one()
        self.check_access("read")
        return self._next_steps()

    def action_confirm_step(self, code):
        """Confirm a step: its numbers were looked at and are right.

        :raise UserError: the step is not one to confirm, or not its turn yet
        """
        self._check_user()
        for run in self:
            step = next((s for s in run._next_steps()["steps"] if s["code"] == code), None)
            if (
                not step
                or not step.get("confirmable")
                or step.get("unsettled")
                or step["state"] == "waiting"
            ):
                raise UserError(
                    self.env._(
                        "%(run)s: this step cannot be confirmed now. Finish the steps before it"
                        " first, and settle what it names.",
                        run=run.number,
                    )
                )
            run._record_step(code, step["numbers"])
        return True

    def action_request_expert(self, target_stage=None, scheduled_date=None):
        """Request bills without the checks. For expert mode; the skip is put on record.

        :param str target_stage: stage to stop after; None = the last one
        :param datetime scheduled_date: not before this time (UTC); None = now
        """
        if not self.env.user.has_group("billing_operations.group_expert_mode"):
            raise AccessError(
                self.env._("Only users in expert mode may skip the steps before billing.")
            )
        self._check_user()
        for run in self:
            skipped = run._open_steps()
            for step in skipped:
                if step.get("confirmable"):
                    run._record_step(step["code"], step["numbers"], skipped=True)
            if skipped:
                run.message_post(
                    body=self.env._(
                        "Requested in expert mode without: %(steps)s.",
                        steps=", ".join(step["title"] for step in skipped),
                    )
                )
            run._request(target_stage, scheduled_date)
        return True

    # === FRAMEWORK === #

    @api.model
    def _step_registry(self):
        """Return the steps of all runs, in any order: objects like those of ``steps/step.py``.

        A floor above, or an addon, extends the list with ``super()``. To put another step in
        place of one, leave that out and keep its code.
        """
        return list(STEPS)

    def _steps(self):
        """Return the steps that the run has now, in order."""
        self.ensure_one()
        phase = "pre" if self._steps_phase() == "pre" else "post"
        steps = [step for step in self._step_registry() if step.phase == phase]
        if self.run_type and not self._stages().by_bills:
            # Nothing is invoiced: there are neither customers' papers nor reports to look at.
            steps = [step for step in steps if step.for_wallets]
        return sorted(
            (step for step in steps if not step.is_hidden(self)), key=lambda step: step.place
        )

    def _get_steps(self):
        """Return the codes of the run's steps, in order."""
        return [step.code for step in self._steps()]

    def _step(self, code):
        """Return what a step of any phase shows, whether or not it is its turn or confirmed."""
        self.ensure_one()
        [step] = [step for step in self._step_registry() if step.code == code]
        return self._show_step(step, [])

    def _steps_phase(self):
        """Return ``pre``, ``production`` or ``post`` (from the end of posting)."""
        self.ensure_one()
        if self.state in EDITABLE_STATES:
            return "pre"
        return "post" if self._is_posted() or self.state in ENDED_STATES else "production"

    def _next_steps(self):
        """Return the panel: ``{"phase", "live", "state", "steps": [...]}``, plain JSON.

        Customers' preferences are kept per company: the run's counts, whatever
        company the person looks from.
        """
        self.ensure_one()
        self = self.with_company(self.company_id)
        phase = self._steps_phase()
        confirmations = {step.code: step for step in self.step_ids}
        steps, blocked = [], False
        if self.state != "cancelled" and phase != "production":
            for step in self._steps():
                if blocked and phase == "pre":
                    # Not its turn: what it would show may still change.
                    shown = {"code": step.code, "state": "waiting", "title": self.env._(step.title)}
                else:
                    shown = self._show_step(step, steps)
                    if shown.get("confirmable"):
                        self._add_confirmation(shown, confirmations.get(step.code))
                if shown["state"] != "hidden":
                    steps.append(shown)
                    blocked = blocked or self._blocks(shown)
        return {
            "phase": phase,
            "live": self._is_live(steps),
            "state": self.state,
            "stages": self._stage_progress() if phase != "pre" else [],
            "taken_back": self._taken_back_text() if phase != "pre" else "",
            "steps": steps,
        }

    def _is_live(self, steps):
        """Return whether the panel moves by itself: the run is under way or being taken back, a
        report is being made, or a step says that its work is."""
        return (
            (self.state in ("requested", "running") and not self._waits())
            or "computing" in self.report_ids.mapped("state")
            or bool(self._live_undos())
            or any(step.get("live") for step in steps)
        )

    def _show_step(self, step, before):
        """Return what the panel shows of a step, apart from its confirmation."""
        shown = {
            "code": step.code,
            "title": self.env._(step.title),
            "buttons": [],
            **step.show(self, before),
        }
        if "numbers" in shown:
            shown["confirmable"] = True
            if step.confirm_label:
                shown["confirm_label"] = self.env._(step.confirm_label)
        return shown

    def _add_confirmation(self, step, confirmation):
        fingerprint = self.env["billing.run.step"]._get_fingerprint(step["numbers"])
        if confirmation:
            changed = confirmation.fingerprint != fingerprint
            step["confirmed"] = {
                "by": confirmation.confirmed_by_id.sudo().name,
                "date": fields.Datetime.to_string(confirmation.confirmed_date),
                "skipped": confirmation.skipped,
                "changed": changed,
            }
            if not changed:
                step["state"] = "done"
                return
            step["state"] = "attention"
        elif step["state"] == "done":
            step["state"] = "todo"
        if step.get("unsettled"):
            return
        step["buttons"] = [
            *step["buttons"],
            {
                "method": "action_confirm_step",
                "args": [step["code"]],
                "label": step.get("confirm_label") or self.env._("Confirm"),
                "primary": not any(button.get("primary") for button in step["buttons"]),
            },
        ]

    @api.model
    def _blocks(self, step):
        """Return whether the steps after this one wait for it."""
        if step.get("confirmable"):
            return step["state"] != "done"
        return step["state"] in ("todo", "problem", "waiting")

    def _open_steps(self):
        """Return the pre-billing steps that keep bills from being requested."""
        self.ensure_one()
        return [
            step
            for step in self._next_steps()["steps"]
            if step["code"] != "request" and self._blocks(step)
        ]

    def _check_steps_done(self):
        """Check that every step before the request is done.

        :raise UserError: naming the open ones
        """
        for run in self:
            steps = run._open_steps()
            if steps:
                raise UserError(
                    self.env._(
                        "%(run)s is not ready. Open in Next Steps: %(steps)s.",
                        run=run.number,
                        steps=", ".join(step["title"] for step in steps),
                    )
                )

    def _record_step(self, code, numbers, skipped=False):
        """Put a confirmation on record, in place of an earlier one."""
        self.ensure_one()
        step = self.env["billing.run.step"].sudo()
        step.search([("run_id", "=", self.id), ("code", "=", code)]).unlink()
        step.create(
            {
                "run_id": self.id,
                "code": code,
                "confirmed_by_id": self.env.uid,
                "confirmed_date": fields.Datetime.now(),
                "skipped": skipped,
                "numbers": numbers,
                "fingerprint": step._get_fingerprint(numbers),
            }
        )

    def _taken_back_text(self):
        """Return how many of the run's bills are being and were taken back, empty for none."""
        texts = []
        if count := self._count_being_taken_back():
            texts.append(
                plural(
                    count,
                    self.env._("1 bill is being taken back."),
                    self.env._("%s bills are being taken back.", count),
                )
            )
        if count := self._bill_counts().get("undone", 0):
            texts.append(
                plural(
                    count,
                    self.env._("1 bill was taken back and is not counted here."),
                    self.env._("%s bills were taken back and are not counted here.", count),
                )
            )
        return " ".join(texts)

    def _stage_progress(self):
        """Return each stage's progress: name, label, done, total.

        A run that was closed early has no progress in the stages it did without. Bills that were
        taken back count in none.
        """
        self.ensure_one()
        if not self._stages().by_bills:
            return self._set_progress()
        counts = self._bill_counts()
        total = sum(counts.values()) - counts.get("undone", 0)
        stages = self._stages()
        over = counts.get("skipped", 0) + counts.get("error", 0)
        result = []
        later = 0
        for stage in reversed(stages):
            later += counts.get(stage.after, 0)
            result.append(
                {
                    "name": stage.name,
                    "label": self.env._(stage.label),
                    "done": min(later + over, total),
                    "total": total,
                }
            )
        ended = self.state in ENDED_STATES and self.stage
        count = stages.place(self.stage) + 1 if ended else len(result)
        return result[::-1][:count]

    def _set_progress(self):
        """Return the progress of stages that work by sets: what a stage that has ended took, else
        how many of its tasks are done."""
        results = {result.stage: result for result in self.result_ids.sorted("id")}
        progress = []
        for stage in self._stages():
            result = results.get(stage.name)
            done = total = result.entities if result else 0
            if result and not result.ended_date:
                done = len(self._stage_tasks(stage, ["completed"]))
                total = len(self._stage_tasks(stage, TASK_STATES))
            progress.append(
                {
                    "name": stage.name,
                    "label": self.env._(stage.label),
                    "done": done,
                    "total": total,
                }
            )
        return progress
