from odoo import fields, models


class CdrArchiveStartLine(models.TransientModel):
    """What archiving takes, and leaves, of a carrier's month."""

    _name = "cdr.archive.start.line"
    _description = "Calls to Archive"

    start_id = fields.Many2one(
        "cdr.archive.start", required=True, readonly=True, index=True, ondelete="cascade"
    )
    carrier_id = fields.Many2one("cdr.carrier", required=True, readonly=True)
    currency_id = fields.Many2one(related="carrier_id.currency_id")
    month = fields.Date(required=True, readonly=True)
    call_count = fields.Integer(string="To Archive", readonly=True)
    given_up_count = fields.Integer(string="Never Billed", readonly=True)
    cost = fields.Monetary(readonly=True)
    staying_count = fields.Integer(string="Stay", readonly=True)
