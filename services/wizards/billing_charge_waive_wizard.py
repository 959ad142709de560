from odoo import fields, models


class BillingChargeWaiveWizard(models.TransientModel):
    """Asks why charges will not be billed."""

    _name = "billing.charge.waive.wizard"
    _description = "Waive Charges"

    charge_ids = fields.Many2many("billing.charge", required=True, string="Charges")
    reason = fields.Char(required=True, help="Kept with the charges.")

    def action_apply(self):
        """Waive the charges.

        Nobody may write the ledger, so the write is made as superuser after the manager's right,
        and the access to these very charges, are checked.
        """
        self.ensure_one()
        self.charge_ids._check_waive_rights()
        self.charge_ids.sudo()._waive(self.reason)
        return {"type": "ir.actions.act_window_close"}
