from odoo import models


class AccountMove(models.Model):
    """How documents will be paid, for their PDFs and structured invoices."""

    _inherit = "account.move"

    def _billing_payment_means(self):
        """Return ``{invoice: PaymentMeans}`` of those that are paid without their customers' doing
        anything: how they will be.

        Empty here: a floor above, or an addon, adds its own with ``super()``. Asked for when
        documents become PDFs, once for all of a batch, and for each structured invoice; nothing
        may be written. Notes are in the language of the environment. The billing layout says then
        how it will be paid instead of where to, without a code to scan; Odoo's report has the note
        besides; the structured invoice says the same as the billing layout.

        :return: of :class:`~.means.PaymentMeans`
        """
        return {}
