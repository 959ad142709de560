from odoo import fields, models


class CdrFileLine(models.Model):
    """A line of a file that could not be read, with its text and what is wrong with it."""

    _name = "cdr.file.line"
    _description = "CDR Line Not Read"
    _order = "file_id desc, line_number, id"
    _rec_name = "line_number"
    _log_access = False

    file_id = fields.Many2one(
        "cdr.file", required=True, readonly=True, index=True, ondelete="cascade"
    )
    carrier_id = fields.Many2one("cdr.carrier", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    line_number = fields.Integer(string="Line", required=True, readonly=True, aggregator=None)
    code = fields.Char(required=True, readonly=True)
    reason = fields.Char(string="What Is Wrong", required=True, readonly=True)
    text = fields.Text(readonly=True)
