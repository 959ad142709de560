from odoo import fields, models


class AccountMoveLine(models.Model):
    """What the ledger of charges knows of invoice lines: which one a line replaces, and what
    becomes of charges whose line is deleted."""

    _inherit = "account.move.line"

    billing_replaces_id = fields.Many2one(
        "account.move.line",
        "Replaces",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The line of the invoice that was credited and replaced by this line's.",
    )

    def unlink(self):
        """Give the charges of a deleted invoice line back to the next run.

        Accountants delete draft invoices. What such an invoice billed is still owed, and Odoo
        must not leave it marked as invoiced. Their right to delete is Odoo's own; following it
        up in the ledger needs no right of theirs in billing.
        """
        if not self:
            return super().unlink()
        # A line of a replacement leaves its charges to the line that it replaces.
        replaced = self.filtered("billing_replaces_id")
        self.env["account.move"]._move_charges(
            {line: line.billing_replaces_id for line in replaced}
        )
        moves = replaced.billing_replaces_id.move_id
        self.env["billing.charge"].sudo().search([("move_line_id", "in", self.ids)])._reopen()
        result = super().unlink()
        moves._follow_in_ledger()
        return result
