from odoo import api, fields, models

from ..models.billing_error import ACCEPT_REASONS


class BillingErrorAccept(models.TransientModel):
    """Gives causes up for a reason: what they stop is not billed."""

    _name = "billing.error.accept"
    _description = "Accept Billing Errors"

    error_ids = fields.Many2many("billing.error", string="Billing Errors", required=True)
    record_count = fields.Integer(string="Calls", compute="_compute_totals")
    cost = fields.Monetary(string="Cost (at least)", compute="_compute_totals")
    currency_id = fields.Many2one("res.currency", compute="_compute_totals")
    reason = fields.Selection(ACCEPT_REASONS, required=True)
    note = fields.Char()

    @api.depends("error_ids")
    def _compute_totals(self):
        for wizard in self:
            wizard.record_count = sum(wizard.error_ids.mapped("record_count"))
            wizard.cost = sum(wizard.error_ids.mapped("cost"))
            wizard.currency_id = wizard.error_ids.currency_id[:1]

    def action_apply(self):
        """Accept the causes."""
        self.ensure_one()
        self.error_ids._as_manager()._accept(self.reason, self.note)
        return {"type": "ir.actions.act_window_close"}
