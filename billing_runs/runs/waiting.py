from odoo import api, models
from odoo.fields import Domain

from .stages import Stages


class BillingRun(models.Model):
    """Which runs wait for a person, as domains: what ``_waits`` says of one run."""

    _inherit = "billing.run"

    @api.model
    def _stopped_domain(self):
        """Return the domain of runs that a limit stopped."""
        return Domain("state", "=", "requested") & Domain("stop_reason", "!=", False)

    @api.model
    def _resting_domain(self):
        """Return the domain of runs that rest after the stage up to which they were requested."""
        reached = Domain.FALSE
        for run_type in self.env["billing.cycle"]._fields["run_type"].get_values(self.env):
            stages = Stages(self._stage_registry(run_type))
            for stage in stages:
                targets = [stage.name, False] if stage is stages.last else [stage.name]
                reached |= (
                    Domain("run_type", "=", run_type)
                    & Domain("stage", "=", stage.name)
                    & Domain("target_stage", "in", targets)
                )
        return Domain("state", "=", "requested") & Domain("stop_reason", "=", False) & reached

    @api.model
    def _at_work_domain(self):
        """Return the domain of runs that go on by themselves, now or at their time."""
        requested = Domain("state", "=", "requested")
        resting = self._stopped_domain() | self._resting_domain()
        return Domain("state", "=", "running") | requested & ~resting
