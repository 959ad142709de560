from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    """How what wallets pay becomes income in the books."""

    _inherit = "res.company"

    billing_wallet_revenue = fields.Selection(
        [
            ("none", "No journal entries"),
            ("consumption", "Tax is due on what is used"),
            ("top_up", "Tax is due on what is paid in"),
        ],
        string="Prepaid Revenue",
        required=True,
        default="none",
        help="Whether each prepaid run posts one entry that moves what wallets paid from customers'"
        " deposits to income, and when the tax on it is due.",
    )
    billing_wallet_journal_id = fields.Many2one(
        "account.journal",
        string="Prepaid Journal",
        check_company=True,
        domain=[("type", "=", "general")],
        ondelete="restrict",
        help="The entries of prepaid runs are posted in it.",
    )
    billing_wallet_tax_id = fields.Many2one(
        "account.tax",
        string="Tax on Top-Ups",
        check_company=True,
        domain=[("type_tax_use", "=", "sale")],
        ondelete="restrict",
        help="The tax that is due when money is paid into a wallet.",
    )
    billing_wallet_tax_account_id = fields.Many2one(
        "account.account",
        string="Tax on Deposits",
        check_company=True,
        domain=[("account_type", "in", ("asset_current", "liability_current"))],
        ondelete="restrict",
        help="Tax that was due on top-ups stays on this account until the money is used.",
    )

    @api.constrains(
        "billing_wallet_revenue",
        "billing_wallet_journal_id",
        "billing_wallet_account_id",
        "billing_wallet_tax_id",
        "billing_wallet_tax_account_id",
    )
    def _check_billing_wallet_revenue(self):
        for company in self:
            names = company._billing_wallet_revenue_fields()
            missing = [
                self._fields[name]._description_string(self.env)
                for name in names
                if not company[name]
            ]
            if missing:
                raise ValidationError(
                    self.env._(
                        "%(company)s: for entries of prepaid revenue choose %(fields)s.",
                        company=company.name,
                        fields=", ".join(missing),
                    )
                )

    def _billing_wallet_revenue_fields(self) -> list[str]:
        """Return the fields that the company's way of booking prepaid revenue needs."""
        self.ensure_one()
        if self.billing_wallet_revenue == "none":
            return []
        names = ["billing_wallet_account_id", "billing_wallet_journal_id"]
        if self.billing_wallet_revenue == "top_up":
            names += ["billing_wallet_tax_id", "billing_wallet_tax_account_id"]
        return names
