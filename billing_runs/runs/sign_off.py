from odoo import fields, models
from odoo.exceptions import UserError


class BillingRun(models.Model):
    """Sign-off: a run is made ready, then approved, before its bills are requested.

    Only where the cycle asks for it. A change of dates or criteria drops it.
    """

    _inherit = "billing.run"

    ready_by_id = fields.Many2one("res.users", "Made Ready by", readonly=True, copy=False)
    approved_by_id = fields.Many2one("res.users", "Approved by", readonly=True, copy=False)
    sign_off = fields.Boolean(related="cycle_id.sign_off")

    def action_ready(self):
        """Say that the runs are prepared and wait for approval; their pre-billing report is made."""
        self._check_user()
        # Who said so first stays on record.
        for run in self.filtered(lambda run: run.state != "ready"):
            run._check_complete()
            run._set_state("ready", {"ready_by_id": self.env.uid})
            run.sudo()._request_report("pre")
        return True

    def action_approve(self):
        """Approve prepared runs: their bills may be requested. Their report is made anew."""
        self._check_user()
        for run in self.filtered(lambda run: run.state != "approved"):
            if run.cycle_id.sign_off_by_other and run.ready_by_id == self.env.user:
                raise UserError(
                    self.env._(
                        "You made %(run)s ready, so someone else has to approve it.",
                        run=run.number,
                    )
                )
            run._set_state("approved", {"approved_by_id": self.env.uid})
            run.sudo()._request_report("pre")
        return True

    def action_back_to_pending(self):
        """Take the sign-off back."""
        self._check_user()
        self._set_state("pending")
        return True
