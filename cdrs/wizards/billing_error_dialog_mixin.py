from odoo import fields, models


class BillingErrorDialogMixin(models.AbstractModel):
    """A dialog that corrects a cause and has what it stops rated again. For billing managers.

    A model says in ``_correct`` what it does; the rest is the same for all.
    """

    _name = "billing.error.dialog.mixin"
    _description = "Corrects a Billing Error"
    _check_company_auto = True

    error_id = fields.Many2one("billing.error", required=True, readonly=True, check_company=True)
    company_id = fields.Many2one(related="error_id.company_id")

    def action_apply(self):
        """Correct the cause and have its calls rated again."""
        self.check_access("write")
        self.ensure_one()
        error = self.error_id._as_manager()
        self._correct()
        error._reprocess_later()
        return {"type": "ir.actions.act_window_close"}

    def _correct(self):
        """Do what the dialog is for, as the person who works with it.

        Must be overridden by the dialog.
        """
        raise NotImplementedError(f"{self._name} corrects nothing")
