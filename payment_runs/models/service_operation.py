from odoo import fields, models


class ServiceOperation(models.Model):
    """Operations that were asked for because of unpaid invoices know why."""

    _inherit = "service.operation"

    overdue_notice_id = fields.Many2one(
        "billing.overdue.notice",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
