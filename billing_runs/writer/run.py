from odoo import models


class BillingRun(models.Model):
    """Which runs post what they invoice in one go, and what keeps documents from being written."""

    _inherit = "billing.run"

    def _posts_at_once(self):
        """Return whether the run goes on to posting, so that nobody looks at drafts."""
        self.ensure_one()
        stages = self._stages()
        return stages.by_bills and self._target_place() >= stages.posted_place

    def _was_posted_at_once(self):
        """Return whether invoicing has posted bills that no posting stage has counted yet."""
        self.ensure_one()
        results = self.env["billing.run.result"].search([("run_id", "=", self.id)], order="id desc")
        last = results.filtered(lambda result: result.stage in ("invoicing", "posting"))[:1]
        return last.stage == "invoicing" and bool(self._bill_ids("posted"))
