from odoo import api, fields, models
from odoo.exceptions import UserError

# Proof that a run itself takes its documents back: an object no RPC call can forge.
UNDO = object()


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "billing.prepared.mixin"]

    billing_bill_id = fields.Many2one(
        "billing.bill",
        "Bill",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    billing_message = fields.Html(
        "Invoice Message", copy=False, help="Printed on the invoice by its billing run."
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        if self.env.context.get("billing_undo") is UNDO:
            return
        for move in self:
            if move.billing_bill_id:
                raise UserError(
                    self.env._(
                        "%(invoice)s belongs to billing run %(run)s and cannot be deleted by"
                        " itself.",
                        invoice=move.display_name,
                        run=move.billing_bill_id.run_id.number,
                    )
                )
