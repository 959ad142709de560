from odoo import api, fields, models

from ..reason_codes import reason_text


class BillingPaymentReturnLine(models.Model):
    """What a message says of one collection, and what came of it.

    Written by the import alone; billing users read it.
    """

    _name = "billing.payment.return.line"
    _description = "Return of a Direct Debit"
    _order = "id"
    _check_company_auto = True

    return_id = fields.Many2one(
        "billing.payment.return", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="return_id.company_id", store=True, precompute=True, required=True, index=True
    )
    payment_line_id = fields.Many2one(
        "billing.payment.line", string="Collection", readonly=True, index="btree_not_null"
    )
    partner_id = fields.Many2one(related="payment_line_id.partner_id")
    move_id = fields.Many2one(related="payment_line_id.move_id")
    reference = fields.Char(readonly=True)
    code = fields.Char(readonly=True)
    reason = fields.Char(compute="_compute_reason")
    note = fields.Char(string="The Bank Says", readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(readonly=True)
    fee = fields.Monetary(string="Bank Fee", readonly=True)
    date = fields.Date(readonly=True)
    state = fields.Selection(
        [
            ("applied", "Came back"),
            ("known", "Was back already"),
            ("unknown", "No collection has this reference"),
            ("foreign", "Another account or creditor"),
            ("amount", "Another amount"),
            ("not_submitted", "Was never submitted"),
        ],
        string="Result",
        required=True,
        readonly=True,
        index=True,
    )

    @api.depends("code")
    def _compute_reason(self):
        for line in self:
            line.reason = reason_text(self.env, line.code)

    def action_open_invoice(self):
        """Open the invoice that is open again."""
        self.ensure_one()
        self.check_access("read")
        self.move_id.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Invoice"),
            "res_model": self.move_id._name,
            "res_id": self.move_id.id,
            "view_mode": "form",
        }
