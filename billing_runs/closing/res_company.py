from odoo import fields, models


class ResCompany(models.Model):
    """Where month-ends are booked."""

    _inherit = "res.company"

    billing_accrued_account_id = fields.Many2one(
        "account.account",
        string="Accrued Income",
        check_company=True,
        domain=[("account_type", "=", "asset_current")],
        ondelete="restrict",
        help="Revenue that is earned but not invoiced stands here at the end of a month.",
    )
    billing_deferred_account_id = fields.Many2one(
        "account.account",
        string="Deferred Revenue",
        check_company=True,
        domain=[("account_type", "=", "liability_current")],
        ondelete="restrict",
        help="Revenue that was invoiced ahead stands here at the end of a month.",
    )
    billing_closing_journal_id = fields.Many2one(
        "account.journal",
        string="Month-End Journal",
        check_company=True,
        domain=[("type", "=", "general")],
        ondelete="restrict",
        help="The entries of month-ends are posted in it.",
    )
