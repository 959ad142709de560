from odoo import api, fields, models
from odoo.exceptions import UserError


class BillingWalletStatement(models.TransientModel):
    """A wallet's statement for some days: what it held, every transaction, what it holds."""

    _name = "billing.wallet.statement"
    _description = "Wallet Statement"
    _check_company_auto = True

    wallet_id = fields.Many2one("billing.wallet", required=True, check_company=True)
    company_id = fields.Many2one(related="wallet_id.company_id")
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: self.env.company._billing_today().replace(day=1),
    )
    date_to = fields.Date(
        string="To", required=True, default=lambda self: self.env.company._billing_today()
    )
    opening_balance = fields.Monetary(compute="_compute_balances")
    closing_balance = fields.Monetary(compute="_compute_balances")

    @api.depends("wallet_id", "date_from", "date_to")
    def _compute_balances(self):
        for statement in self:
            lines = statement._lines()
            statement.opening_balance = statement._balance_before()
            statement.closing_balance = statement.opening_balance + sum(lines.mapped("amount"))

    def _lines(self):
        """Return the transactions of the statement's days, the oldest first."""
        self.ensure_one()
        return self.env["billing.wallet.transaction"].search(
            [
                ("wallet_id", "=", self.wallet_id.id),
                ("date", ">=", self.date_from),
                ("date", "<=", self.date_to),
            ],
            order="date, id",
        )

    def _balance_before(self) -> float:
        self.ensure_one()
        [(amount,)] = self.env["billing.wallet.transaction"]._read_group(
            [("wallet_id", "=", self.wallet_id.id), ("date", "<", self.date_from)],
            [],
            ["amount:sum"],
        )
        return amount or 0.0

    def _balances(self) -> dict:
        """Return ``{transaction id: the balance after it}`` in the statement's order of days."""
        self.ensure_one()
        balance = self._balance_before()
        balances = {}
        for line in self._lines():
            balance = self.currency_id.round(balance + line.amount)
            balances[line.id] = balance
        return balances

    def action_print(self):
        """Print the statement."""
        self.ensure_one()
        self.wallet_id.check_access("read")
        if self.date_from > self.date_to:
            raise UserError(self.env._("The statement must begin before it ends."))
        report = self.env.ref("billing_operations.billing_wallet_statement_report")
        return report.report_action(self)
