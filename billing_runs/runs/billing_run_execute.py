from odoo import api, fields, models
from odoo.exceptions import UserError

from ...billing_tasks.texts import labels
from .billing_run import EDITABLE_STATES


class BillingRunExecute(models.TransientModel):
    """The Execute dialog: up to which stage, and when. For billing users."""

    _name = "billing.run.execute"
    _description = "Execute Billing Run"

    run_id = fields.Many2one("billing.run", required=True, readonly=True, ondelete="cascade")
    target_stage = fields.Selection(
        selection="_selection_target_stage",
        string="Up to Stage",
        required=True,
        default=lambda self: self._default_target_stage(),
    )
    execute_now = fields.Boolean(default=lambda self: not self._default_scheduled_date())
    test_mode = fields.Boolean(
        "Rehearsal",
        help="Everything is done and undone again: no bill, number or e-mail stays. What would have"
        " come of it is written in the run's history.",
    )
    open_steps = fields.Char("Not Done Yet", compute="_compute_question")
    skip_steps = fields.Boolean(
        "Without These Steps", help="In expert mode. That they were skipped is put on record."
    )
    question = fields.Text(compute="_compute_question")
    scheduled_date = fields.Datetime(default=lambda self: self._default_scheduled_date())

    @api.model
    def _run_at_hand(self):
        return self.env["billing.run"].browse(self.env.context.get("default_run_id")).exists()

    @api.model
    def _default_scheduled_date(self):
        """Return the time for which the run was requested, while it is to come."""
        run = self._run_at_hand()
        waits = run and run._is_scheduled() and run.scheduled_date > fields.Datetime.now()
        return run.scheduled_date if waits else False

    @api.model
    def _selection_target_stage(self):
        """Return the stages that the run at hand has not finished yet."""
        run = self._run_at_hand()
        names = labels(run, "stage")
        if not run:
            return list(names.items())
        stages = run._stages()
        return [(stage.name, names[stage.name]) for stage in stages[stages.place(run.stage) + 1 :]]

    @api.model
    def _default_target_stage(self):
        """Return the stage asked for before, else the cycle's, where the run has not finished it
        yet, else the last one."""
        left = [name for name, _label in self._selection_target_stage()]
        run = self._run_at_hand()
        scheduled = run and run._is_scheduled()
        wanted = run.target_stage if scheduled else run.cycle_id.target_stage
        return wanted if wanted in left else left[-1]

    @api.depends("run_id", "target_stage", "skip_steps")
    def _compute_question(self):
        for wizard in self:
            run = wizard.run_id
            steps = run._open_steps() if run.state in EDITABLE_STATES else []
            wizard.open_steps = ", ".join(step["title"] for step in steps)
            wizard.question = run and run._work_question(wizard.target_stage, wizard.skip_steps)

    def action_execute(self):
        """Execute the run as chosen."""
        self.ensure_one()
        if not self.execute_now:
            if not self.scheduled_date:
                raise UserError(self.env._("Choose the date and time, or Execute Now."))
            if self.scheduled_date < fields.Datetime.now():
                raise UserError(self.env._("The scheduled time has passed. Choose a later one."))
        if self.test_mode:
            self.run_id.action_rehearse(self.target_stage)
            return {"type": "ir.actions.act_window_close"}
        scheduled = None if self.execute_now else self.scheduled_date
        last = self.run_id._stages().last
        target = None if self.target_stage == last.name else self.target_stage
        run = self.run_id
        if run._is_scheduled():
            act = run.action_reschedule
        else:
            act = run.action_continue if run._waits() else run.action_request
            if self.skip_steps and self.open_steps:
                act = run.action_request_expert
        act(target_stage=target, scheduled_date=scheduled)
        return {"type": "ir.actions.act_window_close"}
