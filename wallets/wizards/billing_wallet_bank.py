from odoo import api, fields, models


class BillingWalletBank(models.TransientModel):
    """A line of a bank statement by which a customer tops a wallet up."""

    _name = "billing.wallet.bank"
    _description = "Top Up by Bank Line"
    _check_company_auto = True

    statement_line_id = fields.Many2one(
        "account.bank.statement.line", string="Bank Line", required=True, check_company=True
    )
    company_id = fields.Many2one(related="statement_line_id.company_id")
    amount = fields.Monetary(related="statement_line_id.amount")
    currency_id = fields.Many2one(related="statement_line_id.currency_id")
    payment_ref = fields.Char(related="statement_line_id.payment_ref")
    wallet_id = fields.Many2one(
        "billing.wallet",
        compute="_compute_wallet_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain="[('company_id', '=', company_id)]",
    )

    @api.depends("statement_line_id")
    def _compute_wallet_id(self):
        for dialog in self:
            line = dialog.statement_line_id
            dialog.wallet_id = dialog.wallet_id or (line and line._find_wallet())

    def action_apply(self):
        """Put the line's money into the wallet."""
        self.ensure_one()
        self.statement_line_id.check_access("write")
        self.wallet_id.check_access("write")
        self.statement_line_id._to_wallet(self.wallet_id)
        return {"type": "ir.actions.act_window_close"}
