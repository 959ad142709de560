from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_follow_overdue = fields.Boolean(
        related="company_id.billing_follow_overdue", readonly=False
    )
    billing_suspend_unpaid = fields.Boolean(
        related="company_id.billing_suspend_unpaid", readonly=False
    )
    billing_overdue_user_id = fields.Many2one(
        related="company_id.billing_overdue_user_id", readonly=False
    )
