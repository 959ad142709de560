from odoo import fields, models


class AccountMove(models.Model):
    """Entries of month-ends, their reversals, and what undid them."""

    _inherit = "account.move"

    billing_closing_id = fields.Many2one(
        "billing.closing",
        string="Month-End",
        readonly=True,
        copy=False,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    def action_open_billing_closing(self):
        """Open the month-end of this entry, with the list behind its figures."""
        self.ensure_one()
        self.check_access("read")
        self.billing_closing_id.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "billing.closing",
            "res_id": self.billing_closing_id.id,
            "views": [[False, "form"]],
        }
