from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class AccountBankStatementLine(models.Model):
    """Lines of bank statements by which a customer tops a wallet up, or is paid out of it."""

    _inherit = "account.bank.statement.line"

    billing_wallet_id = fields.Many2one(
        "billing.wallet",
        string="Wallet",
        check_company=True,
        index="btree_not_null",
        readonly=True,
        copy=False,
        ondelete="restrict",
    )

    # === ACTIONS === #

    def action_billing_wallet(self):
        """Open the dialog that asks for the wallet."""
        self.ensure_one()
        self.env["billing.wallet.bank"].check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Top Up a Wallet"),
            "res_model": "billing.wallet.bank",
            "view_mode": "form",
            "target": "new",
            "context": {"default_statement_line_id": self.id},
        }

    def action_undo_reconciliation(self):
        """Also: take the lines off their wallets."""
        result = super().action_undo_reconciliation()
        if not self:
            return result  # as Odoo calls it for each line that it writes
        self._follow_in_wallet()
        self.filtered("billing_wallet_id").write({"billing_wallet_id": False})
        return result

    # === BUSINESS === #

    def _find_wallet(self):
        """Return the wallet that a line seems to be for: named in its text, or the only one of its
        customer."""
        self.ensure_one()
        wallets = self.env["billing.wallet"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("currency_id", "=", (self.foreign_currency_id or self.currency_id).id),
                "|",
                ("partner_id", "=", self.partner_id.commercial_partner_id.id),
                ("number", "in", (self.payment_ref or "").replace(",", " ").split()),
            ]
        )
        named = wallets.filtered(lambda wallet: wallet.number in (self.payment_ref or ""))
        found = named or wallets
        return found if len(found) == 1 else wallets.browse()

    def _to_wallet(self, wallet):
        """Put the line's money on the account of customers' deposits, and into the wallet."""
        self.ensure_one()
        _liquidity, suspense, other = self._seek_for_lines()
        if other or len(suspense) != 1:
            raise UserError(
                self.env._("This line was matched with something else already. Undo that first.")
            )
        currency = self.foreign_currency_id or self.currency_id
        wallet._check_document(self.partner_id, self.company_id, currency)
        if not self.partner_id:
            self.partner_id = wallet.partner_id
            _liquidity, suspense, other = self._seek_for_lines()
        values = {"account_id": wallet._deposit_account().id, "partner_id": wallet.partner_id.id}
        self.with_context(force_delete=True, skip_readonly_check=True).write(
            {
                "billing_wallet_id": wallet.id,
                "line_ids": [Command.update(suspense.id, values)],
            }
        )
        self._follow_in_wallet()

    def _follow_in_wallet(self):
        """Have the wallets hold what the lines say, now that these were matched or undone."""
        for line in self.filtered("billing_wallet_id").sudo():
            wallet = line.billing_wallet_id
            account = wallet.company_id.billing_wallet_account_id
            deposits = line.move_id.line_ids.filtered(lambda item, a=account: item.account_id == a)
            counts = line.move_id.state == "posted"
            wallet._follow(
                "statement_line_id",
                line,
                -sum(deposits.mapped("amount_currency")) if counts else 0,
                line.payment_ref or self.env._("Bank line of %s", line.date),
            )
