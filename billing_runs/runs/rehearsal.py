from odoo import api, models
from odoo.exceptions import UserError

from ...billing_tasks.exceptions import FatalTaskError
from ...billing_tasks.texts import plural
from .billing_run import EDITABLE_STATES

CODE = "run_rehearse"


class BillingRun(models.Model):
    """A rehearsal: a run goes through its stages in one task in test mode. The queue undoes all of
    it and keeps what would have come of it."""

    _inherit = "billing.run"

    def action_rehearse(self, target_stage=None):
        """Rehearse runs whose bills are not requested yet: everything is done and undone again.

        :param str target_stage: stage to stop after; None = the last one
        """
        self._check_user()
        for run in self:
            if run.state not in EDITABLE_STATES:
                raise UserError(
                    self.env._(
                        "%(run)s cannot be rehearsed: its bills were requested already.",
                        run=run.number,
                    )
                )
            if not run._stages().by_bills:
                raise UserError(
                    self.env._(
                        "%(run)s debits wallets and is not rehearsed. Execute it up to Rating"
                        " instead: nothing is debited by that.",
                        run=run.number,
                    )
                )
            run._check_complete()
            run._check_target(target_stage)
            self.env["billing.task"].sudo().enqueue(
                CODE,
                run,
                {"stage": target_stage or run._stages().last.name},
                identity_key=f"{CODE}:{run.id}",
                exclusive_key=f"run:{run.id}",
                test_mode=True,
            )
        return True

    @api.model
    def _task_rehearse(self, task):
        """Handle ``run_rehearse``: identify the customers and take their bills through the stages.

        :return: dict ``{"bills": {state: number}, "documents": number, "amounts": {currency: text}}``
        """
        if not task.test_mode:
            raise FatalTaskError(self.env._("A rehearsal is a task in test mode."))
        run = self._task_run(task)
        if run.state not in EDITABLE_STATES:
            raise FatalTaskError(self.env._("The bills of this run were requested meanwhile."))
        run._identify()
        stages = run._stages()
        last = stages[stages.place(task.parameters["stage"])]
        for stage in stages[: stages.place(last.name) + 1]:
            batches = run._batches(stage)
            for place, bill_ids in enumerate(batches, 1):
                stage.perform(self.env["billing.bill"].browse(bill_ids))
                task._progress(place, len(batches))
        totals = last.totals(run)
        return {
            "bills": run._bill_counts(),
            "documents": totals["documents"],
            "amounts": totals["amounts"],
        }

    def _note_rehearsal(self, result):
        """Write in the run's history what a rehearsal would have come to."""
        self.ensure_one()
        labels = dict(self.env["billing.bill"]._fields["state"]._description_selection(self.env))
        count = sum(result["bills"].values())
        body = self.env._(
            "Rehearsal: %(bills)s (%(states)s). Before tax: %(amounts)s. Nothing of it was kept.",
            bills=plural(count, self.env._("1 bill"), self.env._("%s bills", count)),
            states=", ".join(f"{labels[s]}: {n}" for s, n in result["bills"].items()) or "–",
            amounts=", ".join(f"{c} {a}" for c, a in result["amounts"].items()) or "0",
        )
        self.message_post(body=body)
