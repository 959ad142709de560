from odoo import models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def unlink(self):
        """Give the charges of a deleted invoice line back to the next run.

        Accountants delete draft invoices. What such an invoice billed is still owed, and Odoo
        must not leave it marked as invoiced. Their right to delete is Odoo's own; following it
        up in the ledger needs no right of theirs in billing.
        """
        self.env["billing.charge"].sudo().search([("move_line_id", "in", self.ids)])._reopen()
        return super().unlink()
