from odoo import fields, models


class BillingOverdueLine(models.Model):
    """One overdue invoice, or one instalment of it, in one notice: what was sent about it, and when.

    Written with its notice; billing users read it. A step is taken once for an invoice's due date,
    which the index holds.
    """

    _name = "billing.overdue.line"
    _description = "Overdue Invoice in a Notice"
    _order = "date desc, id desc"
    _check_company_auto = True

    notice_id = fields.Many2one(
        "billing.overdue.notice", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="notice_id.company_id", store=True, precompute=True, required=True, index=True
    )
    partner_id = fields.Many2one(
        related="notice_id.partner_id", string="Customer", store=True, precompute=True, index=True
    )
    step_id = fields.Many2one(
        related="notice_id.step_id", store=True, precompute=True, required=True
    )
    kind = fields.Selection(related="notice_id.kind", store=True, precompute=True)
    date = fields.Date(related="notice_id.date", store=True, precompute=True)
    state = fields.Selection(related="notice_id.state", store=True, precompute=True)
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        check_company=True,
    )
    due_date = fields.Date(required=True, readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(string="Open", readonly=True, help="What was open on that day.")
    open_now = fields.Monetary(
        related="move_id.amount_residual", string="Open Now", currency_field="currency_id"
    )

    _once = models.UniqueIndex(
        "(step_id, move_id, due_date)", "This step was taken for this invoice already."
    )

    def action_open_invoice(self):
        """Open the invoice."""
        self.ensure_one()
        self.check_access("read")
        self.move_id.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Invoice"),
            "res_model": self.move_id._name,
            "res_id": self.move_id.id,
            "views": [[False, "form"]],
        }

    def _link(self) -> str:
        """Return the address at which the customer reads and pays the invoice."""
        self.ensure_one()
        move = self.move_id.sudo()
        return move.get_base_url() + move.get_portal_url()
