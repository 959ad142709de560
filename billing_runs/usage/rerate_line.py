from odoo import fields, models


class CdrRecordRerateLine(models.TransientModel):
    """What re-rating changes of what is invoiced."""

    _inherit = "cdr.record.rerate.line"

    kind = fields.Selection(
        selection_add=[("charged", "Invoiced")], ondelete={"charged": "cascade"}
    )
