from odoo import fields, models


class CdrRateImportLine(models.TransientModel):
    """One prefix of the preview."""

    _name = "cdr.rate.import.line"
    _description = "Change of a Rate"
    _order = "id"

    import_id = fields.Many2one("cdr.rate.import", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="import_id.currency_id")
    kind = fields.Selection(
        [
            ("new", "New"),
            ("dearer", "Dearer"),
            ("cheaper", "Cheaper"),
            ("changed", "Changed"),
            ("ended", "Ended"),
            ("same", "Unchanged"),
        ],
        required=True,
    )
    prefix = fields.Char()
    name = fields.Char(string="Destination")
    old_price = fields.Float(string="Price a Minute Now", digits=(16, 6))
    new_price = fields.Float(string="New Price a Minute", digits=(16, 6))
    old_amount = fields.Float(string="3 Minutes Now", digits=(16, 6))
    new_amount = fields.Float(string="New 3 Minutes", digits=(16, 6))
