from odoo import api, fields, models


class CdrRecordRerateLine(models.TransientModel):
    """What re-rating calls changes for one customer, in one currency."""

    _name = "cdr.record.rerate.line"
    _description = "Difference of Re-rating"

    rerate_id = fields.Many2one(
        "cdr.record.rerate", required=True, readonly=True, index=True, ondelete="cascade"
    )
    kind = fields.Selection(
        [("open", "Not invoiced yet")], string="Calls Are", required=True, readonly=True
    )
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    call_count = fields.Integer(string="Calls", readonly=True)
    changed_count = fields.Integer(string="Change", readonly=True)
    old_amount = fields.Monetary(string="Now", readonly=True)
    new_amount = fields.Monetary(string="Then", readonly=True)
    difference = fields.Monetary(compute="_compute_difference")

    @api.depends("old_amount", "new_amount")
    def _compute_difference(self):
        for line in self:
            line.difference = line.new_amount - line.old_amount
