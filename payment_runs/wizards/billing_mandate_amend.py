from odoo import api, fields, models


class BillingMandateAmend(models.TransientModel):
    """Another bank account or reference of a mandate that goes on.

    The next file announces the change to the bank, together with what stood in the last one.
    """

    _name = "billing.mandate.amend"
    _description = "Amend Mandate"

    mandate_id = fields.Many2one("billing.mandate", required=True, readonly=True)
    collection_count = fields.Integer(related="mandate_id.collection_count")
    old_iban = fields.Char(related="mandate_id.iban", string="IBAN Now")
    iban = fields.Char(
        string="New IBAN",
        compute="_compute_from_mandate",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    bic = fields.Char(string="BIC", help="Needed for accounts outside the European Economic Area.")
    holder = fields.Char(string="Account Holder", help="Empty: the customer.")
    reference = fields.Char(
        compute="_compute_from_mandate", store=True, precompute=True, readonly=False, required=True
    )
    reason = fields.Char(required=True, help="Who asked for it, and how. Kept on the mandate.")

    @api.depends("mandate_id")
    def _compute_from_mandate(self):
        for dialog in self:
            dialog.iban = dialog.mandate_id.iban
            dialog.reference = dialog.mandate_id.reference

    def action_apply(self):
        """Change the mandate; what the bank knows is kept until the next file."""
        self.ensure_one()
        self.mandate_id._amend(self.reason, self.iban, self.reference, self.bic, self.holder)
        return {"type": "ir.actions.act_window_close"}
