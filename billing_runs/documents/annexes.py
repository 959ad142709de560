from odoo import models


class BillingBill(models.Model):
    """Annexes: further files that go to the customer with a bill's documents."""

    _inherit = "billing.bill"

    def _get_annexes(self, move):
        """Return the annexes of one of the bill's documents, in order, as ``ir.attachment``.

        Here these are the calls that it bills, one by one, where the customer wants them: PDFs,
        and a CSV file, which e-mails alone carry. A floor above, or an addon, adds its own with
        ``super()``. Asked for when the document gets its PDF, which is the time to make them and to
        tie them to the document (what goes wrong is an error of that bill alone), and again when
        it leaves, by code that cannot write: e-mails carry them beside the PDF, print bundles
        behind it.

        :param move: the document, an ``account.move`` of this bill
        """
        self.ensure_one()
        return move.billing_call_annex_ids
