from odoo import fields, models


class CdrArchiveService(models.Model):
    """What the calls in an archive come to for one service: reports count it in place of the calls."""

    _name = "cdr.archive.service"
    _description = "Archived Calls of a Service"
    _order = "archive_id, id"
    _rec_name = "service_id"
    _log_access = False

    archive_id = fields.Many2one(
        "cdr.archive", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    service_id = fields.Many2one("billing.service", readonly=True, ondelete="set null")
    currency_id = fields.Many2one("res.currency", readonly=True)
    record_count = fields.Integer(string="Calls", readonly=True)
    seconds = fields.Float(string="Duration (s)", digits=(18, 0), readonly=True)
    cost = fields.Monetary(readonly=True)
