from odoo import api, models

from ...services.loose_many2one import HeldMany2one


class BillingWalletTransaction(models.Model):
    """The run that debited."""

    _inherit = "billing.wallet.transaction"

    run_id = HeldMany2one(
        "billing.run",
        string="Billing Run",
        readonly=True,
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
    )

    @api.model
    def _booked_columns(self):
        return {**super()._booked_columns(), "run_id": "int"}

    def _after_booking(self):
        """Also: money that comes in cancels stops that wait."""
        result = super()._after_booking()
        self.filtered(lambda transaction: transaction.amount > 0).wallet_id._spare_services()
        return result
