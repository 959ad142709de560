from odoo import fields, models


class ResCompany(models.Model):
    """How a company keeps its customers' wallets."""

    _inherit = "res.company"

    billing_wallet_account_id = fields.Many2one(
        "account.account",
        string="Customers' Deposits",
        check_company=True,
        domain=[("account_type", "in", ("liability_current", "liability_non_current"))],
        ondelete="restrict",
        help="The liability account on which customers' money in wallets is kept.",
    )
    billing_wallet_low_balance = fields.Monetary(
        string="Low Balance of New Wallets",
        help="The customer is told once when the balance has fallen to it. In the company's"
        " currency; wallets in other currencies begin with 0.",
    )
    billing_wallet_notices = fields.Boolean(
        string="Tell Customers about Low Balances",
        default=True,
        help="One e-mail each time a balance falls to the wallet's threshold, and none again before"
        " it has been above.",
    )
