from odoo import models


class AccountMove(models.Model):
    """Journal entries of payments that are taken back without the payment."""

    _inherit = "account.move"

    def button_draft(self):
        result = super().button_draft()
        self.origin_payment_id._follow_in_wallets()
        self.statement_line_id._follow_in_wallet()
        return result

    def button_cancel(self):
        result = super().button_cancel()
        self.origin_payment_id._follow_in_wallets()
        self.statement_line_id._follow_in_wallet()
        return result

    def action_post(self):
        result = super().action_post()
        self.origin_payment_id._follow_in_wallets()
        self.statement_line_id._follow_in_wallet()
        return result
